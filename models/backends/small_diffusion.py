"""A small class-conditional U-Net that removes noise, and the sampler that draws with it.

Denoising diffusion (Ho et al. 2020) with the cosine schedule (Nichol and Dhariwal 2021), the DDIM sampler (Song et al.
2021) and velocity prediction (Salimans and Ho 2022). z = alpha x + sigma noise with alpha^2 = sigmoid(snr) and
sigma^2 = sigmoid(-snr), where snr is the logarithm of the signal-to-noise ratio.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from models.devices import Device, configure_torch
from models.small_pictures import LABELS, SIDE, Denoised, GreyPictures, SmallPictureRequest, SmallPictures

HIGHEST_SNR = 10.0
"""The logarithm of the signal-to-noise ratio lies between minus this and this."""


@dataclass(frozen=True)
class UNetConfig:
    """Sizes of the network. The defaults are the released model's."""

    width: int = 48
    condition: int = 128
    features: int = 16
    """Channels over which the last convolutions work, at full resolution."""
    labels: int = 20


class ResidualBlock(nn.Module):
    """Two convolutions around a shortcut; the condition scales and shifts what lies between them."""

    def __init__(self, inputs: int, outputs: int, condition: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(8, inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.modulation = nn.Linear(condition, 2 * outputs)
        self.norm2 = nn.GroupNorm(8, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        nn.init.zeros_(self.conv2.weight)  # every block starts as its shortcut

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.modulation(condition)[:, :, None, None].chunk(2, 1)
        inner = self.conv1(F.silu(self.norm1(x)))
        inner = self.conv2(F.silu(self.norm2(inner) * (1 + scale) + shift))
        return cast(Tensor, self.shortcut(x) + inner)


class Attention(nn.Module):
    """Every place of the coarsest grid looks at every other."""

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(8, width)
        self.query_key_value = nn.Conv2d(width, 3 * width, 1)
        self.out = nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor) -> Tensor:
        batch, width, height, breadth = x.shape
        q, k, v = self.query_key_value(self.norm(x)).view(batch, 3, self.heads, -1, height * breadth).unbind(1)
        scores = (q.transpose(-1, -2) @ k / math.sqrt(width // self.heads)).softmax(-1).to(v.dtype)
        return cast(Tensor, x + self.out((v @ scores.transpose(-1, -2)).reshape(batch, width, height, breadth)))


class SmallUNet(nn.Module):
    """Predicts the velocity alpha noise - sigma x from a noisy picture, its signal-to-noise ratio and its class.

    It works on squares of 2 x 2 px (14 x 14 places), then on 7 x 7 places; only the last three convolutions see single
    pixels.
    """

    def __init__(self, config: UNetConfig | None = None) -> None:
        super().__init__()
        c = config or UNetConfig()
        fine, coarse = c.width, 2 * c.width
        self.noise_in = nn.Sequential(nn.Linear(64, c.condition), nn.SiLU(), nn.Linear(c.condition, c.condition))
        self.label_in = nn.Embedding(c.labels, c.condition)
        self.picture_in = nn.Conv2d(4, fine, 3, padding=1)
        self.down1 = ResidualBlock(fine, fine, c.condition)
        self.down2 = ResidualBlock(fine, fine, c.condition)
        self.shrink = nn.Conv2d(fine, coarse, 3, stride=2, padding=1)
        self.down3 = ResidualBlock(coarse, coarse, c.condition)
        self.attention1 = Attention(coarse)
        self.middle = ResidualBlock(coarse, coarse, c.condition)
        self.attention2 = Attention(coarse)
        self.up3 = ResidualBlock(2 * coarse, coarse, c.condition)
        self.enlarge = nn.Conv2d(coarse, 4 * fine, 1)
        self.up2 = ResidualBlock(2 * fine, fine, c.condition)
        self.up1 = ResidualBlock(2 * fine, fine, c.condition)
        self.norm_out = nn.GroupNorm(8, fine)
        self.to_pixels = nn.Conv2d(fine, 4 * c.features, 3, padding=1)
        self.refine = nn.Sequential(
            nn.Conv2d(c.features + 1, c.features, 3, padding=1), nn.SiLU(), nn.Conv2d(c.features, 1, 3, padding=1)
        )

    def forward(self, noisy: Tensor, snr: Tensor, labels: Tensor) -> Tensor:
        """The velocity [B, 1, 28, 28] for `noisy` [B, 1, 28, 28], `snr` [B] (logarithm) and `labels` [B]."""
        condition = F.silu(self.noise_in(_features(snr)) + self.label_in(labels))
        x = F.pixel_unshuffle(noisy, 2).contiguous(memory_format=torch.channels_last)
        first = self.down1(self.picture_in(x), condition)
        second = self.down2(first, condition)
        third = self.attention1(self.down3(self.shrink(second), condition))
        x = self.attention2(self.middle(third, condition))
        x = F.pixel_shuffle(self.enlarge(self.up3(torch.cat([x, third], 1), condition)), 2)
        x = self.up2(torch.cat([x, second], 1), condition)
        x = self.up1(torch.cat([x, first], 1), condition)
        x = F.pixel_shuffle(self.to_pixels(F.silu(self.norm_out(x))), 2)
        x = torch.cat([F.silu(x), noisy.to(x.dtype)], 1).contiguous(memory_format=torch.channels_last)
        return cast(Tensor, self.refine(x))


def _features(snr: Tensor) -> Tensor:
    frequencies = torch.exp(torch.linspace(-3, 2, 32, device=snr.device))
    angles = snr[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], -1)


def cosine_snr(times: Tensor) -> Tensor:
    """The logarithm of the signal-to-noise ratio at `times`, from `HIGHEST_SNR` at 0 to minus that at 1."""
    nearest = math.atan(math.exp(-HIGHEST_SNR / 2))
    return -2 * torch.log(torch.tan(nearest + times * (math.pi / 2 - 2 * nearest)))


def clean_and_noise(noisy: Tensor, velocity: Tensor, snr: Tensor) -> tuple[Tensor, Tensor]:
    """The clean pictures and the noise that `noisy` [B, 1, 28, 28] is made of, according to `velocity`."""
    alpha, sigma = snr.sigmoid().sqrt()[:, None, None, None], (-snr).sigmoid().sqrt()[:, None, None, None]
    return alpha * noisy - sigma * velocity, sigma * noisy + alpha * velocity


@torch.no_grad()
def denoise(network: nn.Module, noise: Tensor, labels: Tensor, steps: int) -> Iterator[tuple[float, Tensor, Tensor]]:
    """DDIM without fresh noise: yields the share of noise, the noisy and the foreseen pictures after each step.

    The first triple is the start (all noise, with what the network sees in it), the last holds the result.
    """
    grid = cosine_snr(torch.linspace(1, 0, steps + 1)).tolist()
    noisy = noise
    for step, (now, then) in enumerate(pairwise(grid)):
        snr = torch.full((len(noisy),), now, device=noisy.device)
        clean, _ = clean_and_noise(noisy, network(noisy, snr, labels).float(), snr)
        clean = clean.clamp(-1, 1)
        if step == 0:
            yield 1.0, noisy, clean
        alpha, sigma = math.sqrt(_sigmoid(now)), math.sqrt(_sigmoid(-now))
        # The noise that goes with the clamped pictures, or clamping would bend the path.
        kept_noise = (noisy - alpha * clean) / sigma
        last = step == steps - 1
        noisy = clean if last else math.sqrt(_sigmoid(then)) * clean + math.sqrt(_sigmoid(-then)) * kept_noise
        yield 0.0 if last else _sigmoid(-then), noisy, clean


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


class SmallDiffusion:
    """The backend: one network for both sets of pictures, asked for classes drawn evenly from the seed."""

    def __init__(self, network: SmallUNet, device: torch.device) -> None:
        self.network = network
        self.device = device

    def sample(self, request: SmallPictureRequest) -> Iterator[Denoised | SmallPictures]:
        """Yields `Denoised` before the first step and after each, then `SmallPictures`."""
        generator = torch.Generator().manual_seed(request.seed)
        first = 10 * list(LABELS).index(request.data)
        labels = first + torch.randint(10, (request.count,), generator=generator)
        noise = torch.randn(request.count, 1, SIDE, SIDE, generator=generator)
        path = denoise(self.network, noise.to(self.device), labels.to(self.device), request.steps)
        noisy = noise
        for done, (share, noisy, clean) in enumerate(path):
            yield Denoised(done, request.steps, share, grey(noisy), grey(clean))
        yield SmallPictures(grey(noisy))


def grey(pictures: Tensor) -> GreyPictures:
    """Pictures [B, 1, 28, 28], -1 to 1, as grey values."""
    values = ((pictures[:, 0].float().cpu() + 1) * 127.5).round().clamp(0, 255)
    return values.numpy().astype(np.uint8)


def load(files: Path, device: Device) -> SmallDiffusion:
    configure_torch()
    network = SmallUNet()
    network.load_state_dict({name: tensor.float() for name, tensor in load_file(files / "unet.safetensors").items()})
    target = torch.device(device.kind)
    return SmallDiffusion(network.eval().to(target), target)
