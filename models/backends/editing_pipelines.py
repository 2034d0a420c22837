"""Stable Diffusion pipelines that change pictures: InstructPix2Pix edits by instruction, another fills holes.

Brooks et al. 2023 (arXiv:2211.09800); Rombach et al. 2022 (arXiv:2112.10752). What both share with FLUX.2
(flux2_klein.py) stands here too: the size at which a model works, and the way from a hole to its surroundings and back.
"""

import math
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from diffusers import StableDiffusionInpaintPipeline, StableDiffusionInstructPix2PixPipeline
from PIL import Image

from models.backends.inpainting import Surroundings
from models.backends.pipelines import Denoised, SharedPipeline, load_pipeline
from models.devices import Device
from models.errors import BadInputError
from models.inpainting import Inpainted, InpaintingRequest
from models.styling import LONGEST_PROMPT, ImageTranslationRequest, TranslatedImage
from models.tasks import Progress
from models.text_input import clean_text

LEAST_AREA, LARGEST_AREA = 512 * 512, 768 * 512
"""Pixels: these networks were trained at 512 x 512."""
MULTIPLE = 16
"""Pixels: the sides are multiples of this, and at least four of them."""
STEPS = 20
_NO_CHECKER: dict[str, Any] = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}


def load_instruct_pix2pix(files: Path, device: Device) -> "InstructPix2Pix":
    """A folder of diffusers with a `StableDiffusionInstructPix2PixPipeline`."""
    return InstructPix2Pix(load_pipeline(StableDiffusionInstructPix2PixPipeline, files, device, **_NO_CHECKER))


def load_stable_diffusion_inpainting(files: Path, device: Device) -> "StableDiffusionInpainter":
    """A folder of diffusers with a `StableDiffusionInpaintPipeline`, its weights in float16."""
    return StableDiffusionInpainter(
        load_pipeline(StableDiffusionInpaintPipeline, files, device, variant="fp16", **_NO_CHECKER)
    )


class PipelineBackend:
    """What every backend over a `SharedPipeline` has."""

    def __init__(self, shared: SharedPipeline) -> None:
        self.shared = shared

    @property
    def make_room(self) -> Callable[[], None]:
        """Unloads idle models; set by the registry."""
        return self.shared.make_room

    @make_room.setter
    def make_room(self, unload: Callable[[], None]) -> None:
        self.shared.make_room = unload


class InstructPix2Pix(PipelineBackend):
    """An `ImageTranslator` that reads instructions."""

    def translate(self, request: ImageTranslationRequest) -> Generator[Progress | TranslatedImage, None, None]:
        """Yields `Progress` after each step of denoising and `TranslatedImage` last."""
        prompt = instruction(request.prompt)
        picture = resized(request.image, fitted(request.image.size, LEAST_AREA, LARGEST_AREA))

        def arguments(part: slice) -> dict[str, Any]:
            return {
                "prompt": prompt,
                "image": picture,
                "num_inference_steps": STEPS,
                "guidance_scale": 7.5,
                "image_guidance_scale": 1.5,
                "generator": self.shared.seeded(request.seed),
            }

        made = yield from denoised(self.shared, StableDiffusionInstructPix2PixPipeline, 1, arguments)
        yield TranslatedImage(resized(made[0], request.image.size))


class StableDiffusionInpainter(PipelineBackend):
    """An `Inpainter` that reads prompts."""

    reads_prompts = True
    draws = True

    def inpaint(self, request: InpaintingRequest) -> Generator[Progress | Inpainted, None, None]:
        """Yields `Progress` after each step of denoising and `Inpainted` last."""
        prompt = prompt_or(request.prompt, "")

        def arguments(picture: Image.Image, hole: Image.Image) -> dict[str, Any]:
            return {
                "prompt": prompt,
                "image": picture,
                "mask_image": hole,
                "width": picture.width,
                "height": picture.height,
                "strength": 1.0,
                "num_inference_steps": STEPS,
                "guidance_scale": 7.5 if prompt else 1.0,
                "generator": self.shared.seeded(request.seed),
            }

        yield from repainted(
            self.shared, StableDiffusionInpaintPipeline, request, arguments, (LEAST_AREA, LARGEST_AREA)
        )


def repainted(
    shared: SharedPipeline,
    kind: type[Any],
    request: InpaintingRequest,
    arguments: Callable[[Image.Image, Image.Image], dict[str, Any]],
    areas: tuple[int, int],
) -> Generator[Progress | Inpainted, None, None]:
    """Fills the hole of `request` with a pipeline of class `kind`; only masked pixels change.

    `arguments` gets the surroundings of the hole, grey in the hole, and the hole in white, both at a size between the
    `areas` (pixels) that the model works at.
    """
    surroundings = Surroundings(request)
    rows, columns = surroundings.hole.shape
    known = np.where(surroundings.hole[..., None], np.float32(0.5), surroundings.picture)
    size = fitted((columns, rows), *areas)
    picture = resized(Image.fromarray((known * 255).round().astype(np.uint8)), size)
    # Generous: what is partly hole is hole, or its grey would remain at the edge.
    share = Image.fromarray(surroundings.hole.astype(np.uint8) * 255).resize(size, Image.Resampling.BILINEAR)
    hole = Image.fromarray((np.asarray(share) > 0).astype(np.uint8) * 255)
    made = yield from denoised(shared, kind, 1, lambda part: arguments(picture, hole))
    filled = np.asarray(resized(made[0], (columns, rows)), np.float32) / np.float32(255)
    yield Inpainted(surroundings.finished(filled))


def denoised(
    shared: SharedPipeline, kind: type[Any], count: int, arguments: Callable[[slice], dict[str, Any]]
) -> Generator[Progress, None, list[Image.Image]]:
    """`SharedPipeline.run` with its steps in words; returns the pictures."""
    with closing(shared.run(kind, count, arguments)) as steps:  # type: ignore[type-var]
        for step in steps:
            if not isinstance(step, Denoised):
                pictures: list[Image.Image] = step
                return pictures
            yield Progress("step", step.done, step.total)
    raise AssertionError("a run ends with its pictures")


def fitted(size: tuple[int, int], least: int, largest: int) -> tuple[int, int]:
    """Width and height of about the shape of `size` with an area between `least` and `largest`, in multiples of 16.

    Very long and narrow pictures are squeezed.
    """
    area = size[0] * size[1]
    scale = math.sqrt(min(max(area, least), largest) / area)
    width, height = (
        max(4 * MULTIPLE, min(2 * math.isqrt(largest), int(side * scale)) // MULTIPLE * MULTIPLE) for side in size
    )
    return width, height


def resized(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture in RGB at `size`; the same pixels if it has that size already."""
    picture = picture.convert("RGB")
    return picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)


def instruction(prompt: str) -> str:
    """The prompt, cleaned. Raises `BadInputError` if there is none, or too much of it."""
    if not prompt.strip():
        raise BadInputError("Say what should change, such as “turn the horse into a zebra”.")
    return clean_text(prompt, max_characters=LONGEST_PROMPT)


def prompt_or(prompt: str, otherwise: str) -> str:
    """The prompt, cleaned, or `otherwise` where there is none. Raises `BadInputError` if it is too long."""
    return clean_text(prompt, max_characters=LONGEST_PROMPT) if prompt.strip() else otherwise
