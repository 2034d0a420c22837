"""Gradio's queue before a tab, in which visitors take turns: first come, first served, would let one who makes many
calls at once fill the places of the tab, before the models' own lines (models/fair_line.py) see anybody else."""

from collections import Counter
from typing import Any

from gradio.queueing import Event, Queue

from demos.door.visitor import address_of
from models.fair_line import HALL_SHARE


class FairQueue(Queue):
    """A session's second call goes behind everybody's first, and so does an address's ninth."""

    async def push(self, body: Any, request: Any, username: str | None) -> Any:
        """As in Gradio; then the calls that wait for the same places are put in order."""
        result = await super().push(body, request, username)
        success, event_id, _ = result
        event = self.event_ids_to_events.get(str(event_id)) if success else None
        if event is not None:
            waiting = self.event_queue_per_concurrency_id[event.concurrency_id].queue
            waiting[:] = in_turn(waiting)
        return result


def in_turn(events: list[Event]) -> list[Event]:
    """The events by rounds; in a round those that waited in front stay there."""
    rounds: dict[Event, tuple[int, int]] = {}
    sessions: Counter[str] = Counter()
    addresses: Counter[str] = Counter()
    for event in events:
        address = address_of(event.request)
        rounds[event] = (addresses[address] // HALL_SHARE if address else 0, sessions[event.session_hash])
        sessions[event.session_hash] += 1
        addresses[address] += 1
    return sorted(events, key=rounds.__getitem__)
