"""How the door turns a request away: a status code, one sentence for whoever asked, one line in the log."""

import json
import logging
from typing import Any

log = logging.getLogger(__name__)
Send = Any
"""As in ASGI; Starlette's own types for it are looser still."""


class Refused(Exception):
    """`str(error)` is the sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


async def answer_with(refused: Refused, scope: Any, send: Send) -> None:
    """The refusal as JSON: `detail` for the page and FastAPI's clients, `error` for those of Gradio."""
    log.info("refused with %d: %.80r: %s", refused.status, scope["path"], refused)
    content = json.dumps({"detail": str(refused), "error": str(refused)}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    if refused.status in (408, 413):  # what is still on its way is not read
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
