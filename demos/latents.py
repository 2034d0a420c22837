"""Walking and reckoning in latent space.

Nearly all points of N(0, 1) in many dimensions lie at one distance from the origin, the root of the number of
dimensions: what leaves that shell, no generator has seen.
"""

import numpy as np
from numpy.typing import NDArray

from models.generation import Latents, Pixels

Latent = NDArray[np.float32]
"""(latent size,)"""


def slerp(start: Latent, end: Latent, part: float) -> Latent:
    """The point at `part` (0 to 1) of the way along the great circle (Shoemake 1985; for latents White 2016,
    arXiv:1609.04468). A straight line would cut through the middle of the sphere, where nothing was ever drawn."""
    cosine = np.dot(start, end) / max(float(np.linalg.norm(start) * np.linalg.norm(end)), 1e-12)
    angle = float(np.arccos(np.clip(cosine, -1, 1)))
    if np.sin(angle) < 1e-4:  # the same direction, or exactly opposite ones, which no single circle joins
        return (1 - part) * start + part * end
    of_start, of_end = np.sin((1 - part) * angle) / np.sin(angle), np.sin(part * angle) / np.sin(angle)
    return np.asarray(of_start * start + of_end * end, np.float32)


def walk(start: Latent, end: Latent, frames: int) -> Latents:
    """(frames, latent size): from `start` to `end`, both included, in equal steps."""
    return np.stack([slerp(start, end, part) for part in np.linspace(0, 1, frames)]).astype(np.float32)


def combine(plus: Latents, minus: Latents, also: Latents) -> Latents:
    """Latent arithmetic: (4, latent size), the means of `plus`, `minus` and `also`, then mean(plus) - mean(minus) +
    mean(also) (Radford et al. 2016, who found that means of three are far more stable than single samples).

    Means are shorter and sums longer than what the generator was trained on, so each is brought to the usual length.
    """
    means = [latents.mean(0) for latents in (plus, minus, also)]
    reckoned = np.stack([*means, means[0] - means[1] + means[2]])
    length = np.mean([np.linalg.norm(latent) for latents in (plus, minus, also) for latent in latents])
    lengths = np.linalg.norm(reckoned, axis=1, keepdims=True).clip(1e-12)
    return np.asarray(reckoned * (length / lengths), np.float32)


def diversity(pictures: Pixels) -> float:
    """How far apart two of `pictures` are on average: root mean square over pixels, as a part of the full range."""
    flat = pictures.reshape(len(pictures), -1) / np.float32(255)
    pairs = [np.sqrt(np.mean((flat[i] - flat[j]) ** 2)) for i in range(len(flat)) for j in range(i)]
    return float(np.mean(pairs)) if pairs else 0.0
