"""Work that returns only when it is done, watched from outside while it goes on."""

import threading
from collections.abc import Callable, Generator
from queue import SimpleQueue
from typing import Any, TypeVar

Step = TypeVar("Step")
Result = TypeVar("Result")


class _NobodyWatches(Exception):
    """Raised inside the work, where it tells of a step, to end it there."""


def watched(work: Callable[[Callable[[Step], None]], Result]) -> Generator[Step, None, Result]:
    """Runs `work(tell)` on a thread of its own; yields what it tells, returns what it returns, raises what it raises.

    Closing it ends the work where it tells of its next step, and waits for that.
    """
    said: SimpleQueue[Any] = SimpleQueue()
    stopped = threading.Event()

    def tell(step: Step) -> None:
        if stopped.is_set():
            raise _NobodyWatches
        said.put((step,))

    def run() -> None:
        try:
            said.put([work(tell)])
        except BaseException as error:  # noqa: BLE001 - it is the watcher's
            said.put(error)

    worker = threading.Thread(target=run, name="watched", daemon=True)
    worker.start()
    try:
        while isinstance(told := said.get(), tuple):
            yield told[0]
    finally:
        stopped.set()
        worker.join()
    if isinstance(told, BaseException):
        raise told
    result: Result = told[0]
    return result
