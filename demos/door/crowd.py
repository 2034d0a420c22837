"""How many calls may wait: few of one session, many of one address, which may be a whole lecture hall."""

from typing import Any

import gradio as gr

from demos.door.refusals import Refused
from demos.door.visitor import address_of

MOST_OF_A_SESSION = 32
"""More than a page can have under way, fewer than would keep others out."""
ADDRESS_SHARE = 2 / 3
"""Of the queue: the rest stays free for other addresses, however many names one of them invents."""


def check_crowd(page: gr.Blocks, session: str | None, request: Any, most: int) -> None:
    """Raises `Refused` if the session, or the address of `request`, has its share of the `most` places that the queue
    has. Calls that run count too."""
    events = list(page._queue.event_ids_to_events.values())
    if session is not None and sum(event.session_hash == session for event in events) >= MOST_OF_A_SESSION:
        raise Refused(429, f"You have {MOST_OF_A_SESSION} calls under way; please wait for one of them.")
    address = address_of(request)
    if address and sum(address_of(event.request) == address for event in events) >= most * ADDRESS_SHARE:
        raise Refused(429, "Too many calls from your network are waiting; please try again in a minute.")
