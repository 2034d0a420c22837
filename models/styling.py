"""Pictures made from pictures: style transfer and image translation, what they ask and answer.

Both leave in place what is seen and change what it looks like. Style transfer takes the look from a painting (Gatys et
al. 2016, https://arxiv.org/abs/1508.06576), image translation from a whole collection of pictures (Zhu et al. 2017,
https://arxiv.org/abs/1703.10593).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Protocol

from PIL import Image

from models.errors import BadInputError
from models.tasks import Progress

MIN_SIDE = 32
"""Pixels: the networks reduce a picture to a quarter and mirror its border, so nothing smaller passes through them."""

LONGEST_PROMPT = 500
"""Characters of an instruction that says what should change."""
LONGEST_STYLE = 80
"""Characters of a style's name that are looked at."""

StyleSource = str | Image.Image
"""A style: the name of one that the model has learnt, or any picture."""


@dataclass(frozen=True)
class StyleRequest:
    """Paint `image` (RGB, at least 32 pixels on each side) in a mixture of `styles`, each with its share.

    The shares are positive, their sum does not matter. `strength` goes from 0 (near the photograph) to 1. With
    `keep_colours` only the brightness is painted anew; the colours stay those of the photograph.
    """

    image: Image.Image
    styles: tuple[tuple[StyleSource, float], ...]
    strength: float = 1.0
    keep_colours: bool = False

    def __post_init__(self) -> None:
        """Raises `BadInputError` for a request that no model could answer."""
        check_size(self.image)
        if not self.styles:
            raise BadInputError("Choose a style first.")
        # Written so that NaN fails as well.
        if not all(0 < share < math.inf for _, share in self.styles):
            raise BadInputError("The share of a style must be above 0.")
        if not 0 <= self.strength <= 1:
            raise BadInputError("The strength must be from 0 to 1.")


@dataclass(frozen=True)
class Stylised:
    """The painted picture: RGB, as large as the photograph."""

    image: Image.Image


class Stylist(Protocol):
    """p(painting | photo, style)."""

    def stylise(self, request: StyleRequest) -> Iterator[Progress | Stylised]:
        """Yields `Progress` after each step of the work and `Stylised` last.

        Raises `BadInputError` for a style that the model cannot use.
        """
        ...


@dataclass(frozen=True)
class ImageTranslationRequest:
    """Turn `image` (RGB, at least 32 pixels on each side) into a picture of the other kind.

    `prompt` says what should change, to models that read it; `seed` fixes whatever is random.
    """

    image: Image.Image
    prompt: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises `BadInputError` for a picture that is too small."""
        check_size(self.image)


@dataclass(frozen=True)
class TranslatedImage:
    """The picture of the other kind: RGB, as large as the one it was made from."""

    image: Image.Image


class ImageTranslator(Protocol):
    """p(picture of the other kind | picture)."""

    def translate(self, request: ImageTranslationRequest) -> Iterator[Progress | TranslatedImage]:
        """Yields `Progress` after each step of the work and `TranslatedImage` last.

        Raises `BadInputError` if the model needs a prompt and there is none.
        """
        ...


def check_size(image: Image.Image) -> None:
    """Raises `BadInputError` for a picture of fewer than 32 pixels on a side."""
    if min(image.size) < MIN_SIDE:
        raise BadInputError(
            f"This picture is {image.width} x {image.height} pixels; it needs at least {MIN_SIDE} on each side."
        )


LEARNT_STYLES = (
    "Soft gold",
    "Black outlines",
    "Ink and cream",
    "Bright shards",
    "Rose and sky",
    "Embers",
    "Indigo scales",
    "Midnight and yellow",
    "Coloured pencils",
    "Teal mosaic",
    "Sienna",
    "Ochre drawing",
    "Lilac haze",
    "Green and teal",
    "Pale sea",
    "Pastel cracks",
    "Violet strokes",
    "Orange weave",
    "Sepia brush",
    "Blue swirls",
    "Crimson",
    "Bright planes",
    "Grey and red",
    "Dark and soft",
    "Foam",
    "Rust and steel",
)
"""The 26 styles of the TensorFlow demo's network, in its order.

Its authors published neither names nor the paintings it was trained on, so these names are ours: they only say what
each style looks like.
"""


def style_number(name: str) -> int:
    """The place of a learnt style. Raises `BadInputError`, which names the nearest ones."""
    places = {style.casefold(): place for place, style in enumerate(LEARNT_STYLES)}
    asked = name[:LONGEST_STYLE].strip().casefold()
    place = places.get(asked)
    if place is None:
        near = get_close_matches(asked, places, n=3, cutoff=0.3) or list(places)[:3]
        offered = ", ".join(f"“{LEARNT_STYLES[places[style]]}”" for style in near)
        raise BadInputError(f"There is no style “{name[:LONGEST_STYLE]}”; try {offered}.")
    return place
