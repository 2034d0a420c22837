"""Terrain: a consistency model turns noise into a height map in one evaluation of its network (Song et al. 2023,
arXiv:2303.01469), conditioned on how difficult the ground should be for a robot.

The published network was distilled for the one step from pure noise alone. Noising its answer again and denoising that,
as the sampler of Song et al. does for two and more steps, leaves grain all over the map, so one step is all there is.
"""

from collections.abc import Generator
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.devices import Device
from models.generation import TERRAIN_DIFFICULTIES, Latents, SampleRequest, Samples, check_request, draw_latents
from models.relief import relief
from models.tasks import Progress

SIDE = 128
SIGMA_MAX = 80.0
"""Standard deviation of the noise that a picture is made from."""
HARDEST = 100
HEIGHT_RANGE, ASINH_SCALE = 22.16864013671875, 0.1
"""In metres: the network's -1 to 1 stands for asinh(height / 0.1 m) from 0 to 22.2 m."""
CELL = 0.1
"""Side of a pixel in metres: a map shows 12.8 m x 12.8 m."""
EXAGGERATION = 1.5
BATCH = 4


def load(files: Path, device: Device) -> "Terrain":
    """128 x 128 height maps, from `files / "terrain_consistency_unet_difficulty100.onnx"`."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = device.threads
    return Terrain(
        onnxruntime.InferenceSession(
            str(files / "terrain_consistency_unet_difficulty100.onnx"), options, providers=["CPUExecutionProvider"]
        )
    )


class Terrain:
    """An `ImageGenerator`; its pictures are reliefs. Any number of threads may use it at once."""

    latent_size: int = SIDE * SIDE
    image_size: int = SIDE
    labels: tuple[str, ...] = tuple(TERRAIN_DIFFICULTIES)

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session

    def latents(self, count: int, seed: int) -> Latents:
        """(count, 128 x 128), drawn from N(0, 1); the first ones of a seed are the same whatever the count."""
        return draw_latents(count, self.latent_size, seed)

    def sample(self, request: SampleRequest) -> Generator[Progress | Samples, None, None]:
        """Yields `Progress` after each batch of 4 and `Samples` with heights last.

        Raises `BadInputError` for latents of another size and for an unknown label.
        """
        check_request(request, self.latent_size, self.labels)
        difficulty = TERRAIN_DIFFICULTIES[str(request.label)]
        latents, maps = request.latents, []
        for start in range(0, len(latents), BATCH):
            maps.append(self.heights(latents[start : start + BATCH], difficulty))
            yield Progress("height map", min(start + BATCH, len(latents)), len(latents))
        heights = np.concatenate(maps)
        yield Samples(relief(heights, CELL, EXAGGERATION), heights)

    def heights(self, latents: Latents, difficulty: int) -> NDArray[np.float32]:
        """(n, 128 x 128) and a difficulty from 1 to 100 -> (n, 128, 128) in metres above the lowest point of each."""
        question = {
            "noisy": latents.reshape(-1, 1, SIDE, SIDE) * np.float32(SIGMA_MAX),
            "sigma": np.full(len(latents), SIGMA_MAX, np.float32),
            "difficulty": np.full(len(latents), (difficulty - 1) / (HARDEST - 1), np.float32),
        }
        (answer,) = self._session.run(["denoised"], question)
        unit = np.clip((answer[:, 0] + 1) / 2, 0, 1)
        heights = ASINH_SCALE * np.sinh(unit * np.arcsinh(HEIGHT_RANGE / ASINH_SCALE))
        lowest: NDArray[np.float32] = heights.min((1, 2), keepdims=True)
        return np.asarray(heights - lowest, np.float32)
