"""Probabilistic principal component analysis (Tipping and Bishop 1999): x = mean + W z + noise, z normal.

Pictures are points in [0, 1]^784; W [784, q] spans the plane on which they lie, as far as they lie on one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from models.devices import Device
from models.small_pictures import LABELS, SIDE, SmallPictureRequest, SmallPictures


@dataclass(frozen=True)
class Plane:
    """`mean` [784], `directions` [784, q] (the W of the paper)."""

    mean: NDArray[np.float64]
    directions: NDArray[np.float64]


class SmallPCA:
    """The backend: one plane for each set of pictures."""

    def __init__(self, planes: dict[str, Plane]) -> None:
        self.planes = planes

    def sample(self, request: SmallPictureRequest) -> Iterator[SmallPictures]:
        """Yields the points of the plane at normal z; the noise around the plane is left out."""
        plane = self.planes[request.data]
        z = np.random.default_rng(request.seed).standard_normal((request.count, plane.directions.shape[1]))
        pixels = plane.mean + z @ plane.directions.T
        yield SmallPictures((pixels * 255).round().clip(0, 255).astype(np.uint8).reshape(-1, SIDE, SIDE))


def load(files: Path, device: Device) -> SmallPCA:
    stored = {data: load_file(files / f"{data}.safetensors") for data in LABELS}
    return SmallPCA(
        {
            data: Plane(arrays["mean"].astype(np.float64), arrays["directions"].astype(np.float64))
            for data, arrays in stored.items()
        }
    )
