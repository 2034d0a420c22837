"""Inpainting: p(full image | mask), what may have been where a picture has a hole."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.errors import BadInputError
from models.tasks import Progress

Mask = NDArray[np.bool_]
"""(height, width), true where the picture is to be filled."""


@dataclass(frozen=True)
class InpaintingRequest:
    """Fill `image` (RGB, any size) where `mask` is true. `prompt` says what to put there, to models that read it;
    `seed` fixes whatever is random."""

    image: Image.Image
    mask: Mask
    prompt: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises `BadInputError` for a mask of another size, an empty one and a full one."""
        if self.mask.shape != (self.image.height, self.image.width):
            raise BadInputError(
                f"The mask has {self.mask.shape[1]} x {self.mask.shape[0]} pixels, the picture {self.image.width} x "
                f"{self.image.height}; please use a mask of the same size."
            )
        if not self.mask.any():
            raise BadInputError("Nothing is masked yet; please paint over what should vanish, or choose a ready mask.")
        if self.mask.all():
            raise BadInputError(
                "The mask covers the whole picture, so nothing is left to go by; please erase some of it."
            )


@dataclass(frozen=True)
class Draft:
    """The picture around the hole as it stands after a stage of the work, such as "network" or "copied at 128 px"."""

    what: str
    image: Image.Image


@dataclass(frozen=True)
class Inpainted:
    """The filled picture: RGB, of the size of the input, with every pixel outside the mask as it was."""

    image: Image.Image


class Inpainter(Protocol):
    """p(full image | mask)."""

    reads_prompts: bool
    draws: bool
    """Whether the answer depends on the seed."""

    def inpaint(self, request: InpaintingRequest) -> Iterator[Progress | Draft | Inpainted]:
        """Yields `Progress` after each step, a `Draft` after some, and `Inpainted` last.

        Raises `BadInputError` if too little of the picture is known for this model.
        """
        ...
