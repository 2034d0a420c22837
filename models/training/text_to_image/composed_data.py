"""Batches of scenes composed on the fly by a process of its own, mixed with plain pictures."""

import multiprocessing
import os
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.queues import Queue
from types import TracebackType
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from models.backends.pixel_dit import CaptionEncoder, TextStates
from models.training.caption_dataset import WITHOUT_CAPTION, Batch
from models.training.text_to_image.composer import Composer, Scene

COMPOSED = 0.6
"""The share of a batch that is composed; the rest are plain pictures with their names."""
AHEAD = 8
"""Batches that wait for the training at most."""

Chunk = tuple[int, NDArray[np.uint8], list[str]]
"""A step, its scenes [N, SIZE, SIZE, 3] and their captions."""


class PlainPictures(Protocol):
    """What training draws from, such as `CaptionDataset`."""

    def batch(self, size: int, generator: torch.Generator) -> Batch: ...

    def held_out_batch(self, size: int) -> Batch: ...


def scenes_of(composer: Composer, step: int, count: int) -> list[Scene]:
    """The scenes of a step: no other step has them."""
    return [composer.scene(step * 1000 + place) for place in range(count)]


class Scenes:
    """The scenes of each step from `first` on, composed ahead of time. A context: the process ends with it."""

    def __init__(self, composer: Callable[[], Composer], count: int, first: int) -> None:
        self.count = count
        context = multiprocessing.get_context("spawn")
        self._ready: Queue[Chunk] = context.Queue(AHEAD)
        self._process = context.Process(target=_compose, args=(composer, count, first, self._ready), daemon=True)

    def __enter__(self) -> "Scenes":
        self._process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.join()

    def take(self, step: int) -> tuple[NDArray[np.uint8], list[str]]:
        """The scenes of `step`, the one after that taken before."""
        made, pixels, captions = self._ready.get(timeout=600)
        if made != step:
            raise ValueError(f"scenes are made in order: step {made} is next, not {step}")
        return pixels, captions


def _compose(composer: Callable[[], Composer], count: int, step: int, ready: "Queue[Chunk]") -> None:
    os.nice(5)
    torch.set_num_threads(1)
    made = composer()
    while True:
        scenes = scenes_of(made, step, count)
        ready.put((step, np.stack([scene.pixels for scene in scenes]), [scene.caption for scene in scenes]))
        step += 1


@dataclass(frozen=True)
class MixedPictures:
    """Plain pictures and the scenes of the step that the generator is seeded with, in one batch."""

    plain: PlainPictures
    scenes: Scenes
    encoder: CaptionEncoder

    def batch(self, size: int, generator: torch.Generator) -> Batch:
        pixels, captions = self.scenes.take(generator.initial_seed())
        untold = torch.rand(len(captions), generator=generator) < WITHOUT_CAPTION
        told = ["" if without else caption for caption, without in zip(captions, untold, strict=True)]
        pictures = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
        text = self.encoder.encode(told)
        plain = self.plain.batch(size - len(captions), generator)
        return Batch(
            torch.cat([pictures, plain.pictures]),
            TextStates(
                torch.cat([text.states, plain.text.states]),
                torch.cat([text.mask, plain.text.mask]),
            ),
        )

    def held_out_batch(self, size: int) -> Batch:
        return self.plain.held_out_batch(size)
