"""Who is next: places are shared between visitors, not between requests.

First come, first served would let one student with ten requests keep a hall waiting. Here a visitor's second request
goes behind everybody's first (round robin, as fair queueing in networks: Nagle 1987).

A visitor is a session, whose name the caller makes up, so sessions of one address take turns too: in each round
`HALL_SHARE` of them. That is less than a hall behind one router would get by its numbers, and much less than somebody
gets who invents fifty names.
"""

import itertools
import threading
from collections import Counter, OrderedDict
from contextvars import ContextVar
from typing import NamedTuple, TypeVar

from models.errors import BusyError

Key = TypeVar("Key")


class Visitor(NamedTuple):
    """Who asks: a session of the page or of a program, and the address it comes from."""

    session: str
    address: str = ""


NOBODY = Visitor("")
VISITOR: ContextVar[Visitor] = ContextVar("visitor", default=NOBODY)
"""Whose work this is; `NOBODY` for programs that use the registry without the page."""

HALL_SHARE = 4
"""Requests of one address that are served in one round, each of another session."""

MAX_REQUESTS = 12
"""Requests of one visitor that may hold or await places of one model: fewer than a tab lets in at once, so that nobody
fills the room before the line."""
_REMEMBERED = 1000
"""Visitors, and addresses."""


class FairLine:
    """`places` that are taken and left again by any number of threads."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: list[Ticket] = []
        self._requests: Counter[Visitor] = Counter()
        self._holding: Counter[Visitor] = Counter()
        self._served: OrderedDict[Visitor, int] = OrderedDict()
        self._round = 0
        self._of_address: OrderedDict[str, int] = OrderedDict()
        """How many requests each address has had served, counting `HALL_SHARE` for every round that it sat out."""
        self._count = itertools.count(1)
        self._changed = threading.Condition()

    def join(self) -> "Ticket":
        """Takes a place or lines up for one, on behalf of the current `VISITOR`. Every ticket must `leave`.

        Raises `BusyError` for a visitor who has `MAX_REQUESTS` here already.
        """
        visitor = VISITOR.get()
        with self._changed:
            if visitor != NOBODY and self._requests[visitor] >= MAX_REQUESTS:
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
            _remember(self._served, ticket.visitor, next(self._count))
            address = ticket.visitor.address
            self._round = self._address_round(address, 0)
            served = max(self._of_address.get(address, 0), self._round * HALL_SHARE)
            _remember(self._of_address, address, served + 1)
            ticket.served = True
        self._changed.notify_all()

    def _in_order(self) -> "list[Ticket]":
        """Who waits, the next one first: by rounds of addresses, in each by rounds of visitors, in each whoever was
        served longest ago, then who came first."""
        rounds = Counter(self._holding)
        keys: dict[Ticket, tuple[int, int, int]] = {}
        for place, ticket in enumerate(self._waiting):
            keys[ticket] = (rounds[ticket.visitor], self._served.get(ticket.visitor, 0), place)
            rounds[ticket.visitor] += 1
        by_turn = sorted(keys, key=keys.__getitem__)
        ahead: Counter[str] = Counter()
        address_rounds: dict[Ticket, int] = {}
        for ticket in by_turn:
            address_rounds[ticket] = self._address_round(ticket.visitor.address, ahead[ticket.visitor.address])
            ahead[ticket.visitor.address] += 1
        return sorted(by_turn, key=address_rounds.__getitem__)

    def _address_round(self, address: str, ahead: int) -> int:
        """The round of a request with `ahead` others of its address before it. Who was away has saved nothing up."""
        if not address:  # programs without the page, which have none
            return self._round
        return (max(self._of_address.get(address, 0), self._round * HALL_SHARE) + ahead) // HALL_SHARE


class Ticket:
    """One request in a `FairLine`."""

    def __init__(self, line: FairLine, visitor: Visitor) -> None:
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


def _subtract(counter: Counter[Visitor], key: Visitor) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]


def _remember(counts: OrderedDict[Key, int], key: Key, count: int) -> None:
    counts[key] = count
    counts.move_to_end(key)
    if len(counts) > _REMEMBERED:
        counts.popitem(last=False)
