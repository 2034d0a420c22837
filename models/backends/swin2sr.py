"""Swin2SR: a transformer that enlarges four times, with attention inside small windows (Conde et al. 2022).

arXiv:2209.11345. Trained for a small mean error, so its answer is the average of what may have been there: the highest
PSNR, and no invented texture.
"""

from collections.abc import Generator, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from transformers import Swin2SRForImageSuperResolution

from models.backends.realesrgan import as_pixels
from models.backends.safe_loading import SAFE
from models.backends.tiling import split
from models.devices import Device, configure_torch
from models.errors import BadInputError
from models.tasks import Progress, Upscaled, UpscaleRequest

LARGEST_TILE = 256
"""Pixels: with what it sees around it, such a tile takes 1.2 GB in float32."""
OVERLAP = 32
"""Pixels that a tile sees of its neighbours, as in the authors' own tests."""


def load(files: Path, device: Device) -> "Swin2SR":
    """A folder of transformers with a `Swin2SRForImageSuperResolution` that enlarges."""
    configure_torch()
    # Its many small products gain nothing from bfloat16 on a processor, and lose much on one that only imitates it.
    precision = torch.float32 if device.kind == "cpu" else getattr(torch, device.precision)
    net: Any = Swin2SRForImageSuperResolution.from_pretrained(files, dtype=precision, **SAFE)
    return Swin2SR(net.eval().to(device.kind))


class Swin2SR:
    """An `Upscaler`. Nothing in it changes after loading.

    Tiles begin and end where windows do, so every pixel is looked at through the same window as in the whole picture.
    """

    def __init__(self, net: Any) -> None:
        self.net = net
        self.scale: int = net.config.upscale
        self._window: int = net.config.window_size

    @torch.inference_mode()
    def upscale(self, request: UpscaleRequest) -> Generator[Progress | Upscaled, None, None]:
        """Yields `Progress` after each stage of the network in each tile, and `Upscaled` last.

        Raises `BadInputError` if the picture has no pixels.
        """
        pixels = np.array(request.image.convert("RGB"))
        height, width, _ = pixels.shape
        if not pixels.size:
            raise BadInputError("This picture has no pixels; choose another one.")
        window, scale = self._window, self.scale
        whole = np.pad(pixels, ((0, -height % window), (0, -width % window), (0, 0)), "symmetric")
        enlarged = np.empty((whole.shape[0] * scale, whole.shape[1] * scale, 3), np.uint8)
        # Counted in windows.
        tile, overlap = max(1, min(request.tile, LARGEST_TILE) // window), OVERLAP // window
        rows, columns = (split(length // window, tile, overlap) for length in whole.shape[:2])
        stages = len(self.net.swin2sr.encoder.stages)
        for number, (row, column) in enumerate(product(rows, columns), 1):
            what = f"tile {number} of {len(rows) * len(columns)}, stage"
            seen = whole[_pixels(row.seen, window), _pixels(column.seen, window)]
            x = self._as_input(seen)
            for done, features in enumerate(self._steps(x), 1):
                yield Progress(what, done, stages)
                x = features
            own = x[0, :, row.own_of_seen(window * scale), column.own_of_seen(window * scale)]
            enlarged[row.own(window * scale), column.own(window * scale)] = as_pixels(own)
        yield Upscaled(Image.fromarray(enlarged[: height * scale, : width * scale]))

    def _steps(self, x: Tensor) -> Iterator[Tensor]:
        """What `forward` of the network does, stage by stage, so that the caller can stop; the picture comes last."""
        body = self.net.swin2sr
        shallow = body.first_convolution(body.pad_and_normalize(x))
        features, size = body.embeddings(shallow)
        *stages, last = body.encoder.stages
        for stage in stages:
            features = stage(features, size)[0]
            yield features
        features = body.patch_unembed(body.layernorm(last(features, size)[0]), size)
        yield self.net.upsample(body.conv_after_body(features) + shallow) / body.img_range + body.mean

    def _as_input(self, pixels: NDArray[np.uint8]) -> Tensor:
        """(height, width, 3) -> (1, 3, height, width) in [0, 1]."""
        x = torch.from_numpy(pixels).to(self.net.device, torch.float32) / 255
        return x.permute(2, 0, 1)[None].to(self.net.dtype)


def _pixels(windows: slice, window: int) -> slice:
    return slice(windows.start * window, windows.stop * window)
