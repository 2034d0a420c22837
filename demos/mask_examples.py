"""Ready masks for the Inpainting tab: damage as it happens to photographs, and things to be removed from the examples.

`python -m demos.mask_examples` draws the thumbnails of the examples again into `assets/examples/`.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from demos.examples import EXAMPLES_FOLDER, example

Mask = NDArray[np.bool_]
"""(height, width), true where the picture is to be filled."""
Size = tuple[int, int]
"""Width and height in pixels."""
THUMBNAIL = (144, 112)
PAINT = (225, 29, 72)
"""What masks look like on the page."""


def scratches(size: Size) -> Mask:
    """Thin lines all over the picture."""
    draw = random.Random(5)

    def paint(pen: ImageDraw.ImageDraw, unit: float) -> None:
        for _ in range(9):
            x, y = draw.uniform(0, size[0]), draw.uniform(0, size[1])
            points = [(x, y)]
            for _ in range(6):
                x, y = x + draw.uniform(-14, 14) * unit, y + draw.uniform(4, 16) * unit
                points.append((x, y))
            pen.line(points, 255, max(1, round(draw.uniform(0.6, 1.4) * unit)), joint="curve")

    return _painted(size, paint)


def text(size: Size) -> Mask:
    """Words across the picture, as on a stolen photograph."""

    def paint(pen: ImageDraw.ImageDraw, unit: float) -> None:
        font = ImageFont.load_default(size=max(8, 13 * unit))
        for line in range(3):
            pen.text((size[0] / 2, size[1] * (0.25 + 0.25 * line)), "do not copy this", 255, font, anchor="mm")

    return _painted(size, paint)


def box(size: Size) -> Mask:
    """A square in the middle."""
    width, height = size
    half = 0.2 * min(size)
    corners = (width / 2 - half, height / 2 - half, width / 2 + half, height / 2 + half)
    return _painted(size, lambda pen, unit: pen.rectangle(corners, 255))


def blobs(size: Size) -> Mask:
    """Drops of coffee."""
    draw = random.Random(11)

    def paint(pen: ImageDraw.ImageDraw, unit: float) -> None:
        for _ in range(9):
            x, y = draw.uniform(0.05, 0.95) * size[0], draw.uniform(0.1, 0.9) * size[1]
            across, down = draw.uniform(3, 9) * unit, draw.uniform(3, 9) * unit
            pen.ellipse((x - across, y - down, x + across, y + down), 255)

    return _painted(size, paint)


READY_MASKS: Mapping[str, Callable[[Size], Mask]] = {
    "Scratches": scratches,
    "Text": text,
    "Box": box,
    "Blobs": blobs,
}


def _shapes(*polygons: tuple[tuple[float, float], ...]) -> Callable[[Size], Mask]:
    """Polygons whose corners are shares of width and height."""

    def paint_on(size: Size) -> Mask:
        def paint(pen: ImageDraw.ImageDraw, unit: float) -> None:
            for corners in polygons:
                pen.polygon([(x * size[0], y * size[1]) for x, y in corners], 255)

        return _painted(size, paint)

    return paint_on


@dataclass(frozen=True)
class MaskExample:
    """A photograph with something to fill: `thumbnail` shows both."""

    photograph: str
    thumbnail: str
    what: str
    mask: Callable[[Size], Mask]


MASK_EXAMPLES = (
    MaskExample(
        "wall.jpg",
        "hole-wall.jpg",
        "Take the watchtower and the far wall away",
        _shapes(
            ((0.455, 0.5), (0.6, 0.5), (0.6, 0.6), (0.46, 0.6)),
            (
                (0.62, 0.56),
                (0.78, 0.53),
                (0.75, 0.38),
                (0.66, 0.38),
                (0.66, 0.33),
                (0.8, 0.33),
                (0.86, 0.57),
                (0.64, 0.63),
            ),
        ),
    ),
    MaskExample("cat.png", "hole-cat.jpg", "Mend the scratches", scratches),
    MaskExample("castle.jpg", "hole-castle.jpg", "Wipe the text off", text),
    MaskExample("canyon.jpg", "hole-canyon.jpg", "Fill the box", box),
    MaskExample("river.jpg", "hole-river.jpg", "Clean off the blobs", blobs),
)


def _painted(size: Size, paint: Callable[[ImageDraw.ImageDraw, float], None]) -> Mask:
    mask = Image.new("L", size)
    paint(ImageDraw.Draw(mask), min(size) / 100)
    return np.asarray(mask) > 0


def draw_thumbnails() -> None:
    for shown in MASK_EXAMPLES:
        photograph = Image.open(example(shown.photograph)).convert("RGB")
        mask = Image.fromarray(shown.mask(photograph.size))
        photograph.paste(PAINT, (0, 0), mask)
        photograph.resize(THUMBNAIL, Image.Resampling.LANCZOS).save(EXAMPLES_FOLDER / shown.thumbnail, quality=85)


if __name__ == "__main__":
    draw_thumbnails()
