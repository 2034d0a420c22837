"""Bodies of requests: never more than fits, and never waited for without an end."""

import asyncio
from typing import Any

from demos.door.refusals import Refused

LARGEST_JSON = 2_000_000
LARGEST_UPLOAD = 25_000_000
"""Bytes of a whole form; a single file may have 20 MB (`max_file_size`)."""
PATIENCE_SECONDS = 30.0
"""For the next piece of a body."""
Receive = Any
Message = dict[str, Any]


class BoundedBody:
    """What `receive` brings, up to `most` bytes. Raises `Refused` beyond that, and where the rest does not come."""

    def __init__(self, headers: dict[bytes, bytes], receive: Receive, most: int) -> None:
        self._receive = receive
        self._most = most
        self._here = 0
        self._complete = False
        announced = headers.get(b"content-length", b"0")
        self._check(int(announced) if announced.isdigit() and len(announced) < 20 else most + 1)

    async def receive(self) -> Message:
        """As the application asks for it, piece by piece; after the body it waits for the end of the connection."""
        if self._complete:
            return dict(await self._receive())
        try:
            message: Message = await asyncio.wait_for(self._receive(), PATIENCE_SECONDS)
        except TimeoutError:
            raise Refused(408, "The rest of this request did not come; please try again.") from None
        self._here += len(message.get("body", b""))
        self._check(self._here)
        self._complete = not message.get("more_body", False)
        return message

    async def whole(self) -> bytes:
        """All of it. Raises `ConnectionError` if the caller goes away before."""
        pieces = []
        while not self._complete:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ConnectionError
            pieces.append(message.get("body", b""))
        return b"".join(pieces)

    def _check(self, size: int) -> None:
        if size > self._most:
            raise Refused(413, f"This is more than the {self._most / 1e6:.0f} MB that one request may bring.")
