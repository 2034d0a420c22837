"""Colorization using optimization (Levin, Lischinski and Weiss 2004, doi:10.1145/1015706.1015780): nothing is learnt.

Neighbours of like lightness should have like colours: given a few scribbles, the colours of all other pixels solve a
large, sparse, linear system. It is solved by conjugate gradients on a reduced picture, and its answer brought to the
edges of the large one.
"""

from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.backends.colorizer import coloured, distinct, hinted_colours, lightness_of
from models.backends.guided_filter import enlarge_colours
from models.colorization import ColorizationRequest, Colorized
from models.devices import Device
from models.errors import BadInputError
from models.lab import Floats
from models.tasks import Progress

MAX_SIDE = 192
"""Pixels of the longer side of the picture that the system is solved for."""
SCRIBBLE = 2
"""A click is a scribble of this radius there."""
MAX_STEPS = 600
_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))


def load(files: Path, device: Device) -> "LevinColorist":
    """There is nothing to load."""
    return LevinColorist()


class LevinColorist:
    """A `Colorist` for any number of threads at once. It needs hints, takes no temperature and draws nothing."""

    def colorize(self, request: ColorizationRequest) -> Generator[Progress | Colorized, None, None]:
        """Raises `BadInputError` without hints and for random draws."""
        hints = distinct(request.hints)
        if not hints:
            raise BadInputError("This method spreads colours that it is given: click on the picture to place some.")
        if request.draws:
            raise BadInputError("This method has one answer only; nothing can be drawn from it.")
        lightness = lightness_of(request.image)
        small = request.image.copy()
        small.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX)
        known = np.zeros((small.height, small.width), np.bool_)
        colours = np.zeros((small.height, small.width, 2), np.float32)
        for hint, colour in zip(hints, hinted_colours(hints), strict=True):
            x, y = hint.x * small.width // request.image.width, hint.y * small.height // request.image.height
            around = (
                slice(max(0, y - SCRIBBLE), y + SCRIBBLE + 1),
                slice(max(0, x - SCRIBBLE), x + SCRIBBLE + 1),
            )
            known[around], colours[around] = True, colour
        for step in spread(lightness_of(small), known, colours):
            if isinstance(step, Progress):
                yield step
            else:
                yield Colorized(coloured(lightness, enlarge_colours(step, lightness), hints))


def spread(lightness: Floats, known: NDArray[np.bool_], colours: Floats) -> Iterator[Progress | Floats]:
    """The colours [h, w, 2] that agree with `colours` where they are `known` [h, w] and whose neighbours differ the
    less, the more alike their `lightness` [h, w] is. Yields `Progress`, then the colours.

    The weights are those of the authors' program, exp(-(difference in lightness)^2 / (0.6 variance)), with the variance
    around each pixel; here that of a pair is the mean of its two, so that the system is symmetric.
    """
    weights = [_likeness(lightness, shift) for shift in _NEIGHBOURS]
    diagonal = np.zeros(lightness.shape, np.float32)
    for (here, there), weight in zip(map(_pair, _NEIGHBOURS), weights, strict=True):
        diagonal[here] += weight
        diagonal[there] += weight

    def applied(x: Floats) -> Floats:
        """The differences to all neighbours, weighted and summed; known pixels stay out of it."""
        result = diagonal[..., None] * x
        for (here, there), weight in zip(map(_pair, _NEIGHBOURS), weights, strict=True):
            result[here] -= weight[..., None] * x[there]
            result[there] -= weight[..., None] * x[here]
        result[known] = 0
        return result

    answer = np.where(known[..., None], colours, colours[known].mean(0)).astype(np.float32)
    residual = -applied(answer)
    scaled = residual / diagonal[..., None]
    direction = scaled.copy()
    strength = (residual * scaled).sum((0, 1))
    target = 1e-6 * strength
    for step in range(MAX_STEPS):
        if (strength <= target).all():
            break
        moved = applied(direction)
        pace = strength / np.maximum((direction * moved).sum((0, 1)), 1e-12)
        answer += pace * direction
        residual -= pace * moved
        scaled = residual / diagonal[..., None]
        before, strength = strength, (residual * scaled).sum((0, 1))
        direction = scaled + strength / np.maximum(before, 1e-12) * direction
        if step % 50 == 49:
            yield Progress("solved the equations: step", step + 1, MAX_STEPS)
    yield answer


def _likeness(lightness: Floats, shift: tuple[int, int]) -> Floats:
    here, there = _pair(shift)
    variance = _local_variance(lightness)
    width = np.maximum(0.6 * (variance[here] + variance[there]) / 2, 1.0)
    weight: Floats = np.maximum(np.exp(-((lightness[here] - lightness[there]) ** 2) / width), 1e-4)
    return weight.astype(np.float32)


def _local_variance(lightness: Floats) -> Floats:
    """The variance among each pixel and its eight neighbours."""
    height, width = lightness.shape
    padded = np.pad(lightness, 1, mode="edge")
    around = np.stack([padded[dy : dy + height, dx : dx + width] for dy in range(3) for dx in range(3)])
    variance: Floats = around.var(0)
    return variance


def _pair(shift: tuple[int, int]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The pixels that have a neighbour at (down, right), and those neighbours."""
    down, right = shift
    rows = (slice(0, -down or None), slice(down, None))
    columns = (slice(0, -right or None), slice(right, None)) if right >= 0 else (slice(-right, None), slice(0, right))
    return (rows[0], columns[0]), (rows[1], columns[1])
