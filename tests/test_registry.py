"""The registry's contract: one load for all, no eviction of what is in use, rollback, rest after failures, reasons."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from models.errors import (
    BusyError,
    DuplicateModelError,
    FetchError,
    ModelUnavailableError,
    OutOfMemoryError,
    UnknownModelError,
)
from models.registry import Registry
from models.sources import WeightFile, Weights
from models.store import WeightStore
from models.tasks import Task
from tests import toy_models
from tests.conftest import CPU
from tests.toy_models import GB, Counters, toy_spec


@pytest.fixture
def counters() -> Counters:
    return toy_models.fresh_counters()


@pytest.fixture
def make_registry(tmp_path: Path, counters: Counters) -> Callable[..., Registry]:
    def make(
        *specs: object, budget_gb: float = 8, offline: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> Registry:
        store = WeightStore(tmp_path, offline=offline)
        return Registry(specs, store=store, devices=(CPU,), budget={"cpu": int(budget_gb * GB)}, clock=clock)  # type: ignore[arg-type]

    return make


def loaded(registry: Registry) -> set[str]:
    return {status.spec.id for status in registry.status() if status.state == "loaded"}


def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def test_hundred_first_users_cause_one_load(make_registry: Callable[..., Registry], counters: Counters) -> None:
    registry = make_registry(toy_spec("a", concurrency=100))
    counters.load_seconds = 0.1
    together = threading.Barrier(100)

    def student(_: int) -> int:
        together.wait()
        with registry.lease("a") as lease:
            return id(lease.backend)

    with ThreadPoolExecutor(100) as pool:
        backends = set(pool.map(student, range(100)))
    assert counters.loads == {"a": 1}
    assert len(backends) == 1


def test_at_most_concurrency_leases_at_once(make_registry: Callable[..., Registry]) -> None:
    registry = make_registry(toy_spec("a", concurrency=3))
    running, most, lock = 0, 0, threading.Lock()

    def student(_: int) -> None:
        nonlocal running, most
        with registry.lease("a"):
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.01)
            with lock:
                running -= 1

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(student, range(20)))
    assert most == 3


def test_impatient_student_hears_that_it_is_busy(make_registry: Callable[..., Registry]) -> None:
    registry = make_registry(toy_spec("a"))
    with registry.lease("a"), pytest.raises(BusyError, match="busy"), registry.lease("a", patience=0.05):
        pass
    with registry.lease("a", patience=0.05):
        pass


def test_longest_unused_model_is_evicted_first(make_registry: Callable[..., Registry], counters: Counters) -> None:
    registry = make_registry(toy_spec("a"), toy_spec("b"), toy_spec("c"), budget_gb=2)
    for model_id in ("a", "b", "a", "c"):
        with registry.lease(model_id):
            pass
    assert counters.closed == ["b"]
    assert loaded(registry) == {"a", "c"}
    assert registry.memory() == {"cpu": (2 * GB, 2 * GB)}


def test_leased_model_is_never_evicted(make_registry: Callable[..., Registry], counters: Counters) -> None:
    registry = make_registry(toy_spec("a"), toy_spec("b"), toy_spec("c"), budget_gb=2)
    with registry.lease("b"):
        pass
    with registry.lease("a") as lease:
        with registry.lease("c"):  # b has to go, though a was not used for longer
            assert counters.closed == ["b"]
        backend = lease.backend
        assert backend.open
        assert registry.unload("a") is False
    assert registry.unload("a") is True
    assert not backend.open


def test_no_room_beside_models_in_use(make_registry: Callable[..., Registry], counters: Counters) -> None:
    registry = make_registry(toy_spec("a"), toy_spec("b", memory={"cpu": 2 * GB}), budget_gb=2)
    with registry.lease("a"):
        assert registry.why_not("b") == "needs 2.0 GB, 1.0 GB free"
        with pytest.raises(ModelUnavailableError, match=r"needs 2\.0 GB, 1\.0 GB free"), registry.lease("b"):
            pass
    assert registry.why_not("b") == ""
    with registry.lease("b"):
        assert counters.closed == ["a"]


def test_eviction_under_fire_never_hands_out_a_closed_model(make_registry: Callable[..., Registry]) -> None:
    registry = make_registry(*(toy_spec(name, concurrency=4) for name in "abc"), budget_gb=2)
    unavailable = 0

    def student(number: int) -> None:
        nonlocal unavailable
        try:
            with registry.lease("abc"[number % 3]) as lease:
                assert lease.backend.open
                time.sleep(0.001)
                assert lease.backend.open
        except ModelUnavailableError:
            unavailable += 1  # both places held by models in use: a legitimate answer

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(student, range(300)))
    assert unavailable < 300
    held, budget = registry.memory()["cpu"]
    assert held <= budget


def test_failed_load_leaves_things_as_they_were(make_registry: Callable[..., Registry], counters: Counters) -> None:
    registry = make_registry(toy_spec("a"), toy_spec("b"), budget_gb=1)
    with registry.lease("a"):
        pass
    counters.failures_left = 1
    with pytest.raises(RuntimeError, match="broken loader"), registry.lease("b"):
        pass
    assert eventually(lambda: loaded(registry) == {"a"}), "a was evicted for b and must come back"
    assert registry.memory()["cpu"][0] == GB
    with registry.lease("b"):  # and b is not marked for ever
        pass


def test_everybody_who_waits_hears_of_the_failure(make_registry: Callable[..., Registry], counters: Counters) -> None:
    registry = make_registry(toy_spec("a", concurrency=20))
    counters.failures_left, counters.load_seconds = 1, 0.2
    together = threading.Barrier(20)

    def student(_: int) -> str:
        together.wait()
        try:
            for _progress in registry.prepare("a"):
                pass
        except RuntimeError as error:
            return str(error)
        return "loaded"

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(student, range(20))) == {"broken loader"}
    assert counters.loads == {"a": 1}


def test_model_rests_after_three_failures(make_registry: Callable[..., Registry], counters: Counters) -> None:
    now = 1000.0
    registry = make_registry(toy_spec("a"), clock=lambda: now)
    counters.failures_left = 3
    for _ in range(3):
        with pytest.raises(RuntimeError), registry.lease("a"):
            pass
    with pytest.raises(ModelUnavailableError, match="resting for 300 s after 3 failures"), registry.lease("a"):
        pass
    assert counters.loads["a"] == 3, "the fourth request must not try"
    now += 301
    with registry.lease("a"):
        assert counters.loads["a"] == 4
    assert registry.why_not("a") == ""


@pytest.mark.parametrize("error", [MemoryError(), type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory")])
def test_out_of_memory_becomes_a_sentence(
    make_registry: Callable[..., Registry], counters: Counters, error: Exception
) -> None:
    registry = make_registry(toy_spec("a"))
    counters.failures_left, counters.failure = 1, error
    with pytest.raises(OutOfMemoryError, match="Model a does not fit"), registry.lease("a"):
        pass


def test_student_who_leaves_does_not_stop_the_load(make_registry: Callable[..., Registry], counters: Counters) -> None:
    registry = make_registry(toy_spec("a"))
    counters.load_seconds = 0.2
    progress = registry.prepare("a")
    assert str(next(progress)) == "loading the model into memory"
    progress.close()
    assert eventually(lambda: loaded(registry) == {"a"})


def test_warm_up_loads_in_the_background_but_never_downloads(
    make_registry: Callable[..., Registry], counters: Counters
) -> None:
    absent = Weights("absent", (WeightFile("w.bin", "0" * 64, 1),), ())
    registry = make_registry(toy_spec("a"), toy_spec("b", weights=absent), toy_spec("c", memory={"cuda": GB}))
    for model_id in ("a", "b", "c"):
        registry.warm_up(model_id)
    assert eventually(lambda: loaded(registry) == {"a"})
    assert [status.state for status in registry.status()] == ["loaded", "not downloaded", "unavailable"]
    assert counters.loads == {"a": 1}


def test_add_is_atomic(make_registry: Callable[..., Registry]) -> None:
    registry = make_registry(toy_spec("a"))
    with pytest.raises(DuplicateModelError, match="'a'"):
        registry.add(toy_spec("b"), toy_spec("a"))
    assert [spec.id for spec in registry] == ["a"]
    registry.add(toy_spec("b"), toy_spec("c"))
    assert len(registry) == 3
    assert "c" in registry


def test_unknown_id_names_the_nearest(make_registry: Callable[..., Registry]) -> None:
    registry = make_registry(toy_spec("real-esrgan", loader="x:y"), toy_spec("hibari", loader="x:y"))
    with pytest.raises(UnknownModelError, match="known are: real-esrgan"):
        registry["real-esrgam"]
    with pytest.raises(UnknownModelError), registry.lease("nothing-like-it"):
        pass


def test_choose_takes_the_preferred_that_can_run_and_says_why_not_the_others(
    make_registry: Callable[..., Registry],
) -> None:
    absent = Weights("absent", (WeightFile("w.bin", "0" * 64, 1),), ())
    registry = make_registry(
        toy_spec("a", preference=30),
        toy_spec("b", preference=1, memory={"cuda": GB}),
        toy_spec("c", preference=2, weights=absent),
        toy_spec("d", preference=3, memory={"cpu": 12 * GB}),
        toy_spec("e", preference=40),
        toy_spec("f", tasks=(Task.LANGUAGE,)),
        offline=True,
    )
    choice = registry.choose(Task.SPEECH)
    assert choice.spec is not None
    assert choice.spec.id == "a"
    assert choice.reasons == {
        "b": "needs CUDA",
        "c": "offline and not downloaded",
        "d": "needs 12.0 GB, 8.0 GB free",
    }
    assert registry.choose(Task.SUPER_RESOLUTION).spec is None


def test_status_tells_each_state(make_registry: Callable[..., Registry], counters: Counters) -> None:
    absent = Weights("absent", (WeightFile("w.bin", "0" * 64, 1),), ())
    registry = make_registry(
        toy_spec("a"), toy_spec("b"), toy_spec("c", weights=absent), toy_spec("d", memory={"cuda": GB})
    )
    counters.load_seconds = 0.3
    with registry.lease("a"):
        loading = registry.prepare("b")
        next(loading)
        states = {status.spec.id: status for status in registry.status()}
        assert (states["a"].state, states["a"].leases, states["a"].memory) == ("loaded", 1, GB)
        assert states["b"].state == "loading"
        assert states["c"].state == "not downloaded"
        assert (states["d"].state, states["d"].why) == ("unavailable", "needs CUDA")
        list(loading)
    with pytest.raises(FetchError), registry.lease("c"):
        pass
    assert "last try failed" in next(status.why for status in registry.status() if status.spec.id == "c")


def test_nothing_is_warmed_up_once_the_registry_is_closed(
    make_registry: Callable[..., Registry], counters: Counters
) -> None:
    registry = make_registry(toy_spec("a"))
    registry.close()
    registry.warm_up("a")
    assert not eventually(lambda: counters.loads.get("a", 0) > 0, seconds=0.3)
    with pytest.raises(ModelUnavailableError, match="shutting down"), registry.lease("a"):
        pass
    assert counters.loads == {}
