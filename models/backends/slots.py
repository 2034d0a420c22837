"""The places inside a model that works on several texts at once."""

import threading
from collections import deque


class Slots:
    """Threads that wait for one of `places`, served in order of arrival; whoever has been stopped drops out.

    Visitors line up at the registry (models/fair_line.py); of these places inside a model one request may want several.
    """

    def __init__(self, places: int) -> None:
        self._places = self._free = places
        self._waiting: deque[threading.Event] = deque()
        self._changed = threading.Condition()

    def enter(self, stopped: threading.Event) -> bool:
        """Waits for a place; False if `stopped` was set first."""
        with self._changed:
            self._waiting.append(stopped)
            self._changed.wait_for(lambda: stopped.is_set() or (self._free and self._waiting[0] is stopped))
            self._waiting.remove(stopped)
            entered = not stopped.is_set()
            self._free -= entered
            self._changed.notify_all()
            return entered

    def leave(self) -> None:
        with self._changed:
            self._free += 1
            self._changed.notify_all()

    def wait_until_empty(self, seconds: float = 10.0) -> None:
        """Waits until nobody has a place, at most so long."""
        with self._changed:
            self._changed.wait_for(lambda: self._free == self._places, seconds)

    def look_again(self) -> None:
        with self._changed:
            self._changed.notify_all()
