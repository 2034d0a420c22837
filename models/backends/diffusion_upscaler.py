"""Stable Diffusion's upscaler: latent diffusion that sees the small picture beside the noise (Rombach et al. 2022).

arXiv:2112.10752. Its latents have the sides of the small picture, and its autoencoder makes them four times as long.
"""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
from diffusers import StableDiffusionUpscalePipeline
from PIL import Image

from models.backends.editing_pipelines import PipelineBackend, denoised, prompt_or
from models.backends.pipelines import load_pipeline
from models.devices import Device
from models.errors import BadInputError
from models.tasks import Progress, Upscaled, UpscaleRequest

STEPS = 25
MULTIPLE, LEAST_SIDE = 8, 64
"""Pixels: the network halves the sides three times, and should see something in the end."""
NOISE = 20
"""Of 1000 levels: how much noise is laid over the small picture, as the pipeline has it by default."""


def load(files: Path, device: Device) -> "DiffusionUpscaler":
    """A folder of diffusers with a `StableDiffusionUpscalePipeline`."""
    shared = load_pipeline(StableDiffusionUpscalePipeline, files, device)
    # Decoding 2048 x 2048 pixels at once takes more memory than all the rest; tiles overlap and are blended.
    shared.pipeline.vae.enable_tiling()
    return DiffusionUpscaler(shared)


class DiffusionUpscaler(PipelineBackend):
    """An `Upscaler` that draws: it reads the prompt and the seed of a request."""

    scale: int = 4

    def upscale(self, request: UpscaleRequest) -> Generator[Progress | Upscaled, None, None]:
        """Yields `Progress` after each step of denoising and `Upscaled` last. The whole picture is denoised at once, so
        `request.tile` is not heeded.

        Raises `BadInputError` if the picture has no pixels or the prompt is too long.
        """
        pixels = np.array(request.image.convert("RGB"))
        height, width, _ = pixels.shape
        if not pixels.size:
            raise BadInputError("This picture has no pixels; choose another one.")
        prompt = prompt_or(request.prompt, "")
        beyond = [(0, max(-side % MULTIPLE, LEAST_SIDE - side)) for side in (height, width)]
        whole = Image.fromarray(np.pad(pixels, (*beyond, (0, 0)), "symmetric"))

        def arguments(part: slice) -> dict[str, Any]:
            return {
                "prompt": prompt,
                "image": whole,
                "num_inference_steps": STEPS,
                "guidance_scale": 9.0 if prompt else 1.0,
                "noise_level": NOISE,
                "generator": self.shared.seeded(request.seed),
            }

        made = yield from denoised(self.shared, StableDiffusionUpscalePipeline, 1, arguments)
        yield Upscaled(made[0].crop((0, 0, width * self.scale, height * self.scale)))
