"""Coarse colours brought to the edges of a large picture (He et al. 2010; fast version: He and Sun 2015,
arXiv:1505.00996), and the colours of clicks honoured in it."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Floats = NDArray[np.float32]

WORKING_SIDE = 448
"""Pixels of the longer side at which the filter's coefficients are found."""
RADIUS = 10
SOFTNESS = 2e-3
"""Variance of the lightness (in [0, 1]) below which nothing counts as an edge."""
REACH = 0.07
"""Standard deviation of a click's reach, as a share of the picture's diagonal."""
LIKENESS = 7.0
"""Standard deviation, in units of L, of the lightness that counts as the same thing."""
NEAREST = 4
"""The higher, the more the nearest click counts where several reach."""


def enlarge_colours(colours: Floats, lightness: Floats) -> Floats:
    """ab [h, w, 2] at the size of `lightness` [H, W] in [0, 100], with the edges of the lightness.

    In each window the colours are a linear function of the lightness.
    """
    height, width = lightness.shape
    scale = min(1.0, WORKING_SIDE / max(height, width))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    guide = torch.from_numpy(lightness / 100)[None, None]
    small = functional.interpolate(guide, size=size, mode="area")
    coarse = functional.interpolate(torch.from_numpy(colours).permute(2, 0, 1)[None], size=size, mode="bilinear")
    mean_guide, mean_colours = _mean(small), _mean(coarse)
    covariance = _mean(small * coarse) - mean_guide * mean_colours
    slope = covariance / (_mean(small * small) - mean_guide**2 + SOFTNESS)
    offset = mean_colours - slope * mean_guide
    slope, offset = (functional.interpolate(_mean(x), size=(height, width), mode="bilinear") for x in (slope, offset))
    fine: Floats = (slope * guide + offset)[0].permute(1, 2, 0).numpy()
    return fine


def honour(colours: Floats, lightness: Floats, places: NDArray[np.int64], wanted: Floats) -> Floats:
    """`colours` [H, W, 2] with exactly the ab values `wanted` [n, 2] at the different pixels `places` [n, 2] (x, y).

    What is near and equally light changes with them.
    """
    if not len(places):
        return colours
    x, y = places.T
    height, width = lightness.shape
    reach = max(1.0, REACH * float(np.hypot(height, width)))
    rows, columns = np.arange(height), np.arange(width)

    def influence(place: tuple[int, int]) -> Floats:
        column, row = place
        near = np.exp(-(((rows - row) / reach) ** 2) / 2)[:, None] * np.exp(-(((columns - column) / reach) ** 2) / 2)
        alike = np.exp(-(((lightness - lightness[row, column]) / LIKENESS) ** 2) / 2)
        both: Floats = (near * alike).astype(np.float32)
        return both

    # A weighted mean, so that clicks that contradict each other meet half-way instead of swinging wildly in between.
    total = np.full((height, width), 1e-12, np.float32)
    change = np.zeros_like(colours)
    for (column, row), missing in zip(places, wanted - colours[y, x], strict=True):
        field = influence((int(column), int(row)))
        total += field**NEAREST
        change += (field ** (NEAREST + 1))[..., None] * missing
    changed = colours + change / total[..., None]
    changed[y, x] = wanted
    return changed


def _mean(x: Tensor) -> Tensor:
    """The mean of the window around each place."""
    across = functional.avg_pool2d(x, (1, 2 * RADIUS + 1), 1, (0, RADIUS), count_include_pad=False)
    return functional.avg_pool2d(across, (2 * RADIUS + 1, 1), 1, (RADIUS, 0), count_include_pad=False)
