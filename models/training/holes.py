"""Random holes: strokes of a brush, as in Yu et al. 2019, and boxes."""

import math
import random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SMALLEST, LARGEST = 0.03, 0.4
"""Share of the picture."""


def random_holes(side: int, draw: random.Random) -> NDArray[np.bool_]:
    """Holes [side, side], true where the picture is unknown; a share of 3 to 40 % in all."""
    while True:
        mask = Image.new("L", (side, side))
        pen = ImageDraw.Draw(mask)
        kind = draw.random()
        if kind < 0.75:
            for _ in range(draw.randint(1, 4)):
                _stroke(pen, side, draw)
        if kind > 0.5:
            for _ in range(draw.randint(1, 2)):
                width, height = (draw.uniform(0.12, 0.5) * side for _ in range(2))
                left, top = (draw.uniform(0, side - length) for length in (width, height))
                shape = pen.rectangle if draw.random() < 0.5 else pen.ellipse
                shape((left, top, left + width, top + height), fill=255)
        holes = np.asarray(mask) > 0
        if SMALLEST <= holes.mean() <= LARGEST:
            return holes


def _stroke(pen: ImageDraw.ImageDraw, side: int, draw: random.Random) -> None:
    x, y = draw.uniform(0, side), draw.uniform(0, side)
    angle = draw.uniform(0, 2 * math.pi)
    width = draw.uniform(0.03, 0.16) * side
    for _ in range(draw.randint(2, 7)):
        angle += draw.uniform(-1.2, 1.2)
        length = draw.uniform(0.1, 0.3) * side
        then = x + length * math.cos(angle), y + length * math.sin(angle)
        pen.line((x, y, *then), fill=255, width=round(width))
        for centre_x, centre_y in ((x, y), then):
            pen.ellipse(
                (centre_x - width / 2, centre_y - width / 2, centre_x + width / 2, centre_y + width / 2), fill=255
            )
        x, y = then
