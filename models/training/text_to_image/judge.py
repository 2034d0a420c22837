"""Judges pictures by their pixels: is what the caption asks for there, in this colour, number, place or size?

Everything is measured on one thing or two on white; whether it is a cat or a dog, only retrieval and eyes can tell.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from models.training.captioned_pictures import with_article
from models.training.text_to_image import held_out
from models.training.text_to_image.colours import nearest_colours, scaled
from models.training.text_to_image.phrases import NUMBERS, plural

Pixels = NDArray[np.uint8]
"""One picture, (S, S, 3)."""
Mask = NDArray[np.bool_]
"""(S, S)."""

WHITE = 225
"""A pixel is of the background if its darkest channel is above this."""
SMALLEST_REGION = 0.008
"""Share of the picture. What is smaller is a speck, not a thing."""
COLOURED = 0.5
"""The share of a thing that must be nearest to its colour."""
APART = 0.1
"""Share of the side by which centroids must differ."""
SMALL_SIDE, BIG_SIDE = 0.48, 0.8
"""Largest side of a small thing and smallest of a big one, as shares of the picture's."""


@dataclass(frozen=True)
class Question:
    """A prompt, its kind and whether a picture answers it."""

    prompt: str
    kind: str
    answered: Callable[[Pixels], bool]


def questions() -> list[Question]:
    """One for each held-out pair: the prompts were never composed in training."""
    asked = [
        Question(with_article(f"{colour} {name}"), "colour", partial(has_colour, colour=colour))
        for colour, name in held_out.COLOURS
    ]
    asked += [
        Question(
            f"{NUMBERS[count][0]} {PAINTS[place % 4]} {plural(name)}",
            "number",
            partial(has_number, number=count),
        )
        for place, (count, name) in enumerate(held_out.NUMBERS)
    ]
    for place, (first, second) in enumerate(held_out.PLACES):
        one, other = PAINTS[place % 4], PAINTS[(place + 1 + place // 4 % 3) % 4]
        relation, (dx, dy) = RELATIONS[place % len(RELATIONS)]
        asked.append(
            Question(
                f"a {one} {first} {relation} a {other} {second}",
                "place",
                partial(has_place, first=one, second=other, dx=dx, dy=dy),
            )
        )
    asked += [
        Question(f"a {'tiny' if size == 'small' else 'huge'} {name}", "size", partial(has_size, size=size))
        for size, name in held_out.SIZES
    ]
    return asked


PAINTS = ("red", "green", "blue", "purple")
RELATIONS = (("left of", (-1, 0)), ("right of", (1, 0)), ("above", (0, -1)), ("below", (0, 1)))
"""Words, and where the first thing is from the second (right and down count positive)."""


def foreground(pixels: Pixels) -> Mask:
    """All that is not white."""
    return np.asarray(pixels.min(-1) <= WHITE)


def regions(mask: Mask) -> list[int]:
    """Pixels in each connected region (eight neighbours), the largest first, specks left out."""
    labels = np.where(mask, np.arange(1, mask.size + 1).reshape(mask.shape), 0)
    while True:
        padded = np.pad(labels, 1)
        near = [padded[y : y + mask.shape[0], x : x + mask.shape[1]] for y in range(3) for x in range(3)]
        spread = np.where(mask, np.max(near, 0), 0)
        if (spread == labels).all():
            break
        labels = spread
    _, sizes = np.unique(labels[mask], return_counts=True)
    return sorted((int(size) for size in sizes if size >= SMALLEST_REGION * mask.size), reverse=True)


def has_colour(pixels: Pixels, colour: str) -> bool:
    """Whether most of the thing is nearest to this colour."""
    shown = foreground(pixels)
    return bool(regions(shown) and _coloured(pixels, colour)[shown].mean() >= COLOURED)


def has_number(pixels: Pixels, number: int) -> bool:
    """Whether there are as many separate things, of about the same size."""
    sizes = regions(foreground(pixels))
    return len(sizes) == number and sizes[-1] >= 0.35 * sizes[0]


def has_place(pixels: Pixels, first: str, second: str, dx: int, dy: int) -> bool:
    """Whether both colours are there, and the middle of the first is to that side of the middle of the second."""
    masks = [_coloured(pixels, colour) & foreground(pixels) for colour in (first, second)]
    if not all(regions(mask) for mask in masks):
        return False
    (x1, y1), (x2, y2) = (np.argwhere(mask).mean(0)[::-1] for mask in masks)
    return bool(dx * (x1 - x2) + dy * (y1 - y2) > APART * len(pixels))


def has_size(pixels: Pixels, size: str) -> bool:
    """Whether the box around all that is shown is small, or big."""
    shown = foreground(pixels)
    if not shown.sum() >= 20:
        return False
    side = np.ptp(np.argwhere(shown), 0).max() + 1
    return bool(side <= SMALL_SIDE * len(pixels) if size == "small" else side >= BIG_SIDE * len(pixels))


def diversity(pictures: NDArray[np.uint8]) -> float:
    """Root mean square distance, over all pairs of the pictures [N, S, S, 3] of one caption, in 0 to 1."""
    values = pictures.astype(np.float32).reshape(len(pictures), -1) / 255
    pairs = [np.sqrt(((a - b) ** 2).mean()) for i, a in enumerate(values) for b in values[:i]]
    return float(np.mean(pairs))


def _coloured(pixels: Pixels, colour: str) -> Mask:
    names = nearest_colours(scaled(pixels.reshape(-1, 3)))
    return np.asarray((names == colour).reshape(pixels.shape[:2]))
