"""CycleGAN's generator: a photograph becomes a picture of another kind (Zhu et al. 2017, arXiv:1703.10593).

A ResNet of nine blocks between two halvings and two doublings, with instance normalisation (Johnson et al. 2016,
arXiv:1603.08155). It has no random input, so a picture has one answer.
"""

from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from models.devices import Device, configure_torch
from models.styling import ImageTranslationRequest, TranslatedImage
from models.tasks import Progress


def load_vintage(files: Path, device: Device) -> "CycleGAN":
    """Photograph to vintage, in `files / "G_A2B_epoch33.pth"`."""
    configure_torch()
    weights = torch.load(files / "G_A2B_epoch33.pth", map_location="cpu", weights_only=True)
    generator = ResNetGenerator(blocks=9)
    generator.load_state_dict(weights)
    return CycleGAN(generator, device)


class CycleGAN:
    """An `ImageTranslator`. Any number of threads may use it at once: after loading, nothing in it changes.

    The whole picture passes through at once: instance normalisation takes its means over all of it, so that tiles would
    differ in colour. Memory grows with the picture, by about 0.9 kB a pixel in float32 and half of that in bfloat16.
    """

    def __init__(self, generator: "ResNetGenerator", device: Device) -> None:
        self._device = torch.device(device.kind)
        self._dtype: torch.dtype = getattr(torch, device.precision)
        self.generator = generator.eval().to(self._device, self._dtype)

    @torch.inference_mode()
    def translate(self, request: ImageTranslationRequest) -> Generator[Progress | TranslatedImage, None, None]:
        """Yields `Progress` after each layer and `TranslatedImage` last."""
        pixels = np.asarray(request.image.convert("RGB"))
        height, width, _ = pixels.shape
        # Both sides are halved twice: a mirrored border makes them divisible, and is cut off again.
        x = self._as_input(np.pad(pixels, ((0, -height % 4), (0, -width % 4), (0, 0)), mode="reflect"))
        for done, features in enumerate(self.generator.steps(x), 1):
            yield Progress("layer", done, self.generator.depth)
            x = features
        yield TranslatedImage(Image.fromarray(_as_pixels(x[0, :, :height, :width])))

    def _as_input(self, pixels: NDArray[np.uint8]) -> Tensor:
        """(height, width, 3) -> (1, 3, height, width) in [-1, 1]."""
        x = torch.from_numpy(pixels).to(self._device, torch.float32) / 127.5 - 1
        return x.permute(2, 0, 1)[None].to(self._dtype).contiguous()


def _as_pixels(x: Tensor) -> NDArray[np.uint8]:
    """(3, height, width) in [-1, 1] -> (height, width, 3)."""
    levels = ((x.float() + 1) * 127.5).round_().clamp_(0, 255).to(torch.uint8)
    return levels.permute(1, 2, 0).cpu().numpy()


class ResNetGenerator(nn.Module):
    """(1, 3, height, width) in [-1, 1] -> the same; both sides divisible by 4 (Zhu et al. 2017, appendix 7.2)."""

    def __init__(self, blocks: int, features: int = 64) -> None:
        super().__init__()
        wide, wider = 2 * features, 4 * features
        # The places in this list are the names of the published weights.
        self.model = nn.Sequential(
            nn.ReflectionPad2d(3),
            nn.Conv2d(3, features, 7),
            *_normalised(features),
            nn.Conv2d(features, wide, 3, stride=2, padding=1),
            *_normalised(wide),
            nn.Conv2d(wide, wider, 3, stride=2, padding=1),
            *_normalised(wider),
            *(ResidualBlock(wider) for _ in range(blocks)),
            nn.ConvTranspose2d(wider, wide, 3, stride=2, padding=1, output_padding=1),
            *_normalised(wide),
            nn.ConvTranspose2d(wide, features, 3, stride=2, padding=1, output_padding=1),
            *_normalised(features),
            nn.ReflectionPad2d(3),
            nn.Conv2d(features, 3, 7),
            nn.Tanh(),
        )

    @property
    def depth(self) -> int:
        """How often `steps` yields."""
        return len(self.model)

    def steps(self, x: Tensor) -> Iterator[Tensor]:
        """Yields after each layer, so that the caller can stop; the last value is the picture."""
        for layer in self.model:
            x = layer(x)
            yield x


class ResidualBlock(nn.Module):
    """Two convolutions whose result is added to what came in."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(features, features, 3),
            *_normalised(features),
            nn.ReflectionPad2d(1),
            nn.Conv2d(features, features, 3),
            nn.InstanceNorm2d(features, affine=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.block(x)
        return change.add_(x)


def _normalised(features: int) -> tuple[nn.Module, nn.Module]:
    return nn.InstanceNorm2d(features, affine=True), nn.ReLU(inplace=True)
