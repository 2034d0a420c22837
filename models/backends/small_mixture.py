"""A Gaussian mixture over pixels with diagonal covariances, the model that EM made practical (Dempster et al. 1977).

Pictures are points in [0, 1]^784. One of the components is drawn by its weight, then every pixel on its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from models.devices import Device
from models.small_pictures import LABELS, SIDE, SmallPictureRequest, SmallPictures

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Mixture:
    """`weights` [K] sum to 1; `means` and `deviations` (standard) [K, 784]."""

    weights: Floats
    means: Floats
    deviations: Floats

    def log_joint(self, pictures: Floats) -> Floats:
        """log p(picture, component) in nats, [N, K], of `pictures` [N, 784] in [0, 1]."""
        precisions = self.deviations**-2
        squares = pictures**2 @ precisions.T - 2 * pictures @ (self.means * precisions).T
        constant = (self.means**2 * precisions).sum(1) + 2 * np.log(self.deviations).sum(1)
        constant += self.means.shape[1] * np.log(2 * np.pi) - 2 * np.log(self.weights)
        return np.asarray(-0.5 * (squares + constant))


class SmallMixture:
    """The backend: one mixture for each set of pictures."""

    def __init__(self, mixtures: dict[str, Mixture]) -> None:
        self.mixtures = mixtures

    def sample(self, request: SmallPictureRequest) -> Iterator[SmallPictures]:
        """Yields the pictures, grain included: a component knows nothing finer than each pixel's mean and spread."""
        mixture = self.mixtures[request.data]
        random = np.random.default_rng(request.seed)
        chosen = random.choice(len(mixture.weights), request.count, p=mixture.weights)
        pixels = mixture.means[chosen] + mixture.deviations[chosen] * random.standard_normal((request.count, SIDE**2))
        yield SmallPictures((pixels * 255).round().clip(0, 255).astype(np.uint8).reshape(-1, SIDE, SIDE))


def load(files: Path, device: Device) -> SmallMixture:
    mixtures = {}
    for data in LABELS:
        stored = {name: array.astype(np.float64) for name, array in load_file(files / f"{data}.safetensors").items()}
        # Rounded to float16, the weights no longer sum to 1 exactly.
        mixtures[data] = Mixture(stored["weights"] / stored["weights"].sum(), stored["means"], stored["deviations"])
    return SmallMixture(mixtures)
