"""The descent of PULSE (Menon et al. 2020, arXiv:2003.03808) through the latent space of a DCGAN.

Latents of N(0, I) in d dimensions lie close to the sphere of radius sqrt(d), so that is where the search stays: what it
finds is likely under the generator's prior. One latent of 100 numbers cannot meet the 768 of a small face exactly.
PULSE gives each layer of StyleGAN a latent of its own; here each of the 4 x 4 places of the first feature map gets one,
all equal at first, and a cross term, as in PULSE, keeps them together.
"""

from collections.abc import Generator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from models.backends.dcgan import DCGAN
from models.generation import Pixels
from models.latent_search import FACTOR, Answers, SearchRequest, data_fit_errors

LEARNING_RATE = 0.2
SHARED = 0.4
"""Share of the steps in which the places of a picture move as one latent."""
CROSS = 1.0
"""Weight of the squared distances of the places' latents from their mean, against squared grey levels."""
CANDIDATES_PER_ANSWER = 3
SHOW_EVERY = 10


def descend(gan: DCGAN, request: SearchRequest) -> Generator[Answers, None, None]:
    """Yields `Answers` every 10 steps and at the end. Closing the generator stops it at the next of these."""
    low = torch.from_numpy(np.array(request.small.convert("RGB"))).permute(2, 0, 1) / 127.5 - 1
    low = low.to(next(gan.generator.parameters()))
    latents = _starts(gan, request, low)
    latents.requires_grad_(True)
    adam = torch.optim.Adam([latents], lr=LEARNING_RATE)
    for step in range(1, request.steps + 1):
        pictures = _generate(gan, latents)
        distances = latents - latents.mean((1, 2), keepdim=True)
        cross = distances.square().sum(-1).mean((1, 2))
        # Each picture has its own latents, so the gradient of the sum is the gradient of each.
        loss = (_mean_square(pictures, low) + CROSS * cross).sum()
        (latents.grad,) = torch.autograd.grad(loss, latents)
        if step <= SHARED * request.steps:
            latents.grad = latents.grad.mean((1, 2), keepdim=True).expand_as(latents)
        adam.step()
        with torch.no_grad():
            latents.copy_(_on_sphere(latents))
        if step % SHOW_EVERY == 0 or step == request.steps:
            shown = _as_pixels(_generate(gan, latents.detach()))
            yield Answers(shown, data_fit_errors(shown, request.small), step, request.steps)


def _starts(gan: DCGAN, request: SearchRequest, low: Tensor) -> Tensor:
    """(answers, 4, 4, latent size) on the sphere: the random latents that come closest, the same at all places."""
    drawn = torch.from_numpy(gan.latents(request.answers * CANDIDATES_PER_ANSWER, request.seed)).to(low)
    candidates = _on_sphere(drawn)[:, None, None].repeat(1, 4, 4, 1)
    with torch.no_grad():
        closest = _mean_square(_generate(gan, candidates), low).argsort()[: request.answers]
    return candidates[closest]


def _generate(gan: DCGAN, latents: Tensor) -> Tensor:
    """(n, 4, 4, latent size) -> (n, 3, size, size) in [-1, 1]. For equal latents this is the generator itself."""
    first, *others = gan.generator.main
    x = torch.einsum("nijl,lcij->ncij", latents, first.weight)
    for layer in others:
        x = layer(x)
    return x


def _mean_square(pictures: Tensor, low: Tensor) -> Tensor:
    """(n,): mean squared distance of the shrunk pictures from `low`, in grey levels of 255 squared."""
    return ((F.avg_pool2d(pictures, FACTOR) - low) * 127.5).square().mean((1, 2, 3))


def _on_sphere(latents: Tensor) -> Tensor:
    radius: float = latents.shape[-1] ** 0.5
    return F.normalize(latents, dim=-1) * radius


def _as_pixels(pictures: Tensor) -> Pixels:
    levels = ((pictures + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    pixels: Pixels = levels.permute(0, 2, 3, 1).cpu().numpy()
    return pixels
