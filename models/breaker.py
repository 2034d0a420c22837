"""Circuit breaker: a model that keeps failing rests for a while; nobody waits for the next failure."""

from collections.abc import Callable

from models.errors import ModelError

FAILURES_BEFORE_REST = 3
REST_SECONDS = 300.0


class Breaker:
    """Counts the failures of one model in a row."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._resting_until = 0.0
        self.last_error = ""

    def succeeded(self) -> None:
        self._failures = 0
        self.last_error = ""

    def failed(self, error: BaseException) -> None:
        self._failures += 1
        self.last_error = str(error) if isinstance(error, ModelError) else "a fault in the gallery, see its log"
        if self._failures >= FAILURES_BEFORE_REST:
            self._resting_until = self._clock() + REST_SECONDS

    @property
    def why_resting(self) -> str:
        """Why the model is not tried now; empty if it may be."""
        left = self._resting_until - self._clock()
        return f"resting for {left:.0f} s after {self._failures} failures: {self.last_error}" if left > 0 else ""
