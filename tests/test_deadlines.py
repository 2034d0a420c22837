"""Every request ends in time and leaves nothing behind: deadlines, backends that hang, results without models."""

import gc
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from demos.answering import Answer, answered, answers
from demos.caller import LEFT, CallerLeft
from demos.health import overview
from demos.services import Services
from demos.settings import read_settings
from models import lease, registry
from models.devices import Device
from models.errors import BadInputError, BusyError, DeadlineError, ModelUnavailableError
from models.registry import Registry
from models.sources import Mirror, OnBytes, WeightFile, Weights
from models.store import WeightStore
from models.tasks import Progress, Task
from models.watchdog import Overdue, Watched
from tests import toy_models
from tests.conftest import CPU
from tests.test_registry import eventually
from tests.toy_models import GB, Counters, SlowBackend, toy_spec


@pytest.fixture
def counters() -> Iterator[Counters]:
    counters = toy_models.fresh_counters()
    yield counters
    counters.let_go.set()


@pytest.fixture
def services(tmp_path: Path, counters: Counters) -> Services:
    slow = toy_spec("slow", loader="tests.toy_models:load_slow")
    models = Registry([slow, toy_spec("a")], store=WeightStore(tmp_path), devices=(CPU,), budget={"cpu": 8 * GB})
    return Services(models, read_settings([]))


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines and patience of a fraction of a second."""
    monkeypatch.setattr(Task, "deadline", property(lambda task: 0.5))
    monkeypatch.setattr(registry, "GRACE_SECONDS", 0.2)
    monkeypatch.setattr(lease, "GRACE_SECONDS", 0.2)


def count(backend: Any) -> Iterator[int]:
    return iter(backend.count())


def slowly(backend: Any) -> Iterator[int]:
    for number in backend.count():
        time.sleep(0.05)
        yield number


def test_steps_are_taken_one_at_a_time_and_only_when_asked_for(counters: Counters) -> None:
    backend = SlowBackend()
    with closing(Watched(backend.count, "test").steps(60)) as steps:  # type: ignore[type-var]
        assert [next(steps), next(steps)] == [0, 1]
        time.sleep(0.05)
        assert counters.steps == 2


def test_a_stopped_run_closes_its_steps_on_its_own_thread() -> None:
    threads: list[str] = []

    def begin() -> Iterator[int]:
        try:
            yield 1
            yield 2
        finally:
            threads.append(threading.current_thread().name)

    run = Watched(begin, "the run")
    steps = run.steps(60)
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    assert run.wait(10)
    assert threads == ["the run"]


def test_errors_of_the_steps_reach_whoever_waits() -> None:
    def begin() -> Iterator[int]:
        yield 1
        raise BadInputError("no")

    with pytest.raises(BadInputError, match="no"):
        list(Watched(begin, "test").steps(60))


def test_who_waits_for_a_step_that_does_not_come_hears_so(counters: Counters) -> None:
    counters.hangs_at = 1
    run = Watched(SlowBackend().count, "test")
    with pytest.raises(Overdue):
        list(run.steps(0.1))
    ended = threading.Event()
    run.when_ended(ended.set)
    assert not ended.wait(0.05)
    counters.let_go.set()
    assert ended.wait(10)
    run.when_ended(ended.clear)
    assert not ended.is_set(), "asked too late, it is called at once"


@pytest.mark.usefixtures("short")
def test_a_slow_run_ends_at_its_deadline_and_its_model_stays(services: Services, counters: Counters) -> None:
    with pytest.raises(DeadlineError, match=r"Model slow was stopped after 0\.50 s, the most that one request may"):
        list(answers(services, Task.SPEECH, "slow", slowly))
    assert [answer.value for answer in firsts(services, 2)] == [0, 1]
    assert counters.loads == {"slow": 1}


def firsts(services: Services, number: int) -> list[Answer[int]]:
    made: list[Answer[int]] = []
    with closing(answers(services, Task.SPEECH, "slow", count)) as steps:
        while len(made) < number:
            if isinstance(step := next(steps), Answer):
                made.append(step)
    return made


@pytest.mark.usefixtures("short")
def test_a_backend_that_hangs_gives_its_place_back(services: Services, counters: Counters) -> None:
    """The visitor hears of it at the deadline, the next one gets a fresh copy, the Models tab tells; when the old run
    ends after all, its copy goes."""
    counters.hangs_at = 2
    with pytest.raises(DeadlineError):
        list(answers(services, Task.SPEECH, "slow", count))
    counters.hangs_at = None
    assert [answer.value for answer in firsts(services, 1)] == [0]
    assert counters.loads == {"slow": 2}
    assert "in memory: 1 of its runs hangs" in overview(services)
    assert services.registry.memory()["cpu"][0] == 2 * GB, "its memory is not free"
    counters.let_go.set()
    assert eventually(lambda: counters.closed == ["slow"])
    assert "hangs" not in overview(services)
    assert services.registry.memory()["cpu"][0] == GB


@pytest.mark.usefixtures("short")
def test_a_model_that_hangs_again_and_again_is_not_loaded_any_more(services: Services, counters: Counters) -> None:
    counters.hangs_at = 0
    for _ in range(registry.MOST_HUNG):
        with pytest.raises(DeadlineError):
            list(answers(services, Task.SPEECH, "slow", count))
        assert eventually(lambda: services.registry.status()[0].leases == 0)
    with pytest.raises(ModelUnavailableError, match="2 of its runs hang"):
        list(answers(services, Task.SPEECH, "slow", count))
    counters.let_go.set()
    assert eventually(lambda: not services.registry.why_not("slow"))


def test_a_step_that_outlives_stop_keeps_its_place_until_it_ends(services: Services, counters: Counters) -> None:
    """The backend is not used by two at once."""
    counters.hangs_at = 0
    with services.registry.lease("slow") as leased, pytest.raises(DeadlineError):
        list(leased.steps(count, 0.05))
    with pytest.raises(BusyError), services.registry.lease("slow", patience=0.05):
        pass
    counters.let_go.set()
    with services.registry.lease("slow"):
        pass
    assert counters.loads == {"slow": 1}


def test_a_wrong_task_is_refused_before_anything_is_fetched_or_evicted(tmp_path: Path, counters: Counters) -> None:
    shelf = Shelf()
    absent = toy_spec("absent", weights=Weights("absent", (WeightFile("w.bin", "0" * 64, 1),), (shelf,)))
    models = Registry([toy_spec("a"), absent], store=WeightStore(tmp_path), devices=(CPU,), budget={"cpu": GB})
    with models.lease("a"):
        pass
    with pytest.raises(BadInputError, match="Model absent cannot enlarge pictures; please choose another model"):
        list(answers(Services(models, read_settings([])), Task.SUPER_RESOLUTION, "absent", count))
    assert shelf.asked == 0
    assert models.status()[0].state == "loaded"


@dataclass
class Shelf(Mirror):
    asked: int = field(default=0)

    def fetch(self, files: tuple[WeightFile, ...], into: Path, on_bytes: OnBytes) -> None:
        self.asked += 1


def test_results_do_not_keep_an_evicted_model_in_memory(services: Services) -> None:
    with services.registry.lease("slow") as leased:
        backend = weakref.ref(leased.backend)
    answer = answered(services, Task.SPEECH, "slow", lambda model: model.closed)
    assert (answer.value, answer.made_by.spec.id) == (False, "slow")
    assert leased.backend is None
    services.registry.unload("slow")
    gc.collect()
    assert backend() is None


class HalfLoaded:
    """Stands for tensors."""


half_loaded: "list[weakref.ref[HalfLoaded]]" = []


def load_half(files: Path, device: Device) -> None:
    tensors = HalfLoaded()
    half_loaded.append(weakref.ref(tensors))
    raise RuntimeError("broken half-way")


def test_what_a_failed_load_has_loaded_is_gone_when_memory_is_given_back(
    tmp_path: Path, counters: Counters, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive: list[bool] = []
    monkeypatch.setattr(registry, "release_unused_memory", lambda: alive.append(half_loaded[-1]() is not None))
    half = toy_spec("half", loader=f"{__name__}:load_half")
    models = Registry([half], store=WeightStore(tmp_path), devices=(CPU,))
    with pytest.raises(RuntimeError, match="broken half-way"), models.lease("half"):
        pass
    assert alive == [False]


def test_room_that_is_taken_is_no_fault_of_the_model(tmp_path: Path, counters: Counters) -> None:
    models = Registry([toy_spec("a"), toy_spec("b")], store=WeightStore(tmp_path), devices=(CPU,), budget={"cpu": GB})
    with models.lease("a"):
        for _ in range(4):
            # As somebody who asked just before the place was taken.
            loading = models._start_loading("b")
            assert loading is not None
            with pytest.raises(ModelUnavailableError, match="try again in a minute"):
                loading.done.result(10)
    with models.lease("b"):
        pass


def test_an_endpoint_stops_within_a_step_of_its_callers_leaving(services: Services, counters: Counters) -> None:
    token = LEFT.set(lambda: counters.steps >= 3)
    try:
        with pytest.raises(CallerLeft):
            list(answers(services, Task.SPEECH, "slow", count))
    finally:
        LEFT.reset(token)
    assert counters.steps == 3
    assert eventually(lambda: services.registry.status()[0].leases == 0)


def test_a_caller_who_has_left_does_not_wait_for_a_place(services: Services) -> None:
    token = LEFT.set(lambda: True)
    try:
        with pytest.raises(CallerLeft):
            list(answers(services, Task.SPEECH, "slow", count))
    finally:
        LEFT.reset(token)


def test_progress_is_passed_on_as_it_is(services: Services) -> None:
    *_, progress, answer = answers(services, Task.SPEECH, "a", lambda model: iter([Progress("step", 1, 1), model.name]))
    assert progress == Progress("step", 1, 1)
    assert isinstance(answer, Answer)
    assert answer.value == "a"
