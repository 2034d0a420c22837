"""A small variational autoencoder (Kingma and Welling 2014): a network between the latent z and the mean of the pixels.

Encoder and decoder are trained together; only the decoder draws. The spread of the pixels around their mean is one
number for all (Rybkin et al. 2021), which the training finds.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from models.backends.small_diffusion import grey
from models.devices import Device, configure_torch
from models.small_pictures import LABELS, SmallPictureRequest, SmallPictures

LATENT = 16


class Encoder(nn.Module):
    """Mean and logarithm of the variance of z, [B, LATENT] each, from pictures [B, 1, 28, 28], -1 to 1."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Conv2d(1, 32, 4, 2, 1), nn.SiLU(), nn.Conv2d(32, 64, 4, 2, 1), nn.SiLU(), nn.Flatten()),
            *(nn.Linear(64 * 7 * 7, 128), nn.SiLU(), nn.Linear(128, 2 * LATENT)),
        )

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.layers(pictures).chunk(2, -1)
        return mean, log_variance


class Decoder(nn.Module):
    """The mean of the pixels [B, 1, 28, 28], -1 to 1, from z [B, LATENT]; `log_deviation` is their spread."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Linear(LATENT, 128), nn.SiLU(), nn.Linear(128, 32 * 7 * 7), nn.SiLU(), nn.Unflatten(1, (32, 7, 7))),
            *(nn.ConvTranspose2d(32, 32, 4, 2, 1), nn.SiLU(), nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.SiLU()),
            *(nn.Conv2d(16, 1, 3, padding=1), nn.Tanh()),
        )
        self.log_deviation = nn.Parameter(torch.zeros(()))

    def forward(self, z: Tensor) -> Tensor:
        return cast(Tensor, self.layers(z))


class SmallVAE:
    """The backend: one decoder for each set of pictures."""

    def __init__(self, decoders: dict[str, Decoder], device: torch.device) -> None:
        self.decoders = decoders
        self.device = device

    @torch.no_grad()
    def sample(self, request: SmallPictureRequest) -> Iterator[SmallPictures]:
        """Yields the mean pictures at normal z; the spread of the pixels around it is left out, as is usual."""
        z = torch.randn(request.count, LATENT, generator=torch.Generator().manual_seed(request.seed))
        yield SmallPictures(grey(self.decoders[request.data](z.to(self.device))))


def load(files: Path, device: Device) -> SmallVAE:
    configure_torch()
    target = torch.device(device.kind)
    decoders = {}
    for data in LABELS:
        decoder = Decoder()
        weights = load_file(files / f"{data}.safetensors")
        decoder.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
        decoders[data] = decoder.eval().to(target)
    return SmallVAE(decoders, target)
