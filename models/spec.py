"""`ModelSpec`: everything there is to say about a model before a single byte of it is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from models.sources import Weights
from models.tasks import Task

DeviceKind = Literal["cpu", "cuda"]


@dataclass(frozen=True)
class Paper:
    """Where the method was published."""

    authors: str
    title: str
    year: int
    url: str

    def __str__(self) -> str:
        return f"{self.authors} {self.year}, {self.title}"


@dataclass(frozen=True)
class ModelSpec:
    """One pretrained model as the gallery knows it: flat, frozen, free of torch, cheap to import.

    The card under a tab, the Models page, `python -m models list` and the table in the README are made from these
    fields.
    """

    id: str
    """Lower case with hyphens; part of the public API (`model=` of the endpoints)."""
    tasks: tuple[Task, ...]
    """What it is good for; the same loaded weights serve them all."""
    title: str
    year: int
    """When these weights were published."""
    paper: Paper
    licence: str
    """SPDX identifier of the weights' licence."""
    homepage: str
    """Where the weights come from, for people."""
    parameters: int
    weights: Weights
    loader: str
    """`package.module:function`, imported when the model is first needed. The function takes `(files: Path, device:
    Device)` and returns the backend: an object that follows the task's Protocol, with `close()` if it must clean up."""
    memory: Mapping[DeviceKind, int]
    """Bytes needed at run time on each kind of device the model runs on, weights included, as measured."""
    trained_on: str
    limits: str
    """What it is known to do badly, in one or two sentences for students."""
    concurrency: int = 1
    """Requests it can serve at the same moment; 1 for whatever is not thread-safe."""
    preference: int = 100
    """`Registry.choose` takes the lowest that can run here."""
    reads_prompts: bool = False
    """Whether it changes pictures as a sentence says: the tabs that show pictures only then ask for one."""

    @property
    def devices(self) -> tuple[DeviceKind, ...]:
        """The kinds of device it runs on."""
        return tuple(self.memory)
