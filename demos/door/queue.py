"""Gradio's queue before a tab, in which visitors take turns: first come, first served, would let one who makes many
calls at once fill the places of the tab, before the models' own lines (models/fair_line.py) see anybody else."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from gradio.queueing import Event, Queue
from gradio.server_messages import ProcessCompletedMessage

from demos.door.visitor import address_of
from models.fair_line import HALL_SHARE

PATIENCE_SECONDS = 600.0
"""How long a call may wait here."""


class FairQueue(Queue):
    """A session's second call goes behind everybody's first, and so does an address's fifth. Nobody waits for ever."""

    async def push(self, body: Any, request: Any, username: str | None) -> Any:
        """As in Gradio; then the calls that wait for the same places are put in order."""
        result = await super().push(body, request, username)
        success, event_id, _ = result
        event = self.event_ids_to_events.get(str(event_id)) if success else None
        if event is not None:
            waiting = self.event_queue_per_concurrency_id[event.concurrency_id].queue
            running = [other for job in self.active_jobs if job for other in job]
            waiting[:] = in_turn(waiting, [other for other in running if other.concurrency_id == event.concurrency_id])
        return result

    def broadcast_estimations(self, concurrency_id: str, after: int | None = None) -> None:
        """As in Gradio, which calls it every few seconds; calls that have waited too long are told so and go."""
        waiting = self.event_queue_per_concurrency_id[concurrency_id].queue
        for event in [event for event in waiting if time.monotonic() - event.enqueue_time > PATIENCE_SECONDS]:
            waiting.remove(event)
            sentence = (
                f"This has waited for {PATIENCE_SECONDS / 60:.0f} minutes; please try again when less is going on."
            )
            output: dict[str, Any] = {"error": sentence, "visible": True, "title": "Error"}
            self.send_message(event, ProcessCompletedMessage(output=output, success=False, title="Error"))
            self.event_ids_to_events.pop(event._id, None)
        super().broadcast_estimations(concurrency_id, after)


def in_turn(events: Sequence[Event], running: Sequence[Event] = ()) -> list[Event]:
    """The events by rounds, the first of which began with those that are `running`; in a round those that waited in
    front stay there."""
    rounds: dict[Event, tuple[int, int]] = {}
    sessions = Counter(event.session_hash for event in running)
    addresses = Counter(address_of(event.request) for event in running)
    for event in events:
        address = address_of(event.request)
        rounds[event] = (addresses[address] // HALL_SHARE if address else 0, sessions[event.session_hash])
        sessions[event.session_hash] += 1
        addresses[address] += 1
    return sorted(events, key=rounds.__getitem__)
