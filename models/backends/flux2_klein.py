"""FLUX.2 [klein], one set of weights for many tabs: a rectified flow transformer distilled to four steps.

It draws from a caption and edits pictures by instruction (Black Forest Labs 2026); what is asked of it in each tab is
an instruction. Rectified flows: Esser et al. 2024 (arXiv:2403.03206).
"""

import math
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import Flux2KleinInpaintPipeline, Flux2KleinPipeline
from diffusers.pipelines.flux2.pipeline_flux2_klein import compute_empirical_mu
from PIL import Image
from torch import Tensor

from models.backends.colorizer import coloured, distinct, lightness_of
from models.backends.editing_pipelines import (
    denoised,
    fitted,
    instruction,
    prompt_or,
    repainted,
    resized,
)
from models.backends.guided_filter import enlarge_colours
from models.backends.pipelines import Denoised, load_pipeline
from models.backends.text_pipelines import Drawing, LatentPainter
from models.colorization import ColorizationRequest, Colorized
from models.devices import Device
from models.inpainting import Inpainted, InpaintingRequest
from models.lab import grey_of, to_lab
from models.styling import ImageTranslationRequest, TranslatedImage
from models.tasks import Progress

SIDE = 1024
"""Pixels of what it draws from a caption."""
STEPS = 4
LEAST_AREA, LARGEST_AREA = 512 * 512, 1024 * 1024
"""Pixels that it works at; the pipeline itself reduces larger pictures."""
COLOUR_IT = "Colour this black-and-white photograph naturally"
FILL_IT = "Remove the grey patch; continue what surrounds it"
BEST_SEED = 2**32
"""Of the colouring that is not drawn at random: beyond the seeds that a visitor can choose, so no draw repeats it."""


def load(files: Path, device: Device) -> "Flux2Klein":
    """A folder of diffusers with a `Flux2KleinPipeline`."""
    return Flux2Klein(load_pipeline(Flux2KleinPipeline, files, device), SIDE)


class Flux2Klein(LatentPainter):
    """A `PictureFromText`, an `ImageTranslator`, a `Colorist` and an `Inpainter` that reads prompts."""

    kind = Flux2KleinPipeline
    most = 8
    reads_prompts = True
    draws = True

    def translate(self, request: ImageTranslationRequest) -> Generator[Progress | TranslatedImage, None, None]:
        """Edits the picture as its prompt says; yields `Progress` after each step, `TranslatedImage` last."""
        made = yield from self._edited(request.image, instruction(request.prompt), [request.seed])
        yield TranslatedImage(resized(made[0], request.image.size))

    def colorize(self, request: ColorizationRequest) -> Generator[Progress | Colorized, None, None]:
        """Yields `Progress` after each step, `Colorized` first for a fixed seed, then for each draw.

        Only the colours (CIELAB's a and b) of what the model made are used: the lightness stays that of the request,
        hinted pixels get exactly their colours, and what is near and alike follows them.
        """
        lightness, hints = lightness_of(request.image), distinct(request.hints)
        grey = Image.fromarray((grey_of(lightness) * 255).round().astype(np.uint8))
        drawn = list(range(request.seed, request.seed + request.draws))
        for seeds in filter(None, ([BEST_SEED], drawn)):
            made = yield from self._edited(grey, COLOUR_IT, seeds)
            for seed, picture in zip(seeds, made, strict=True):
                colours = to_lab(np.asarray(picture))[..., 1:]
                image = coloured(lightness, enlarge_colours(colours, lightness), hints)
                yield Colorized(image, None if seed == BEST_SEED else seed)

    def inpaint(self, request: InpaintingRequest) -> Generator[Progress | Inpainted, None, None]:
        """Yields `Progress` after each step and `Inpainted` last. The model never sees what was in the hole."""
        prompt = prompt_or(request.prompt, "")
        told = f"Replace the grey patch with: {prompt}" if prompt else FILL_IT

        def arguments(picture: Image.Image, hole: Image.Image) -> dict[str, Any]:
            return {
                "prompt": told,
                "image": picture,
                "mask_image": hole,
                "strength": 1.0,
                "num_inference_steps": STEPS,
                "guidance_scale": 1.0,
                "generator": self.shared.seeded(request.seed),
            }

        yield from repainted(self.shared, Flux2KleinInpaintPipeline, request, arguments, (LEAST_AREA, LARGEST_AREA))

    def _encoded(self, pictures: Tensor) -> Tensor:
        """Pictures [B, 3, H, W], -1 to 1, as latents, four neighbours of the autoencoder's in one place."""
        pipeline = self.shared.pipeline
        with torch.inference_mode():
            latents: Tensor = pipeline._encode_vae_image(pictures.to(pipeline.device, pipeline.vae.dtype), None)
        return latents

    def _noise(self, seeds: Sequence[int]) -> Tensor:
        shape = (self.shared.pipeline.transformer.config.in_channels, self._places, self._places)
        return torch.stack([torch.randn(shape, generator=self.shared.seeded(seed)) for seed in seeds])

    def _arguments(self, drawing: Drawing) -> dict[str, Any]:
        # The scheduler shifts the levels towards noise: sigma = e / (e + 1 / u - 1) with e = exp(mu).
        shift = math.exp(compute_empirical_mu(self._places**2, drawing.steps))
        begin = drawing.share / (shift - (shift - 1) * drawing.share)
        return {
            "prompt": list(drawing.prompts),
            "latents": drawing.start,
            "num_inference_steps": drawing.steps,
            "sigmas": [begin * (1 - step / drawing.steps) for step in range(drawing.steps)],
            "guidance_scale": 1.0,
        }

    def _on_path(self, step: Denoised) -> tuple[Tensor, float]:
        places = step.latents.reshape(len(step.latents), self._places, self._places, -1)
        return places.movedim(-1, 1), step.sigma

    @property
    def _places(self) -> int:
        """Side of the square of latents that a drawn picture has."""
        return self.image_size // (2 * int(self.shared.pipeline.vae_scale_factor))

    def _edited(
        self, picture: Image.Image, prompt: str, seeds: list[int]
    ) -> Generator[Progress, None, list[Image.Image]]:
        """One edited picture for each seed, at the size the model works at."""
        seen = resized(picture, fitted(picture.size, LEAST_AREA, LARGEST_AREA))

        def arguments(part: slice) -> dict[str, Any]:
            return {
                "prompt": [prompt] * len(seeds[part]),
                "image": seen,
                "num_inference_steps": STEPS,
                "guidance_scale": 1.0,
                "generator": [self.shared.seeded(seed) for seed in seeds[part]],
            }

        return (yield from denoised(self.shared, Flux2KleinPipeline, len(seeds), arguments))
