"""Colorization: p(colours | grey picture, colour hints), what it asks and answers."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.errors import BadInputError
from models.tasks import Progress

MAX_HINTS = 100
MAX_DRAWS = 12


@dataclass(frozen=True)
class Hint:
    """The colour (red, green and blue in 0 to 255) at pixel (x, y). Its lightness does not count: the picture has its
    own."""

    x: int
    y: int
    colour: tuple[int, int, int]


@dataclass(frozen=True)
class ColorizationRequest:
    """Colour `image`, of which only the lightness is used (CIELAB), in the best way and in `draws` random ones.

    Later hints win over earlier ones at the same pixel. `temperature` is that of the annealed mean (Zhang et al.
    2016): 1 averages all likely colours, near 0 takes the likeliest. Draw number i follows from `seed` + i.
    """

    image: Image.Image
    hints: tuple[Hint, ...] = ()
    temperature: float = 0.38
    draws: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises `BadInputError` for a request that no model could answer."""
        width, height = self.image.size
        if not width or not height:
            raise BadInputError("This picture has no pixels; choose another one.")
        if len(self.hints) > MAX_HINTS:
            raise BadInputError(f"At most {MAX_HINTS} colour hints can be used; please remove some.")
        if not all(0 <= hint.x < width and 0 <= hint.y < height for hint in self.hints):
            raise BadInputError("A colour hint lies outside the picture; please clear the hints and place them anew.")
        if not all(0 <= value <= 255 for hint in self.hints for value in hint.colour):
            raise BadInputError("The red, green and blue of a colour hint go from 0 to 255.")
        # Written so that NaN fails as well.
        if not 0.05 <= self.temperature <= math.inf:
            raise BadInputError("The temperature must be at least 0.05.")
        if not 0 <= self.draws <= MAX_DRAWS:
            raise BadInputError(f"From 0 to {MAX_DRAWS} alternatives can be drawn.")


@dataclass(frozen=True)
class Colorized:
    """The coloured picture: RGB, as large as the grey one and as light everywhere.

    `seed` is that of a random draw, None for the best one. `doubt` tells how uncertain the colours are in each part of
    the picture, in [0, 1] (entropy over that of all colours alike); None from a method that knows no doubt.
    """

    image: Image.Image
    seed: int | None = None
    doubt: NDArray[np.float32] | None = None


class Colorist(Protocol):
    """p(colours | grey picture)."""

    def colorize(self, request: ColorizationRequest) -> Iterator[Progress | Colorized]:
        """Yields `Progress` between the steps of the work, `Colorized` for the best colours first, then one for each
        draw.

        Raises `BadInputError` for what the method cannot do.
        """
        ...
