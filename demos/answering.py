"""From a request to an answer: the one way in which the tabs and endpoints have a model work."""

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from demos.caller import still_waited_for
from demos.services import Services
from models.lease import Lease
from models.states import LoadProgress, MadeBy
from models.tasks import Progress, Task

Step = TypeVar("Step")


@dataclass(frozen=True)
class Answer(Generic[Step]):
    """Something that a model has made: a result, or a stage of one. The model itself is not in it."""

    made_by: MadeBy
    value: Step
    took: float
    """Seconds that the model has worked so far."""


def answers(
    services: Services, task: Task, model: str, ask: Callable[[Any], Iterator[Progress | Step]]
) -> Generator[LoadProgress | Progress | Answer[Step], None, None]:
    """Has a model of `task` do what `ask(backend)` asks of it: how its loading and waiting get on first, then its
    `Progress`, and whatever else it yields as an `Answer`.

    Raises what `Registry.enter` and the model raise, and `DeadlineError` after `task.deadline` seconds; ends within a
    step when closed, or when the caller of an endpoint leaves.
    """
    with (yield from _entered(services, task, model)) as lease:
        made_by = MadeBy(lease.spec, lease.device)
        with closing(lease.steps(ask, task.deadline)) as steps:  # type: ignore[type-var]
            for step, took in steps:
                yield step if isinstance(step, Progress) else Answer(made_by, step, took)
                still_waited_for()


def answered(services: Services, task: Task, model: str, ask: Callable[[Any], Step]) -> Answer[Step]:
    """The same for work that is done in one step: what `ask(backend)` returns."""
    *_, made = answers(services, task, model, lambda backend: iter([ask(backend)]))
    assert isinstance(made, Answer)
    return made


def _entered(
    services: Services, task: Task, model: str
) -> Generator[LoadProgress, None, AbstractContextManager[Lease]]:
    with closing(services.registry.enter(model, task=task)) as entering:
        while True:
            still_waited_for()
            try:
                progress = next(entering)
            except StopIteration as entered:
                block: AbstractContextManager[Lease] = entered.value
                return block
            yield progress
