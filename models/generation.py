"""Image generation, p(x): what is asked of a generator and what it answers. Nothing here imports torch or gradio."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.errors import BadInputError
from models.tasks import Progress

Latents = NDArray[np.float32]
"""Points of a generator's latent space: (count, latent size), each drawn from N(0, 1)."""
Pixels = NDArray[np.uint8]
"""Pictures: (count, height, width, 3), sRGB."""

EYE_COLOURS = ("amber", "blue", "brown", "gray", "grayscale", "green", "hazel", "red")
"""In the order of the one-hot code that the eye generator was trained with."""
TERRAIN_DIFFICULTIES = {f"difficulty {level}": level for level in (1, 25, 50, 75, 100)}
"""How rough a terrain should be for a walking robot, on the terrain generator's own scale from 1 to 100."""

IMAGENET_CLASSES = {
    "flamingo": 130,
    "king penguin": 145,
    "golden retriever": 207,
    "red fox": 277,
    "tabby cat": 281,
    "giant panda": 388,
    "balloon": 417,
    "cheeseburger": 933,
    "volcano": 980,
    "daisy": 985,
}
"""A few of the thousand classes of ImageNet that one recognises at 64 x 64 pixels, with their numbers there."""


@dataclass(frozen=True)
class SampleRequest:
    """Turn each of `latents` into a picture. `label` is one of the generator's `labels`, None if it has none."""

    latents: Latents
    label: str | None = None


@dataclass(frozen=True)
class Samples:
    """The pictures, in the order of the latents."""

    pictures: Pixels
    heights: NDArray[np.float32] | None = None
    """Of a terrain generator: (count, height, width) in metres above the lowest point; the pictures are reliefs of
    them."""


class ImageGenerator(Protocol):
    """p(x): noise in, pictures out."""

    latent_size: int
    image_size: int
    """Side of its square pictures in pixels."""
    labels: tuple[str, ...]
    """What a conditional generator can be asked for; empty for an unconditional one."""

    def latents(self, count: int, seed: int) -> Latents:
        """`count` latents from `seed`. The first ones of a seed are the same whatever the count."""
        ...

    def sample(self, request: SampleRequest) -> Iterator[Progress | Samples]:
        """Yields `Progress` after each batch and `Samples` last.

        Raises `BadInputError` for latents of another size and for an unknown label.
        """
        ...


def draw_latents(count: int, size: int, seed: int) -> Latents:
    """(count, size), drawn from N(0, 1) on the CPU, so that a seed means the same everywhere.

    Each latent is drawn after the one before it: the first ones of a seed are the same whatever the count.
    """
    import torch

    source = torch.Generator().manual_seed(seed)
    return np.stack([torch.randn(size, generator=source).numpy() for _ in range(count)])


def check_request(request: SampleRequest, latent_size: int, labels: tuple[str, ...]) -> None:
    """Raises `BadInputError` unless a generator of this `latent_size` and these `labels` can answer `request`."""
    if request.latents.ndim != 2 or request.latents.shape[1] != latent_size or not len(request.latents):
        raise BadInputError(f"This generator reads latents of {latent_size} numbers; please draw them anew.")
    if labels and request.label not in labels:
        raise BadInputError(f"This generator knows {', '.join(labels)}; please choose one of them.")
    if not labels and request.label is not None:
        raise BadInputError("This generator cannot be asked for anything in particular; please leave the kind empty.")
