"""The image tower of CLIP ViT-B/16 (Radford et al. 2021, arXiv:2103.00020), in 8 bits, with onnxruntime.

The detector of generated pictures judges by its embedding; the colorizer sees through its last hidden states.
"""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

Floats = NDArray[np.float32]

FILE = "clip_encoder.int8.onnx"
SIDE = 224
# Mean and standard deviation of red, green and blue in CLIP's training pictures.
MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
DEVIATION = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)


class ClipImageTower:
    """The network in `file`. Any number of threads may use it at once."""

    def __init__(self, file: Path, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting threads leave the cores free
        # Processors without VNNI add 8-bit products in 16 bits, where they overflow, unless they are asked to be exact.
        options.add_session_config_entry("session.x64quantprecision", "1")
        self._session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def embedding(self, pixels: Floats) -> Floats:
        """The embedding (512,) of a picture (224, 224, 3), red, green and blue in [0, 1]."""
        return self._output("image_embeds", pixels)

    def tokens(self, pixels: Floats) -> Floats:
        """The last hidden states (197, 768) of such a picture: one for the whole, then 14 x 14 patches."""
        return self._output("onnx::Gather_1524", pixels)

    def _output(self, name: str, pixels: Floats) -> Floats:
        # One at a time: the scales of a dynamically quantised network depend on everything that is in the batch.
        (output,) = self._session.run([name], {"pixel_values": standardised(pixels)})
        return np.asarray(output[0], np.float32)


def standardised(pixels: Floats) -> Floats:
    """(1, 3, 224, 224): red, green and blue with CLIP's mean and deviation, for pixels (224, 224, 3) in [0, 1]."""
    return np.ascontiguousarray(((pixels - MEAN) / DEVIATION).transpose(2, 0, 1)[None])
