"""Samples at four times their size: one generative model paints the detail that another could not."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from demos.answering import Answer, answers
from demos.model_picker import best_model
from demos.services import Services
from models.generation import Pixels
from models.spec import ModelSpec
from models.states import LoadProgress
from models.tasks import Progress, Task, Upscaled, Upscaler, UpscaleRequest

LARGE = 256
"""Side in pixels of pictures that are shown as they are."""


@dataclass(frozen=True)
class EnlargedSamples:
    """What a model of super-resolution made of samples: (count, 4 side, 4 side, 3)."""

    spec: ModelSpec
    pictures: Pixels
    took: float


def large_enough(pictures: Pixels) -> bool:
    """Whether (count, side, side, 3) need no enlarging."""
    return bool(pictures.shape[1] >= LARGE)


def enlarge_each(
    services: Services, pictures: Pixels, model: str | None = None
) -> Iterator[LoadProgress | Progress | EnlargedSamples]:
    """Enlarges each picture on its own, with the best model of super-resolution unless `model` names another: progress
    first, the result last."""

    def ask(upscaler: Upscaler) -> Iterator[Progress | Pixels]:
        enlarged = []
        for number, pixels in enumerate(pictures):
            yield Progress("enlarged", number, len(pictures))
            for step in upscaler.upscale(UpscaleRequest(Image.fromarray(pixels))):
                if isinstance(step, Upscaled):
                    enlarged.append(np.asarray(step.image))
                else:
                    yield Progress("enlarged", number, len(pictures))
        yield np.stack(enlarged)

    chosen = model or best_model(services.registry, Task.SUPER_RESOLUTION)
    for step in answers(services, Task.SUPER_RESOLUTION, chosen, ask):
        yield EnlargedSamples(step.made_by.spec, step.value, step.took) if isinstance(step, Answer) else step


def enlarged_if_small(services: Services, pictures: Pixels, model: str) -> EnlargedSamples | None:
    """The same for programs, who wait for the result alone; None for pictures that are large enough."""
    if large_enough(pictures):
        return None
    *_, large = enlarge_each(services, pictures, model)
    assert isinstance(large, EnlargedSamples)
    return large
