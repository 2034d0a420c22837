"""A card on loan (ZeroGPU): what runs in the process that has it. Run by tests/test_spaces.py in a process of its own,
because one that runs many threads, as a whole test run does, may hang when it is forked."""

import os
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from demos.services import load_ahead
from models import zero_gpu
from models.devices import Device
from models.errors import BadInputError, BusyError, OutOfMemoryError
from models.gpu_seconds import gpu_seconds
from models.registry import Registry
from models.store import WeightStore
from models.tasks import Task, TextRequest
from tests.conftest import CPU
from tests.standin_zero_gpu import HostError, StandInZeroGPU
from tests.toy_models import GB, toy_spec

LENT = Device("cuda", "lent", 70 * GB, "bfloat16", 2, on_loan=True)


class LentToy:
    """Tells which process it works in."""

    scale = 4

    def __init__(self, log: Path) -> None:
        self.log = log
        self.make_room = print

    def generate(self, request: TextRequest) -> Generator[tuple[int, int], None, None]:
        if request.prompt == "nonsense":
            raise BadInputError("This is nonsense.")
        if request.prompt == "bug":
            raise KeyError("bug")
        try:
            for token in range(request.max_new_tokens):
                time.sleep(0.02)
                yield os.getpid(), token
        finally:
            with self.log.open("a") as log:
                log.write(f"closed in {os.getpid()}\n")

    def delegated(self, request: TextRequest) -> Iterator[tuple[int, int]]:
        return self.generate(request)

    def here(self) -> int:
        return os.getpid()


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInZeroGPU]:
    host = StandInZeroGPU()
    host.install(monkeypatch)
    zero_gpu.lent_card.cache_clear()
    yield host
    zero_gpu.lent_card.cache_clear()


@pytest.fixture
def lent(host: StandInZeroGPU, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """A registry with one model that needs the card, loaded ahead as app.py does."""

    def load(files: Path, device: Device) -> LentToy:
        return LentToy(tmp_path / "log")

    monkeypatch.setattr("tests.toy_models.load_a", load)
    devices = (LENT, CPU)
    spec = toy_spec("a", tasks=(Task.LANGUAGE,), memory={"cuda": 2 * GB})
    small = toy_spec("b", tasks=(Task.SPEECH,), memory={"cuda": GB, "cpu": GB // 2})
    registry = Registry([spec, small], store=WeightStore(tmp_path / "cache"), devices=devices)
    load_ahead(registry)
    yield registry
    registry.close()


def test_steps_run_in_the_lent_process(host: StandInZeroGPU, lent: Registry) -> None:
    assert {status.spec.id: status.state for status in lent.status()} == {"a": "loaded", "b": "on disk"}
    assert host.emulated == 1
    with lent.lease("a") as lease:
        steps = list(lease.backend.generate(TextRequest("go", max_new_tokens=3)))
        assert [token for _, token in steps] == [0, 1, 2]
        (worker,) = {process for process, _ in steps}
        assert worker != os.getpid()
        assert next(iter(lease.backend.delegated(TextRequest("go"))))[0] == worker, "the process is kept"
        assert lease.backend.scale == 4
        assert lease.backend.here() == os.getpid(), "only steps are worth a loan"
        assert host.seconds[0] == gpu_seconds(TextRequest("go", max_new_tokens=3))
    assert host.forks == 1


def test_stop_reaches_the_lent_process(host: StandInZeroGPU, lent: Registry, tmp_path: Path) -> None:
    with lent.lease("a") as lease:
        steps = lease.backend.generate(TextRequest("go", max_new_tokens=500))
        worker, _ = next(steps)
        steps.close()
        assert (tmp_path / "log").read_text() == f"closed in {worker}\n"


def test_another_thread_may_stop_it(host: StandInZeroGPU, lent: Registry, tmp_path: Path) -> None:
    with lent.lease("a") as lease:
        steps = lease.backend.generate(TextRequest("go", max_new_tokens=500))
        seen: list[tuple[int, int]] = []
        reader = threading.Thread(target=seen.extend, args=(steps,))
        reader.start()
        while not host.seconds:
            time.sleep(0.01)
        steps.close()
        reader.join(10)
        assert not reader.is_alive()
        assert len(seen) < 500
        assert "closed in" in (tmp_path / "log").read_text()


def test_a_model_loaded_later_is_known_to_the_process(host: StandInZeroGPU, lent: Registry) -> None:
    with lent.lease("a") as lease:
        first = list(lease.backend.generate(TextRequest("go", max_new_tokens=1)))
    lent.add(toy_spec("later", loader="tests.toy_models:load_a", memory={"cuda": GB}))
    with lent.lease("later") as lease:
        later = list(lease.backend.generate(TextRequest("go", max_new_tokens=1)))
    assert first[0][0] != later[0][0], "a process that was forked before cannot know it"
    assert lent.unload("a")


def test_refusals_come_back_as_they_are(host: StandInZeroGPU, lent: Registry) -> None:
    with lent.lease("a") as lease:
        with pytest.raises(BadInputError, match=r"^This is nonsense\.$"):
            list(lease.backend.generate(TextRequest("nonsense")))
        with pytest.raises(HostError, match="KeyError"):
            list(lease.backend.generate(TextRequest("bug")))


@pytest.mark.parametrize(
    ("title", "message", "kind", "sentence"),
    [
        (
            "ZeroGPU quota exceeded",
            "You have exceeded your free ZeroGPU quota (60s requested vs. 12s left). Try again in 3:02:11. ",
            BusyError,
            "for the next 3:02:11",
        ),
        (
            "ZeroGPU quota exceeded",
            "Space app has reached its GPU limit. Try re-running outside of examples if it happened after clicking one",
            BusyError,
            "used up for now",
        ),
        (
            "ZeroGPU queue timeout",
            "No GPU was available after 60s [Subscribe](https://...)",
            BusyError,
            "within a minute",
        ),
        ("ZeroGPU client error", "No GPU was available", BusyError, "within a minute"),
        (
            "ZeroGPU illegal duration",
            "The requested GPU duration (120s) is larger than the maximum allowed",
            BusyError,
            "ask for less",
        ),
        ("ZeroGPU worker error", "GPU task aborted", BusyError, "taken back"),
        ("ZeroGPU worker error", "OutOfMemoryError", OutOfMemoryError, "smaller"),
    ],
)
def test_what_the_host_says_in_plain_words(
    host: StandInZeroGPU, lent: Registry, title: str, message: str, kind: type[Exception], sentence: str
) -> None:
    host.refusal = HostError(title, message)
    with lent.lease("a") as lease, pytest.raises(kind, match=sentence) as raised:
        list(lease.backend.generate(TextRequest("go")))
    assert str(raised.value).endswith(".")
