"""How good samples are: the Fréchet distance to held-out pictures in the features of a small classifier.

It is the idea of the FID (Heusel et al. 2017) with a classifier of our own in place of Inception, so its numbers
compare with each other alone. Features are scaled to unit deviation over real pictures.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from models.training.small_pictures import PictureSet, batch

FEATURES = 64
STEPS = 1200
BATCH = 128


@dataclass(frozen=True)
class Judge:
    """A classifier's features, their scale, and their distribution over held-out pictures."""

    network: nn.Sequential
    accuracy: float
    """On held-out pictures."""
    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    deviations: NDArray[np.float64]

    def distance(self, pictures: NDArray[np.uint8]) -> float:
        """The squared Fréchet distance between `pictures` [N, 28, 28] and the held-out ones; 0 is best."""
        features = features_of(self.network, pictures) / self.deviations
        return frechet(features.mean(0), np.cov(features.T), self.mean, self.covariance)


def make_judge(pictures: PictureSet) -> Judge:
    """Trains the classifier on the training pictures."""
    torch.manual_seed(0)
    body = nn.Sequential(
        *(nn.Conv2d(1, 16, 4, 2, 1), nn.SiLU(), nn.Conv2d(16, 32, 4, 2, 1), nn.SiLU(), nn.Flatten()),
        *(nn.Linear(32 * 7 * 7, FEATURES), nn.SiLU()),
    )
    classify = nn.Linear(FEATURES, 10)
    optimizer = torch.optim.AdamW([*body.parameters(), *classify.parameters()], 2e-3)
    train, labels = torch.tensor(pictures.train), torch.tensor(pictures.train_labels)
    for step in range(STEPS):
        seen, chosen = batch(train, BATCH, torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        F.cross_entropy(classify(body(seen)), labels[chosen]).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    features = features_of(body, pictures.held_out)
    with torch.no_grad():
        guesses = classify(torch.from_numpy(features).float()).argmax(1).numpy()
    accuracy = float((guesses == pictures.held_out_labels).mean())
    # A feature that hardly ever fires would, divided by its own deviation, outweigh all others the one time it does.
    deviations = features.std(0)
    deviations = deviations.clip(min=deviations.mean() / 4)
    scaled = features / deviations
    return Judge(body, accuracy, scaled.mean(0), np.cov(scaled.T), deviations)


@torch.no_grad()
def features_of(network: nn.Sequential, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """[N, FEATURES] of grey values [N, 28, 28]."""
    parts = torch.split(torch.tensor(pictures), 1000)
    seen: Tensor = torch.cat([network(part[:, None].float() / 127.5 - 1) for part in parts])
    return seen.double().numpy()


def frechet(
    mean: NDArray[np.float64],
    covariance: NDArray[np.float64],
    other_mean: NDArray[np.float64],
    other_covariance: NDArray[np.float64],
) -> float:
    """The squared Fréchet distance between two normal distributions (Dowson and Landau 1982)."""
    # tr sqrt(A B) from the symmetric sqrt(A) B sqrt(A), which has the same eigenvalues.
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(values.clip(min=0)) @ vectors.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ other_covariance @ root).clip(min=0)).sum()
    apart = ((mean - other_mean) ** 2).sum() + np.trace(covariance) + np.trace(other_covariance) - 2 * cross
    return float(max(apart, 0.0))
