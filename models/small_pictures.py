"""Small grey pictures, p(x): what is asked of a generator of 28 x 28 px and what it answers, whatever its kind.

Nothing here imports torch or gradio.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.errors import BadInputError

SIDE = 28
"""Width and height in pixels."""
LABELS = {
    "fashion": (
        *("T-shirt", "trousers", "pullover", "dress", "coat"),
        *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
    ),
    "digits": tuple("0123456789"),
}
"""The sets of pictures that every model here has learnt, each with the names of its ten classes."""
LARGEST_COUNT = 64
"""Pictures in one request at most."""
LARGEST_STEPS = 100

GreyPictures = NDArray[np.uint8]
"""Pictures: (count, 28, 28), 0 is black."""


@dataclass(frozen=True)
class SmallPictureRequest:
    """Draw `count` pictures of the kind in `data` (a key of `LABELS`); the same seed gives the same pictures.

    `steps` is the number of denoising steps, for the models that have them.
    """

    data: str
    count: int = 8
    seed: int = 0
    steps: int = 25

    def __post_init__(self) -> None:
        """Raises `BadInputError` for what no model here could draw."""
        if self.data not in LABELS:
            raise BadInputError(f"Choose one of these sets of pictures: {', '.join(LABELS)}.")
        if not 1 <= self.count <= LARGEST_COUNT:
            raise BadInputError(f"Ask for 1 to {LARGEST_COUNT} pictures.")
        if not 1 <= self.steps <= LARGEST_STEPS:
            raise BadInputError(f"Take 1 to {LARGEST_STEPS} denoising steps.")


@dataclass(frozen=True)
class SmallPictures:
    """The finished pictures."""

    pictures: GreyPictures


@dataclass(frozen=True)
class Denoised:
    """What a diffusion model holds after step `done` of `total` (0: before the first).

    `noisy` are the pictures x_t, of whose variance `noise_share` (0 to 1) is noise; `foreseen` are the clean pictures
    that the network expects to end at. Both are cut to the grey values 0 to 255.
    """

    done: int
    total: int
    noise_share: float
    noisy: GreyPictures
    foreseen: GreyPictures


class SmallPictureGenerator(Protocol):
    """p(x) over 28 x 28 grey pictures."""

    def sample(self, request: SmallPictureRequest) -> Iterator[Denoised | SmallPictures]:
        """Yields `Denoised` after each step, if the model works in steps, and `SmallPictures` last."""
        ...
