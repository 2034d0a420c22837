"""Super-resolution by latent search: many large pictures that all shrink to one small one (PULSE, Menon et al. 2020,
arXiv:2003.03808). Nothing here imports torch.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.errors import BadInputError
from models.generation import Pixels

FACTOR = 4


@dataclass(frozen=True)
class SearchRequest:
    """Find `answers` pictures of a generator that shrink to `small`: RGB, a quarter as wide and high as they are.

    The same seed finds the same pictures, up to the rounding of the machine.
    """

    small: Image.Image
    answers: int = 12
    steps: int = 200
    seed: int = 0


@dataclass(frozen=True)
class Answers:
    """The pictures after `step` of `steps`: (answers, size, size, 3).

    `errors` (answers,) says how far each, shrunk, still is from the small picture: the root mean square over pixels and
    colours, in grey levels of 255.
    """

    pictures: Pixels
    errors: NDArray[np.float64]
    step: int
    steps: int


def shrink(pictures: Pixels) -> NDArray[np.float64]:
    """(n, size, size, 3) -> (n, size / 4, size / 4, 3): the mean of each square of 4 x 4 pixels, in [0, 255]."""
    count, height, width, colours = pictures.shape
    squares = pictures.reshape(count, height // FACTOR, FACTOR, width // FACTOR, FACTOR, colours)
    means: NDArray[np.float64] = squares.mean((2, 4), dtype=np.float64)
    return means


def data_fit_errors(pictures: Pixels, small: Image.Image) -> NDArray[np.float64]:
    """`Answers.errors` of `pictures`."""
    distances = shrink(pictures) - np.asarray(small.convert("RGB"), np.float64)
    errors: NDArray[np.float64] = np.sqrt((distances**2).mean((1, 2, 3)))
    return errors


def search(gan: Any, request: SearchRequest) -> Generator[Answers, None, None]:
    """Yields the growing answers of `gan`, a loaded `DCGAN` without labels, every few steps; the last ones at the end.

    Raises `BadInputError` if the small picture has not a quarter of the side of the generator's.
    """
    side = gan.image_size // FACTOR
    if request.small.size != (side, side):
        raise BadInputError(f"The search starts from a picture of {side} x {side} pixels.")
    from models.backends.latent_search import descend

    yield from descend(gan, request)
