"""Bicubic interpolation as a model like the others: the yardstick of super-resolution (Keys 1981).

Each new pixel is a weighted mean of the 16 pixels around it. Nothing is learnt, so nothing is added.
"""

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from models.devices import Device
from models.errors import BadInputError
from models.tasks import Upscaled, UpscaleRequest


def load(files: Path, device: Device) -> "Bicubic":
    """There is nothing to load: Pillow does the work, on the CPU."""
    return Bicubic()


class Bicubic:
    """An `Upscaler` for any number of threads at once."""

    scale: int = 4

    def upscale(self, request: UpscaleRequest) -> Iterator[Upscaled]:
        """Yields `Upscaled` at once. Raises `BadInputError` if the picture has no pixels."""
        image = request.image.convert("RGB")
        if not image.width or not image.height:
            raise BadInputError("This picture has no pixels; choose another one.")
        size = (image.width * self.scale, image.height * self.scale)
        yield Upscaled(image.resize(size, Image.Resampling.BICUBIC))
