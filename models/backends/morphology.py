"""Growing holes, and how deep inside one a place lies."""

import numpy as np
from numpy.typing import NDArray

Holes = NDArray[np.bool_]
"""(height, width), true where a picture is unknown."""


def grown(hole: Holes, radius: int) -> Holes:
    """`hole` and all places whose row and column are at most `radius` away from one in it."""
    for axis in (0, 1):
        wider = hole.copy()
        for shift in range(1, radius + 1):
            ahead, behind = [slice(None)] * 2, [slice(None)] * 2
            ahead[axis], behind[axis] = slice(shift, None), slice(None, -shift)
            wider[tuple(ahead)] |= hole[tuple(behind)]
            wider[tuple(behind)] |= hole[tuple(ahead)]
        hole = wider
    return hole


def depth(hole: Holes, deepest: int) -> NDArray[np.float32]:
    """How many pixels deep in the hole each place lies: 0 outside, at most `deepest`."""
    found = np.zeros(hole.shape, np.float32)
    while deepest and hole.any():
        found += hole
        hole = ~grown(~hole, 1)
        deepest -= 1
    return found
