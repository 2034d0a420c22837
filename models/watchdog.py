"""Steps taken on a thread of their own, so that whoever waits for them can give up: a backend that hangs keeps that
thread, but neither the visitor nor the place in the queue."""

import threading
import time
from collections.abc import Callable, Iterator
from contextvars import copy_context
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

Step = TypeVar("Step")


class Overdue(Exception):
    """The next step did not come in time."""


@dataclass(frozen=True)
class _Raised:
    error: BaseException


@runtime_checkable
class Closeable(Protocol):
    """What generators have, and other iterators may have."""

    def close(self) -> None: ...


_END = object()


class Watched(Generic[Step]):
    """The steps of `begin()`, each taken only when it is asked for. Context variables are those of the caller."""

    def __init__(self, begin: Callable[[], Iterator[Step]], name: str) -> None:
        self.worked = 0.0
        """Seconds that the steps have taken so far."""
        self._asked: SimpleQueue[bool] = SimpleQueue()
        self._given: SimpleQueue[Any] = SimpleQueue()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._then: list[Callable[[], None]] = []
        context = copy_context()
        threading.Thread(target=context.run, args=(self._work, begin), name=name, daemon=True).start()

    def steps(self, seconds: float) -> Iterator[Step]:
        """The steps. Raises what they raise, and `Overdue` if they have not ended after `seconds`. Closing the iterator
        stops them."""
        ends = time.monotonic() + seconds
        try:
            while True:
                self._asked.put(True)
                try:
                    given = self._given.get(timeout=max(ends - time.monotonic(), 0))
                except Empty:
                    raise Overdue from None
                if given is _END:
                    return
                if isinstance(given, _Raised):
                    raise given.error
                yield given
        finally:
            self.stop()

    def stop(self) -> None:
        """Asks for no further step; the one under way is the last. Does not wait for it."""
        self._asked.put(False)

    def wait(self, seconds: float) -> bool:
        """Waits at most so long for the thread to end; says whether it has."""
        return self._ended.wait(seconds)

    def when_ended(self, then: Callable[[], None]) -> None:
        """Calls `then` once the thread has ended, there; here and at once if it has already."""
        with self._lock:
            if not self._ended.is_set():
                self._then.append(then)
                return
        then()

    def _work(self, begin: Callable[[], Iterator[Step]]) -> None:
        last: Any = _END
        try:
            last = self._take(begin)
        except BaseException as error:  # noqa: BLE001 - it is for whoever waits for the step
            last = _Raised(error)
        del begin  # it holds the backend, and `then` may let it go
        with self._lock:
            self._ended.set()
        for then in self._then:
            then()
        self._given.put(last)

    def _take(self, begin: Callable[[], Iterator[Step]]) -> Any:
        """Gives one step for each that is asked for; returns the end when there are no more, or when asked to stop."""
        steps: Iterator[Step] | None = None
        try:
            while self._asked.get():
                started = time.perf_counter()
                steps = steps or begin()
                given = next(steps, _END)
                self.worked += time.perf_counter() - started
                if given is _END:
                    break
                self._given.put(given)
        finally:
            if isinstance(steps, Closeable):
                steps.close()
        return _END
