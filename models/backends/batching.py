"""Requests of several people in one call: who waits while a call runs, and asks in the same way, goes in the next.

A graphics card takes hardly longer for four pictures than for one, so a hall of students waits a fraction of the time
that one after the other would take.
"""

import threading
from collections.abc import Callable, Generator, Hashable, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

Request = TypeVar("Request")
Step = TypeVar("Step")


@dataclass(eq=False)
class _Place(Generic[Request]):
    """Somebody who waits for the steps of a request."""

    request: Request
    said: SimpleQueue[Any] = field(default_factory=SimpleQueue)
    beside: "list[_Place[Request]]" = field(default_factory=list)
    """All of the call that the request is in, itself included; empty while it waits."""
    left: bool = False
    ended: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class _End:
    """The call is over, with an error or well."""

    error: BaseException | None


class Batching(Generic[Request, Step]):
    """Runs requests together, first come, first served.

    `run` gets requests that are `alike` and together no larger than `most` (in the unit of `size`; a larger one runs
    alone); its iterator yields, for each step, one answer for each request in their order. Closing it ends the work.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Request]], Generator[Sequence[Step], None, None]],
        *,
        alike: Callable[[Request], Hashable],
        size: Callable[[Request], int],
        most: int,
    ) -> None:
        self._run = run
        self._alike = alike
        self._size = size
        self._most = most
        self._waiting: list[_Place[Request]] = []
        self._working = False
        self._lock = threading.Lock()

    def ask(self, request: Request) -> Generator[Step, None, None]:
        """Yields the answers to `request` as they come, and raises what `run` raised.

        Closing it leaves the call to the others; when nobody is left, the call ends at its next step.
        """
        place = _Place(request)
        with self._lock:
            self._waiting.append(place)
            if not self._working:
                # Not kept for good: a process that is forked from this one would have to do without it.
                self._working = True
                threading.Thread(target=self._work, name="batches", daemon=True).start()
        try:
            while not isinstance(said := place.said.get(), _End):
                yield said
            if said.error is not None:
                raise said.error
        finally:
            self._leave(place)

    def _leave(self, place: _Place[Request]) -> None:
        with self._lock:
            place.left = True
            if place in self._waiting:
                self._waiting.remove(place)
            last = bool(place.beside) and all(other.left for other in place.beside)
        if last:  # whoever goes last sees that the memory is free again
            place.ended.wait()

    def _work(self) -> None:
        while True:
            with self._lock:
                batch = self._next()
                if not batch:
                    self._working = False
                    return
            error = None
            try:
                self._serve(batch)
            except BaseException as raised:  # noqa: BLE001 - it is for those who wait
                error = raised
            for place in batch:
                place.said.put(_End(error))
                place.ended.set()

    def _next(self) -> list[_Place[Request]]:
        """Takes who has waited longest out of the line, and behind them all who are alike and find room."""
        batch: list[_Place[Request]] = []
        room = self._most
        for place in list(self._waiting):
            if not batch or (
                self._alike(place.request) == self._alike(batch[0].request) and self._size(place.request) <= room
            ):
                batch.append(place)
                room -= self._size(place.request)
                self._waiting.remove(place)
        for place in batch:
            place.beside = batch
        return batch

    def _serve(self, batch: list[_Place[Request]]) -> None:
        steps = self._run([place.request for place in batch])
        try:
            for answers in steps:
                for place, answer in zip(batch, answers, strict=True):
                    place.said.put(answer)
                if all(place.left for place in batch):
                    return
        finally:
            steps.close()
