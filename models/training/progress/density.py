"""The two models that need no network: a Gaussian mixture, fitted by EM, and probabilistic PCA, in closed form.

Grey values become points in [0, 1]^784: each value v of 0 to 255 is spread evenly over [v, v + 1) / 256. The density of
such a model then bounds the probability of the grey values themselves (Theis et al. 2016), in bits per pixel.
"""

import time
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from models.backends.small_mixture import Floats, Mixture
from models.backends.small_pca import Plane
from models.training.small_pictures import PictureSet

COMPONENTS = 60
EM_STEPS = 40
SMALLEST_DEVIATION = 0.03
"""Of a pixel, or the pixels that are black in all of a component's pictures would decide alone."""
DIRECTIONS = 50
MOST_BITS = 8.0
"""Of a pixel with 256 grey values, all alike."""


def spread(pictures: NDArray[np.uint8]) -> Floats:
    """Points [N, 784] in [0, 1) for grey values [N, 28, 28], with the same noise every time."""
    values = pictures.reshape(len(pictures), -1)
    return (values + np.random.default_rng(0).random(values.shape, np.float32)).astype(np.float64) / 256


def bits_per_pixel(log_densities: Floats) -> float:
    """The mean of log densities [N] (nats, over [0, 1]^784) as bits for each grey value."""
    return float(MOST_BITS - log_densities.mean() / np.log(2) / 784)


def log_sum(log_joint: Floats) -> Floats:
    """The logarithm of the sum of exp over the last axis."""
    highest = log_joint.max(-1, keepdims=True)
    return np.asarray(highest[..., 0] + np.log(np.exp(log_joint - highest).sum(-1)))


def fit_mixture(pictures: NDArray[np.uint8], components: int = COMPONENTS, steps: int = EM_STEPS) -> Mixture:
    """EM from randomly chosen pictures as means and the spread of all pictures."""
    points = spread(pictures)
    random = np.random.default_rng(0)
    means = points[random.choice(len(points), components, replace=False)]
    deviations = np.tile(points.std(0).clip(min=0.1), (components, 1))
    mixture = Mixture(np.full(components, 1 / components), means, deviations)
    for step in range(steps):
        totals = np.zeros(components)
        sums, squares = np.zeros_like(means), np.zeros_like(means)
        likelihood = 0.0
        for part in np.array_split(points, max(1, len(points) // 5000)):
            joint = mixture.log_joint(part)
            evidence = log_sum(joint)
            shares = np.exp(joint - evidence[:, None])
            likelihood += evidence.sum()
            totals += shares.sum(0)
            sums += shares.T @ part
            squares += shares.T @ part**2
        totals += 1e-6  # a component that no picture belongs to any more
        means = sums / totals[:, None]
        deviations = np.sqrt((squares / totals[:, None] - means**2).clip(min=SMALLEST_DEVIATION**2))
        mixture = Mixture(totals / totals.sum(), means, deviations)
        if step % 10 == 9:
            print(
                f"mixture {step + 1} of {steps}: {bits_per_pixel(np.array(likelihood / len(points))):.3f} bits",
                flush=True,
            )
    return mixture


def mixture_bits(mixture: Mixture, pictures: NDArray[np.uint8]) -> float:
    """Held-out bits per pixel."""
    return bits_per_pixel(log_sum(mixture.log_joint(spread(pictures))))


def fit_plane(pictures: NDArray[np.uint8], directions: int = DIRECTIONS) -> tuple[Plane, float]:
    """The plane of largest likelihood and the variance around it, from the eigenvectors of the covariance."""
    points = spread(pictures)
    mean = points.mean(0)
    values, vectors = np.linalg.eigh(np.cov(points.T))
    variance = float(values[:-directions].mean())
    kept = values[::-1][:directions] - variance
    return Plane(mean, vectors[:, ::-1][:, :directions] * np.sqrt(kept)), variance


def plane_bits(plane: Plane, variance: float, pictures: NDArray[np.uint8]) -> float:
    """Held-out bits per pixel under the normal distribution with covariance W W^T + variance I."""
    points = spread(pictures) - plane.mean
    covariance = plane.directions @ plane.directions.T + variance * np.eye(len(plane.mean))
    whitened = np.linalg.solve(np.linalg.cholesky(covariance), points.T)
    constant = np.linalg.slogdet(covariance)[1] + len(plane.mean) * np.log(2 * np.pi)
    return bits_per_pixel(-0.5 * ((whitened**2).sum(0) + constant))


def train(run_folder: Path, sets: dict[str, PictureSet]) -> None:
    """Fits both models to both sets, unless the folder holds them already."""
    for data, part in sets.items():
        if not (run_folder / f"mixture-{data}.npz").exists():
            started = time.monotonic()
            mixture = fit_mixture(part.train)
            np.savez(run_folder / f"mixture-{data}.npz", **vars(mixture), seconds=time.monotonic() - started)
        if not (run_folder / f"pca-{data}.npz").exists():
            started = time.monotonic()
            plane, variance = fit_plane(part.train)
            seconds = time.monotonic() - started
            np.savez(run_folder / f"pca-{data}.npz", **vars(plane), variance=variance, seconds=seconds)


def release(run_folder: Path, kind: Literal["mixture", "pca"], data: str, path: Path) -> None:
    """Writes a fitted model in float16."""
    fitted = np.load(run_folder / f"{kind}-{data}.npz")
    arrays = {name: fitted[name] for name in ("weights", "means", "deviations", "mean", "directions") if name in fitted}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: np.ascontiguousarray(array, np.float16) for name, array in arrays.items()}, path)


def bits(run_folder: Path, kind: Literal["mixture", "pca"], data: str, pictures: NDArray[np.uint8]) -> float:
    """Bits per pixel of held-out pictures under a fitted model."""
    fitted = np.load(run_folder / f"{kind}-{data}.npz")
    if kind == "mixture":
        return mixture_bits(Mixture(fitted["weights"], fitted["means"], fitted["deviations"]), pictures)
    return plane_bits(Plane(fitted["mean"], fitted["directions"]), float(fitted["variance"]), pictures)
