"""The classical way to fill a hole: from its border inwards, each pixel from the known ones around it (Telea 2004)."""

import heapq
from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

from models.backends.morphology import Holes, grown

Floats = NDArray[np.float32]
RADIUS = 5
"""Pixels: how far away the known ones may lie."""
STEP = 500
"""Pixels filled between two signs of life."""
_NEIGHBOURS = ((0, 1), (1, 0), (0, -1), (-1, 0))
_FAR = 1e6


def fill(picture: Floats, hole: Holes) -> Generator[int, None, Floats]:
    """`picture` (height, width, 3) with its hole filled; yields the number of pixels filled so far, now and then."""
    edge = RADIUS
    filled = np.pad(np.where(hole[..., None], 0, picture), ((edge, edge), (edge, edge), (0, 0))).astype(np.float64)
    unknown = np.pad(hole, edge)
    outside = ~np.pad(np.ones_like(hole), edge)
    known = ~unknown & ~outside
    time = np.where(known, 0.0, _FAR)
    front = [(0.0, int(y), int(x)) for y, x in np.argwhere(known & grown(unknown, 1))]
    heapq.heapify(front)
    settled = known.copy()
    done = 0
    while front:
        _, y, x = heapq.heappop(front)
        settled[y, x] = True
        for dy, dx in _NEIGHBOURS:
            place = y + dy, x + dx
            if settled[place] or outside[place]:
                continue
            arrival = _arrival(time, place)
            if arrival >= time[place]:
                continue
            time[place] = arrival
            heapq.heappush(front, (arrival, *place))
            if not known[place]:
                filled[place] = _from_around(filled, known, time, place)
                known[place] = True
                done += 1
                if done % STEP == 0:
                    yield done
    return filled[edge:-edge, edge:-edge].clip(0, 1).astype(np.float32)


def _arrival(time: NDArray[np.float64], place: tuple[int, int]) -> float:
    """When a front of speed 1 arrives: the solution of |grad T| = 1 from the nearer neighbour of each axis."""
    y, x = place
    a, b = sorted((min(time[y - 1, x], time[y + 1, x]), min(time[y, x - 1], time[y, x + 1])))
    if b - a >= 1:
        return float(a + 1)
    return float((a + b + (2 - (a - b) ** 2) ** 0.5) / 2)


_Y, _X = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1].astype(np.float64)
_SQUARED = _Y**2 + _X**2
_IN_REACH = (_SQUARED > 0) & (_SQUARED <= RADIUS**2)
_NEARNESS = np.where(_IN_REACH, 1 / np.maximum(_SQUARED, 1) ** 1.5, 0)
"""1 / distance^2, and another 1 / distance that makes the direction a unit vector."""


def _from_around(
    filled: NDArray[np.float64], known: Holes, time: NDArray[np.float64], place: tuple[int, int]
) -> NDArray[np.float64]:
    """The weighted mean of the known pixels in reach.

    Near ones, those along the direction of the front and those that it reached at about the same time count most.
    Telea also extends each along its gradient; in holes as large as ours that overshoots.
    """
    y, x = place
    window = (slice(y - RADIUS, y + RADIUS + 1), slice(x - RADIUS, x + RADIUS + 1))
    down, right = _slope(time, known, y, x, 0), _slope(time, known, y, x, 1)
    direction = np.abs(_Y * down + _X * right) + 1e-6
    level = 1 / (1 + np.abs(time[window] - time[place]))
    weight = np.where(known[window], _NEARNESS * direction * level, 0)
    return np.asarray(np.einsum("yx,yxc->c", weight, filled[window]) / weight.sum())


def _slope(time: NDArray[np.float64], known: Holes, y: int, x: int, axis: int) -> float:
    before, after = ((y - 1, x), (y + 1, x)) if axis == 0 else ((y, x - 1), (y, x + 1))
    if known[before] and known[after]:
        return float(time[after] - time[before]) / 2
    if known[before]:
        return float(time[y, x] - time[before])
    return float(time[after] - time[y, x]) if known[after] else 0.0
