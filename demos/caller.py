"""Whether somebody still waits for an answer: Gradio lets a plain function run on after its caller has left."""

from collections.abc import Callable
from contextvars import ContextVar

from gradio.context import LocalContext

LEFT: ContextVar[Callable[[], bool]] = ContextVar("left", default=lambda: False)
"""Says whether the caller of the endpoint that runs here has left."""


class CallerLeft(Exception):
    """Nobody waits for the answer any more."""


def still_waited_for() -> None:
    """Raises `CallerLeft` if the caller has left or cancelled. Call it between the steps of long work."""
    if LEFT.get()():
        raise CallerLeft


def queued_call_has_left() -> Callable[[], bool]:
    """The answer for the queued event that runs in this context, to be asked at any time from any thread."""
    blocks, event_id = LocalContext.blocks.get(None), LocalContext.event_id.get(None)
    if blocks is None or event_id not in blocks._queue.event_ids_to_events:  # a direct call, without the queue
        return lambda: False
    queue = blocks._queue
    event = queue.event_ids_to_events[event_id]
    # A closed connection ends the event; a cancelled one is no longer among those that its session waits for.
    return lambda: not event.alive or event_id not in queue.pending_event_ids_session.get(event.session_hash, ())
