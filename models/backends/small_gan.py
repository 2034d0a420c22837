"""A small generative adversarial network (Goodfellow et al. 2014) of convolutions (DCGAN, Radford et al. 2016).

Only the generator draws. The discriminator that taught it (spectral norm, Miyato et al. 2018; deviation over the batch
as a feature, Karras et al. 2018) is here for the training alone.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from models.backends.small_diffusion import grey
from models.devices import Device, configure_torch
from models.small_pictures import LABELS, SmallPictureRequest, SmallPictures

LATENT = 64


class Generator(nn.Module):
    """Pictures [B, 1, 28, 28], -1 to 1, from z [B, LATENT]."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Linear(LATENT, 64 * 7 * 7), nn.Unflatten(1, (64, 7, 7)), nn.BatchNorm2d(64), nn.ReLU()),
            *(nn.ConvTranspose2d(64, 48, 4, 2, 1), nn.BatchNorm2d(48), nn.ReLU()),
            *(nn.ConvTranspose2d(48, 24, 4, 2, 1), nn.BatchNorm2d(24), nn.ReLU()),
            *(nn.Conv2d(24, 1, 3, padding=1), nn.Tanh()),
        )

    def forward(self, z: Tensor) -> Tensor:
        return cast(Tensor, self.layers(z))


class Discriminator(nn.Module):
    """How real pictures [B, 1, 28, 28] look, [B]: above 0 more real than not."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(spectral_norm(nn.Conv2d(1, 32, 4, 2, 1)), nn.LeakyReLU(0.2)),
            *(spectral_norm(nn.Conv2d(32, 64, 4, 2, 1)), nn.LeakyReLU(0.2)),
            *(spectral_norm(nn.Conv2d(64, 96, 3, padding=1)), nn.LeakyReLU(0.2)),
        )
        self.decide = spectral_norm(nn.Linear(97 * 7 * 7, 1))

    def forward(self, pictures: Tensor) -> Tensor:
        seen = self.layers(pictures)
        # A generator that draws one thing over and over has no deviation over its batch.
        variety = seen.std(0, unbiased=False).mean().expand(len(seen), 1, 7, 7)
        return cast(Tensor, self.decide(torch.cat([seen, variety], 1).flatten(1))[:, 0])


class SmallGAN:
    """The backend: one generator for each set of pictures."""

    def __init__(self, generators: dict[str, Generator], device: torch.device) -> None:
        self.generators = generators
        self.device = device

    @torch.no_grad()
    def sample(self, request: SmallPictureRequest) -> Iterator[SmallPictures]:
        """Yields the pictures at normal z."""
        z = torch.randn(request.count, LATENT, generator=torch.Generator().manual_seed(request.seed))
        yield SmallPictures(grey(self.generators[request.data](z.to(self.device))))


def load(files: Path, device: Device) -> SmallGAN:
    configure_torch()
    target = torch.device(device.kind)
    generators = {}
    for data in LABELS:
        generator = Generator()
        weights = load_file(files / f"{data}.safetensors")
        generator.load_state_dict({n: t.float() if t.is_floating_point() else t for n, t in weights.items()})
        generators[data] = generator.eval().to(target)
    return SmallGAN(generators, target)
