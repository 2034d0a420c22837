"""Who is next: places are shared between visitors, not between requests.

First come, first served would let one student with ten requests keep a hall waiting. Here a visitor's second request
goes behind everybody's first (round robin, as fair queueing in networks: Nagle 1987).
"""

import itertools
import threading
from collections import Counter, OrderedDict
from contextvars import ContextVar

from models.errors import BusyError

VISITOR: ContextVar[str] = ContextVar("visitor", default="")
"""Whose work this is. Empty for programs that use the registry without the page."""

MAX_REQUESTS = 12
"""Requests of one visitor that may hold or await places of one model: fewer than a tab lets in at once, so that nobody
fills the room before the line."""
_REMEMBERED_VISITORS = 1000


class FairLine:
    """`places` that are taken and left again by any number of threads."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: list[Ticket] = []
        self._requests: Counter[str] = Counter()
        self._holding: Counter[str] = Counter()
        self._served: OrderedDict[str, int] = OrderedDict()
        self._count = itertools.count(1)
        self._changed = threading.Condition()

    def join(self) -> "Ticket":
        """Takes a place or lines up for one, on behalf of the current `VISITOR`. Every ticket must `leave`.

        Raises `BusyError` for a visitor who has `MAX_REQUESTS` here already.
        """
        visitor = VISITOR.get()
        with self._changed:
            if visitor and self._requests[visitor] >= MAX_REQUESTS:
                raise BusyError(f"You have {MAX_REQUESTS} requests under way; please wait for one of them.")
            self._requests[visitor] += 1
            ticket = Ticket(self, visitor)
            self._waiting.append(ticket)
            self._serve()
            return ticket

    def _leave(self, ticket: "Ticket") -> None:
        with self._changed:
            if ticket.left:
                return
            ticket.left = True
            _subtract(self._requests, ticket.visitor)
            if ticket.served:
                self._free += 1
                _subtract(self._holding, ticket.visitor)
            else:
                self._waiting.remove(ticket)
            self._serve()

    def _serve(self) -> None:
        while self._free and self._waiting:
            ticket = self._in_order()[0]
            self._waiting.remove(ticket)
            self._free -= 1
            self._holding[ticket.visitor] += 1
            self._served[ticket.visitor] = next(self._count)
            self._served.move_to_end(ticket.visitor)
            if len(self._served) > _REMEMBERED_VISITORS:
                self._served.popitem(last=False)
            ticket.served = True
        self._changed.notify_all()

    def _in_order(self) -> "list[Ticket]":
        """Who waits, the next one first: by rounds, in each whoever was served longest ago, then who came first."""
        rounds = Counter(self._holding)
        keys: dict[Ticket, tuple[int, int, int]] = {}
        for place, ticket in enumerate(self._waiting):
            keys[ticket] = (rounds[ticket.visitor], self._served.get(ticket.visitor, 0), place)
            rounds[ticket.visitor] += 1
        return sorted(keys, key=keys.__getitem__)


class Ticket:
    """One request in a `FairLine`."""

    def __init__(self, line: FairLine, visitor: str) -> None:
        self.visitor = visitor
        self.served = False
        self.left = False
        self._line = line

    def wait(self, seconds: float) -> bool:
        """Waits at most so long; says whether it has a place now."""
        with self._line._changed:
            return self._line._changed.wait_for(lambda: self.served, seconds)

    @property
    def before(self) -> int:
        """How many requests would be served before this one if nobody else came."""
        with self._line._changed:
            return 0 if self.served else self._line._in_order().index(self)

    def leave(self) -> None:
        """Gives the place back, or stops waiting for one. Harmless the second time."""
        self._line._leave(self)


def _subtract(counter: Counter[str], key: str) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
