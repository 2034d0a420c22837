"""Small specs and loaders for the registry tests. The loaders count, wait or fail on demand."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.devices import Device
from models.sources import InstalledPackage, Weights
from models.spec import ModelSpec, Paper
from models.tasks import Task

GB = 1_000_000_000


@dataclass
class Counters:
    """What the loaders of one test have done; reset by `fresh_counters`."""

    loads: dict[str, int] = field(default_factory=dict)
    closed: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    failures_left: int = 0
    failure: Exception = field(default_factory=lambda: RuntimeError("broken loader"))
    load_seconds: float = 0.0
    hangs_at: int | None = None
    let_go: threading.Event = field(default_factory=threading.Event)
    steps: int = 0


counters = Counters()


def fresh_counters() -> Counters:
    global counters
    counters = Counters()
    return counters


class ToyBackend:
    """Knows its name and notices when it is used after being closed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.open = True

    def close(self) -> None:
        self.open = False
        counters.closed.append(self.name)


def _load(name: str) -> ToyBackend:
    time.sleep(counters.load_seconds)
    with counters.lock:
        counters.loads[name] = counters.loads.get(name, 0) + 1
        if counters.failures_left:
            counters.failures_left -= 1
            raise counters.failure
    return ToyBackend(name)


def load_a(files: Path, device: Device) -> ToyBackend:
    return _load("a")


def load_b(files: Path, device: Device) -> ToyBackend:
    return _load("b")


def load_c(files: Path, device: Device) -> ToyBackend:
    return _load("c")


def toy_spec(model_id: str, **changes: Any) -> ModelSpec:
    """A spec whose weights are the installed pytest (nothing to fetch), 1 GB on the CPU unless changed."""
    facts: dict[str, Any] = {
        "id": model_id,
        "tasks": (Task.SPEECH,),
        "title": f"Model {model_id}",
        "year": 2026,
        "paper": Paper("Nobody", "Nothing", 2026, "https://example.org"),
        "licence": "Apache-2.0",
        "homepage": "https://example.org",
        "parameters": 1,
        "weights": Weights("pytest", (), (InstalledPackage("pytest", _pytest_version()),)),
        "loader": f"tests.toy_models:load_{model_id}",
        "memory": {"cpu": GB},
        "trained_on": "nothing",
        "limits": "a toy",
    }
    return ModelSpec(**(facts | changes))


def _pytest_version() -> str:
    from importlib.metadata import version

    return version("pytest")


class SlowBackend:
    """Counts upwards, a number for each step; hangs at `counters.hangs_at` until `counters.let_go` is set."""

    def __init__(self) -> None:
        self.closed = False

    def count(self) -> Iterator[int]:
        for number in range(1000):
            if number == counters.hangs_at:
                counters.let_go.wait(60)
            counters.steps += 1
            yield number

    def close(self) -> None:
        self.closed = True
        counters.closed.append("slow")


def load_slow(files: Path, device: Device) -> SlowBackend:
    with counters.lock:
        counters.loads["slow"] = counters.loads.get("slow", 0) + 1
    return SlowBackend()
