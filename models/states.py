"""What the registry says about its models: who made a result, choices, the states on the Models page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from models.devices import Device
from models.spec import ModelSpec

State = Literal["loaded", "loading", "downloading", "on disk", "not downloaded", "unavailable"]


@dataclass(frozen=True)
class LoadProgress:
    """How far a model is on its way into memory (`here` and `total` are bytes while it is being fetched), or a request
    on its way to a free place of it (`before` others)."""

    stage: Literal["fetching", "loading", "waiting"]
    here: int = 0
    total: int = 0
    before: int = 0

    def __str__(self) -> str:
        if self.stage == "waiting":
            return f"waiting: {self.before} before you" if self.before else "waiting: you are next"
        if self.stage == "loading":
            return "loading the model into memory"
        return f"fetching the model, {self.here / 1e6:.0f} of {self.total / 1e6:.0f} MB (once)"


@dataclass(frozen=True)
class MadeBy:
    """Where a result comes from: the model, but for its weights, and the device it ran on."""

    spec: ModelSpec
    device: Device


@dataclass(frozen=True)
class Choice:
    """The best model for a task here and now (None if there is none), and why each other one cannot run."""

    spec: ModelSpec | None
    reasons: Mapping[str, str]


@dataclass(frozen=True)
class ModelStatus:
    """A row of the Models page. `why` says why it cannot run, or how far a download is."""

    spec: ModelSpec
    state: State
    why: str
    device: Device | None
    leases: int = 0
    memory: int = 0
    """Bytes it holds of its device's budget right now."""
