"""A loaded model in use, for as long as a `with` block runs."""

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import Any, TypeVar

from models.devices import Device
from models.errors import DeadlineError
from models.spec import ModelSpec
from models.units import seconds as in_seconds
from models.watchdog import Overdue, Watched

Step = TypeVar("Step")
GRACE_SECONDS = 30.0
"""How long a step may go on after it should have stopped; from then on it counts as hung."""


class Lease:
    """What the registry hands out: the spec, the device, and the backend, which follows the Protocol of `spec.tasks`.

    It is empty after its block: no result can keep the weights of an evicted model in memory.
    """

    def __init__(self, spec: ModelSpec, device: Device, backend: Any) -> None:
        self.spec = spec
        self.device = device
        self.backend = backend
        self._run: Watched[Any] | None = None

    def steps(self, ask: Callable[[Any], Iterator[Step]], seconds: float) -> Iterator[tuple[Step, float]]:
        """The steps of `ask(backend)`, each with the seconds that the model has worked so far.

        Raises what they raise, and `DeadlineError` if they have not ended after `seconds`. Closing the iterator stops
        the work after the step under way.
        """
        if self._run is not None and not self._run.wait(GRACE_SECONDS):
            raise DeadlineError(f"{self.spec.title} does not end what it was asked before; please try again later.")
        run = self._run = Watched(partial(ask, self.backend), f"run {self.spec.id}")
        try:
            with closing(run.steps(seconds)) as steps:  # type: ignore[type-var]
                for step in steps:
                    yield step, run.worked
        except Overdue:
            raise DeadlineError(
                f"{self.spec.title} was stopped after {in_seconds(seconds)}, the most that one request may take; "
                "please ask for less, or choose a quicker model."
            ) from None

    def end(self) -> Watched[Any] | None:
        """Empties the lease. The run that has not ended yet, if there is one."""
        self.backend = None
        run, self._run = self._run, None
        # One that was stopped between two steps ends at once.
        return None if run is None or run.wait(0.2) else run
