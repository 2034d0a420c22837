"""Height maps as mapmakers draw them: colour for the height, light from the north-west for the slope.

The tints follow the usual order (green valleys, ochre slopes, grey and white summits); the shading is Lambert's cosine
law on the normals of the surface.
"""

import numpy as np
from numpy.typing import NDArray

TINTS = np.array(
    [
        (72, 122, 92),
        (132, 164, 108),
        (205, 196, 135),
        (196, 152, 100),
        (143, 110, 88),
        (160, 150, 146),
        (250, 250, 248),
    ],
    np.float32,
)
"""From the lowest point of a map to its highest, evenly spaced."""
LIGHT = np.array((-1.0, -1.0, 1.2), np.float32) / np.linalg.norm((-1.0, -1.0, 1.2))
"""Towards the lamp: x to the right, y down the picture, z up."""


def relief(heights: NDArray[np.float32], cell: float, exaggeration: float = 1.0) -> NDArray[np.uint8]:
    """(count, height, width) in metres -> (count, height, width, 3). `cell` is the side of a pixel in metres.

    Each map has all tints, from its lowest point to its highest; the shading keeps the true slopes, times
    `exaggeration`.
    """
    low = heights.min((1, 2), keepdims=True)
    span = np.maximum(heights.max((1, 2), keepdims=True) - low, 1e-6)
    place = (heights - low) / span * (len(TINTS) - 1)
    below = np.minimum(place.astype(int), len(TINTS) - 2)
    part = (place - below)[..., None]
    tint = TINTS[below] * (1 - part) + TINTS[below + 1] * part
    down, right = np.gradient(heights * exaggeration, cell, axis=(1, 2))
    normals = np.stack((-right, -down, np.ones_like(heights)), -1)
    lit = np.clip(normals @ LIGHT / np.linalg.norm(normals, axis=-1), 0, None)[..., None]
    # A level plain keeps its tint.
    return np.asarray(np.clip(tint * (0.35 + 0.65 * lit / LIGHT[2]), 0, 255), np.uint8)
