"""The votes of the class: a browser counts once for each pair, an address only so often.

The name of a session is made up by whoever calls, so a vote belongs to a token instead, which the server draws and the
browser keeps. Tokens are there for the asking, too: therefore an address gets them only at a certain rate. A hall often
shares one address, so the ceilings are those of a hall and not those of a person. What remains possible: somebody with
one address can add as many votes as a hall, somebody with many addresses as many halls. The figures say how many votes
were turned away.
"""

import secrets
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

NEW_BROWSERS_AT_ONCE = 60
NEW_BROWSERS_A_MINUTE = 60
"""Per address: a seminar votes at once; of a hall of 300 behind one router the last can vote four minutes after the
first, and until then its figures are those of a sample."""
VOTES_OF_A_PAIR = 300
"""Per address: a large hall, once."""
REMEMBERED_BROWSERS = 20_000
REMEMBERED_ADDRESSES = 2_000
"""Beyond these whoever has been away for longest is forgotten, about 5 MB in all. A forgotten browser counts as a new
one; an address has to be pushed out by so many others that these are the greater trouble."""


@dataclass(frozen=True)
class Standings:
    """How the class is doing."""

    counts: tuple[tuple[int, int], ...]
    """(right answers, all answers) of each pair."""
    repeated: int = 0
    """Answers of a browser to a pair that it had answered before."""
    refused: int = 0
    """Answers beyond what one address may give."""


@dataclass
class _Address:
    """What an address may still do."""

    new_browsers: float
    """Tokens it can get now."""
    since: float
    votes: Counter[int] = field(default_factory=Counter)


class BallotBox:
    """Right and wrong answers of all visitors since the server started: two numbers for each pair, and nothing about
    anybody but random tokens and, to hold the ceilings, addresses; in memory only.

    Any number of threads may use it at once.
    """

    def __init__(self, pairs: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._right = [0] * pairs
        self._all = [0] * pairs
        self._repeated = self._refused = 0
        self._answered: OrderedDict[str, int] = OrderedDict()
        """By token: the pairs that its browser has answered, one bit each."""
        self._addresses: OrderedDict[str, _Address] = OrderedDict()

    def vote(self, token: object, address: str, pair: int, is_right: bool) -> str:
        """Counts the answer, unless this browser has answered the pair before or its address has reached a ceiling.

        `token` is what the browser sent, whatever that may be. Returns what it shall keep: its own token, a new one if
        this one is unknown, or an empty one if its address has to wait for the next.
        """
        with self._lock:
            sender = self._address(address)
            known = token if isinstance(token, str) and token in self._answered else self._new_token(sender)
            if not known or sender.votes[pair] >= VOTES_OF_A_PAIR:
                self._refused += 1
                return known
            self._answered.move_to_end(known)
            if self._answered[known] >> pair & 1:
                self._repeated += 1
                return known
            self._answered[known] |= 1 << pair
            sender.votes[pair] += 1
            self._right[pair] += is_right
            self._all[pair] += 1
            return known

    def standings(self) -> Standings:
        """The figures at this moment."""
        with self._lock:
            return Standings(tuple(zip(self._right, self._all, strict=True)), self._repeated, self._refused)

    def _address(self, address: str) -> _Address:
        now = self._clock()
        sender = self._addresses.setdefault(address, _Address(NEW_BROWSERS_AT_ONCE, now))
        earned = (now - sender.since) * NEW_BROWSERS_A_MINUTE / 60
        sender.new_browsers = min(NEW_BROWSERS_AT_ONCE, sender.new_browsers + earned)
        sender.since = now
        self._addresses.move_to_end(address)
        if len(self._addresses) > REMEMBERED_ADDRESSES:
            self._addresses.popitem(last=False)
        return sender

    def _new_token(self, sender: _Address) -> str:
        if sender.new_browsers < 1:
            return ""
        sender.new_browsers -= 1
        token = secrets.token_urlsafe(16)
        self._answered[token] = 0
        if len(self._answered) > REMEMBERED_BROWSERS:
            self._answered.popitem(last=False)
        return token
