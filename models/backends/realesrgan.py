"""Real-ESRGAN: photographs, drawings and film frames at four times the size (Wang et al. 2021, arXiv:2107.10833).

Two networks, in plain PyTorch: RRDBNet (ESRGAN, Wang et al. 2018, arXiv:1809.00219) and the far smaller
SRVGGNetCompact. Both learnt to undo blur, noise and JPEG artefacts, so they clean a picture as they enlarge it.
"""

from collections.abc import Generator, Iterator
from itertools import product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import convert_conv2d_weight_memory_format

from models.backends.ncnn_weights import load_ncnn_weights
from models.backends.tiling import split
from models.devices import Device, configure_torch
from models.errors import BadInputError
from models.tasks import Progress, Upscaled, UpscaleRequest

SCALE = 4


def load_x4plus(files: Path, device: Device) -> "RealESRGAN":
    """For photographs: 23 blocks, 16.7 million parameters, in `files / "REALESRGAN_X4PLUS_UP4X.bin"`."""
    return RealESRGAN(RRDBNet(blocks=23), files / "REALESRGAN_X4PLUS_UP4X.bin", device)


def load_x4plus_anime(files: Path, device: Device) -> "RealESRGAN":
    """For drawings: 6 blocks, 4.5 million parameters, in `files / "REALESRGAN_X4PLUSANIME_UP4X.bin"`."""
    return RealESRGAN(RRDBNet(blocks=6), files / "REALESRGAN_X4PLUSANIME_UP4X.bin", device)


def load_animevideo(files: Path, device: Device) -> "RealESRGAN":
    """For drawn film, fast: 18 layers, 0.6 million parameters, in `files / "REALESRGAN_ANIMAVIDEOV3_UP4X.bin"`."""
    return RealESRGAN(SRVGGNetCompact(layers=18), files / "REALESRGAN_ANIMAVIDEOV3_UP4X.bin", device)


class RealESRGAN:
    """An `Upscaler`. Any number of threads may use it at once: after loading, nothing in it changes.

    A picture up to `UpscaleRequest.tile` pixels wide and high passes through the network whole; a larger one is cut
    into tiles that see so much of each other (the network's `context`) that no seam can be found.
    """

    scale: int = SCALE

    def __init__(self, net: "RRDBNet | SRVGGNetCompact", weights: Path, device: Device) -> None:
        configure_torch()
        load_ncnn_weights(net, weights)
        self._device = torch.device(device.kind)
        self._dtype: torch.dtype = getattr(torch, device.precision)
        self.net = net.eval().to(self._device, self._dtype)
        convert_conv2d_weight_memory_format(self.net, torch.channels_last)

    @torch.inference_mode()
    def upscale(self, request: UpscaleRequest) -> Generator[Progress | Upscaled, None, None]:
        """Yields `Progress` after each block of the network in each tile, and `Upscaled` last.

        Raises `BadInputError` if the picture has no pixels.
        """
        pixels = np.array(request.image.convert("RGB"))
        height, width, _ = pixels.shape
        if not pixels.size:
            raise BadInputError("This picture has no pixels; choose another one.")
        enlarged = np.empty((height * SCALE, width * SCALE, 3), np.uint8)
        rows = split(height, request.tile, self.net.context)
        columns = split(width, request.tile, self.net.context)
        for number, (row, column) in enumerate(product(rows, columns), 1):
            what = f"tile {number} of {len(rows) * len(columns)}, block"
            x = self._as_input(pixels[row.seen, column.seen])
            for done, features in enumerate(self.net.steps(x), 1):
                yield Progress(what, done, self.net.depth)
                x = features
            tile = x[0, :, row.own_of_seen(SCALE), column.own_of_seen(SCALE)]
            enlarged[row.own(SCALE), column.own(SCALE)] = as_pixels(tile)
        yield Upscaled(Image.fromarray(enlarged))

    def _as_input(self, pixels: NDArray[np.uint8]) -> Tensor:
        """(height, width, 3) -> (1, 3, height, width) in [0, 1]; the order in memory stays as it is: channels last."""
        x = torch.from_numpy(pixels).to(self._device, torch.float32) / 255
        return x.permute(2, 0, 1)[None].to(self._dtype)


def as_pixels(x: Tensor) -> NDArray[np.uint8]:
    """(3, height, width) in about [0, 1] -> (height, width, 3)."""
    levels = x.float().clamp_(0, 1).mul_(255).round_().to(torch.uint8)
    return levels.permute(1, 2, 0).cpu().numpy()


def conv3x3(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel_size=3, padding=1)


def leaky_relu(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2, inplace=True)


class ResidualDenseBlock(nn.Module):
    """Five convolutions, each of which sees the outputs of all before it."""

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(features, growth)
        self.conv2 = conv3x3(features + growth, growth)
        self.conv3 = conv3x3(features + 2 * growth, growth)
        self.conv4 = conv3x3(features + 3 * growth, growth)
        self.conv5 = conv3x3(features + 4 * growth, features)

    def forward(self, x: Tensor) -> Tensor:
        x1 = leaky_relu(self.conv1(x))
        x2 = leaky_relu(self.conv2(torch.cat((x, x1), 1)))
        x3 = leaky_relu(self.conv3(torch.cat((x, x1, x2), 1)))
        x4 = leaky_relu(self.conv4(torch.cat((x, x1, x2, x3), 1)))
        x5 = self.conv5(torch.cat((x, x1, x2, x3, x4), 1))
        return torch.add(x, x5, alpha=0.2)


class RRDB(nn.Module):
    """Residual in residual dense block."""

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        self.dense = nn.Sequential(*(ResidualDenseBlock(features, growth) for _ in range(3)))

    def forward(self, x: Tensor) -> Tensor:
        return torch.add(x, self.dense(x), alpha=0.2)


class RRDBNet(nn.Module):
    """(1, 3, height, width) in [0, 1] -> (1, 3, 4 height, 4 width), about [0, 1] (Wang et al. 2018)."""

    # How far a pixel's surroundings matter. In theory 350 pixels; measured on photographs, a tile that saw this many
    # differed from the whole picture by at most 0.6 of 255 levels (by 12 with 32 pixels, by 33 with 16).
    context = 64
    # The last layers work on 16 times as many pixels. In bands of about this many at the small size they take 100 MB in
    # bfloat16, whatever the tile. A row there depends on two rows of the small size on either side, no more.
    band = 128 * 128
    context_of_band = 2

    def __init__(self, blocks: int, features: int = 64, growth: int = 32) -> None:
        super().__init__()
        self.depth = blocks + 1
        self.conv_first = conv3x3(3, features)
        self.body = nn.Sequential(*(RRDB(features, growth) for _ in range(blocks)))
        self.conv_body = conv3x3(features, features)
        self.conv_up1 = conv3x3(features, features)
        self.conv_up2 = conv3x3(features, features)
        self.conv_hr = conv3x3(features, features)
        self.conv_last = conv3x3(features, 3)

    def steps(self, x: Tensor) -> Iterator[Tensor]:
        """Yields after each of `depth` steps, so that the caller can stop; the last value is the enlarged picture."""
        first = x = self.conv_first(x)
        for block in self.body:
            x = block(x)
            yield x
        x = first + self.conv_body(x)
        height, width = x.shape[2:]
        bands = split(height, max(self.band // width, 1), self.context_of_band)
        yield torch.cat([self.enlarge(x[:, :, band.seen])[:, :, band.own_of_seen(SCALE)] for band in bands], 2)

    def enlarge(self, x: Tensor) -> Tensor:
        """Features at the small size -> the picture at the large one."""
        x = leaky_relu(self.conv_up1(F.interpolate(x, scale_factor=2)))
        x = leaky_relu(self.conv_up2(F.interpolate(x, scale_factor=2)))
        x = leaky_relu(self.conv_hr(x))
        picture: Tensor = self.conv_last(x)
        return picture


class SRVGGNetCompact(nn.Module):
    """(1, 3, height, width) in [0, 1] -> (1, 3, 4 height, 4 width), about [0, 1] (Wang et al. 2021).

    Plain convolutions at the small size find what must be added to the enlarged pixels.
    """

    def __init__(self, layers: int, features: int = 64) -> None:
        super().__init__()
        self.depth = layers
        self.context = layers  # exactly: each layer looks one pixel further
        widths = [3] + [features] * (layers - 1)
        hidden = [nn.Sequential(conv3x3(inputs, features), nn.PReLU(features)) for inputs in widths[:-1]]
        self.body = nn.Sequential(*hidden, conv3x3(features, 3 * SCALE**2))

    def steps(self, x: Tensor) -> Iterator[Tensor]:
        """Yields after each of `depth` steps, so that the caller can stop; the last value is the enlarged picture."""
        enlarged = F.interpolate(x, scale_factor=SCALE)
        *hidden, last = self.body
        for layer in hidden:
            x = layer(x)
            yield x
        yield enlarged + F.pixel_shuffle(last(x), SCALE)
