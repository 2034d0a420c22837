"""Pictures from captions and strokes by diffusers pipelines that work on latents: Z-Image, and Stable Diffusion.

Both draw and paint strokes through their text-to-image pipeline, which is given the noisy latents and the noise levels
to go through: so the strength of SDEdit is the share of noise itself, and not a number of steps to be left out.
"""

from abc import abstractmethod
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionPipeline, ZImageInpaintPipeline, ZImagePipeline
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from models.backends.batching import Batching
from models.backends.denoising_film import DenoisingFilm, LatentPreview
from models.backends.editing_pipelines import PipelineBackend, prompt_or, repainted
from models.backends.pipelines import Denoised, SharedPipeline, load_pipeline
from models.devices import Device
from models.inpainting import Inpainted, InpaintingRequest
from models.tasks import Progress
from models.text_to_image import Denoising, Neighbour, Pixels, StrokeToImageRequest, TextToImageRequest

Z_IMAGE_SIDE = 1024
"""Pixels: the size that the Z-Image models are made for."""
Z_IMAGE_STEPS = 8
_NO_CHECKER: dict[str, Any] = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}


@dataclass(frozen=True)
class Drawing:
    """Pictures of `prompts` from `start`, latents [B, C, h, w] of which the share `share` is noise."""

    prompts: tuple[str, ...]
    start: Tensor
    share: float
    steps: int
    guidance: float


class LatentPainter(PipelineBackend):
    """Follows `models.text_to_image.PictureFromText`. Requests of several people that agree in steps, guidance and
    strength run in one call, at most `most` pictures at a time."""

    kind: type[Any]
    most: int

    def __init__(self, shared: SharedPipeline, image_size: int) -> None:
        super().__init__(shared)
        self.image_size = image_size
        self._together = Batching[Drawing, Denoising](
            self._draw_together,
            alike=lambda drawing: (drawing.share, drawing.steps, drawing.guidance),
            size=lambda drawing: len(drawing.prompts),
            most=self.most,
        )

    def draw(self, request: TextToImageRequest) -> Iterator[Denoising]:
        """Yields the start, then the state after each step."""
        noise = self._noise(request.seeds)
        yield from self._together.ask(
            Drawing(request.prompts, noise * self.most_noise, self.most_noise, request.steps, request.guidance)
        )

    def from_strokes(self, request: StrokeToImageRequest) -> Iterator[Denoising]:
        """SDEdit: every strength mixes the same noise into the drawing, then removes it, one after the other."""
        picture = Image.fromarray(request.drawing).resize((self.image_size, self.image_size), Image.Resampling.LANCZOS)
        pixels = torch.from_numpy(np.array(picture)).movedim(-1, 0)[None]
        latents = self.shared.within_memory(lambda: self._encoded(pixels.float() / 127.5 - 1).float().cpu())
        noise = self._noise((request.seed,))
        drawings = []
        for strength in request.strengths:
            share = min(strength, self.most_noise)
            # At full strength nothing of the drawing is left, though the noise of the model may not be full.
            kept = torch.zeros_like(latents) if strength == 1 else latents
            start = (1 - share) * kept + share * noise
            drawings.append(Drawing((request.prompt,), start, share, request.steps, request.guidance))
        yield from self._one_after_the_other(drawings)

    def nearest(self, prompt: str, count: int) -> tuple[Neighbour, ...]:
        """None: what it was trained on is not published."""
        return ()

    @property
    def most_noise(self) -> float:
        """The share of noise that drawing starts from."""
        return 1.0

    @cached_property
    def _preview(self) -> LatentPreview:
        # Not while it loads: a card on loan is not there yet.
        return self.shared.within_memory(lambda: LatentPreview.fitted(self._encoded))

    @abstractmethod
    def _arguments(self, drawing: Drawing) -> dict[str, Any]:
        """Those of one call of the pipeline, without its size."""

    @abstractmethod
    def _on_path(self, step: Denoised) -> tuple[Tensor, float]:
        """What the pipeline holds as (1 - s) x + s noise, and s."""

    def _encoded(self, pictures: Tensor) -> Tensor:
        """Pictures [B, 3, H, W], -1 to 1, as latents."""
        pipeline = self.shared.pipeline
        vae = pipeline.vae
        with torch.inference_mode():
            latents = vae.encode(pictures.to(pipeline.device, vae.dtype)).latent_dist.mode()
        return cast(Tensor, (latents - (vae.config.get("shift_factor") or 0)) * vae.config.scaling_factor)

    def _noise(self, seeds: Sequence[int]) -> Tensor:
        """Standard normal [B, C, h, w], one seed per picture: the same on every device and in every batch."""
        pipeline = self.shared.pipeline
        side = self.image_size // pipeline.vae_scale_factor
        shape = (pipeline.vae.config.latent_channels, side, side)
        return torch.stack([torch.randn(shape, generator=self.shared.seeded(seed)) for seed in seeds])

    def _draw_together(self, drawings: Sequence[Drawing]) -> Generator[Sequence[Denoising], None, None]:
        """One call for all; yields a state for each of `drawings`."""
        prompts = tuple(prompt for drawing in drawings for prompt in drawing.prompts)
        start = torch.cat([drawing.start for drawing in drawings])
        first = drawings[0]
        film = DenoisingFilm(self._preview, start, first.share)

        def arguments(part: slice) -> dict[str, Any]:
            asked = Drawing(prompts[part], start[part], first.share, first.steps, first.guidance)
            return {"height": self.image_size, "width": self.image_size, **self._arguments(asked)}

        total = 0
        with closing(self.shared.run(self.kind, len(prompts), arguments, most=self.most)) as steps:  # type: ignore[type-var]
            for step in steps:
                if isinstance(step, Denoised):
                    total = step.total
                    told = film.after(step, *self._on_path(step))
                else:
                    told = film.finished(np.stack([np.asarray(picture) for picture in step]), total)
                yield _shared_out(told, [len(drawing.prompts) for drawing in drawings])

    def _one_after_the_other(self, drawings: Sequence[Drawing]) -> Iterator[Denoising]:
        """The states of all `drawings` of one picture each, while one after the other is in work."""
        noisy = np.concatenate([self._preview(drawing.start) for drawing in drawings])
        clean = noisy.copy()
        pictures: list[Pixels] = []
        before = 0
        for place, drawing in enumerate(drawings):
            with closing(self._together.ask(drawing)) as states:
                for told in states:
                    noisy[place], clean[place] = told.noisy[0], told.clean[0]
                    total = before + told.total * (len(drawings) - place)
                    if told.pictures is None:
                        yield Denoising(before + told.done, total, told.noise_share, noisy.copy(), clean.copy())
            assert told.pictures is not None, "a run ends with its pictures"
            pictures.append(told.pictures)
            before += told.total
        yield Denoising(before, before, 0.0, noisy, clean, np.concatenate(pictures))


class ZImage(LatentPainter):
    """Rectified flow: latents lie on the straight path already. Follows `models.inpainting.Inpainter` too."""

    kind = ZImagePipeline
    most = 8
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
                "strength": 1.0,
                "num_inference_steps": Z_IMAGE_STEPS,
                "guidance_scale": 0.0,
                "generator": self.shared.seeded(request.seed),
            }

        area = self.image_size**2
        yield from repainted(self.shared, ZImageInpaintPipeline, request, arguments, (area // 4, area))

    def _arguments(self, drawing: Drawing) -> dict[str, Any]:
        # The scheduler shifts the levels towards noise: sigma = shift u / (1 + (shift - 1) u).
        shift = self.shared.pipeline.scheduler.config.shift
        begin = drawing.share / (shift - (shift - 1) * drawing.share)
        return {
            "prompt": list(drawing.prompts),
            "latents": drawing.start,
            "num_inference_steps": drawing.steps,
            "sigmas": [begin * (1 - step / drawing.steps) for step in range(drawing.steps)],
            "guidance_scale": 0.0,
        }

    def _on_path(self, step: Denoised) -> tuple[Tensor, float]:
        return step.latents, step.sigma


class StableDiffusion(LatentPainter):
    """Latents are x + sigma noise here; over 1 + sigma, they lie on the straight path with s = sigma / (1 + sigma)."""

    kind = StableDiffusionPipeline
    most = 16

    @property
    def most_noise(self) -> float:
        """The share of noise at the end of training: the schedule stops short of pure noise."""
        return float(self._shares()[-1])

    def _arguments(self, drawing: Drawing) -> dict[str, Any]:
        shares = self._shares()
        begin = float(np.interp(drawing.share, shares, np.arange(len(shares))))
        # Evenly through the timesteps, from where the share is right; the last of them is the step to none.
        times = [max(0.0, (begin + 1) * (1 - step / drawing.steps) - 1) for step in range(drawing.steps)]
        levels = np.interp(times, np.arange(len(shares)), shares / (1 - shares)).astype(np.float32)
        scheduler = _euler(self.shared.pipeline)
        scheduler.set_timesteps(sigmas=[*levels.tolist(), 0.0])
        # The pipeline multiplies what it is given by this; the network's own format is what it computes in.
        noisy = drawing.start * (1 + float(levels[0])) / float(scheduler.init_noise_sigma)
        return {
            "prompt": list(drawing.prompts),
            "latents": noisy.to(self.shared.pipeline.unet.dtype),
            "sigmas": [*levels.tolist(), 0.0],
            **self._guidance(drawing),
        }

    def _guidance(self, drawing: Drawing) -> dict[str, Any]:
        """A model distilled to a few steps uses none."""
        return {"guidance_scale": 0.0}

    def _on_path(self, step: Denoised) -> tuple[Tensor, float]:
        return step.latents.float() / (1 + step.sigma), step.sigma / (1 + step.sigma)

    def _shares(self) -> NDArray[np.float64]:
        """The share of noise at each timestep of training, growing."""
        kept = self.shared.pipeline.scheduler.alphas_cumprod.double().numpy()
        levels = np.sqrt((1 - kept) / kept)
        return cast(NDArray[np.float64], levels / (1 + levels))


class GuidedStableDiffusion(StableDiffusion):
    """Not distilled: guidance as in `TextToImageRequest`, except that from 0 to 1 it is the model itself."""

    def _guidance(self, drawing: Drawing) -> dict[str, Any]:
        if drawing.guidance == 0:
            return {"prompt": [""] * len(drawing.prompts), "guidance_scale": 1.0}
        return {"guidance_scale": drawing.guidance}


def load_z_image_turbo(files: Path, device: Device) -> ZImage:
    """A folder of diffusers with a `ZImagePipeline`."""
    return ZImage(load_pipeline(ZImagePipeline, files, device), Z_IMAGE_SIDE)


def load_sd_turbo(files: Path, device: Device) -> StableDiffusion:
    """A folder of diffusers with a `StableDiffusionPipeline`, distilled, its weights in float16."""
    return StableDiffusion(*_stable_diffusion(files, device))


def load_stable_diffusion(files: Path, device: Device) -> GuidedStableDiffusion:
    """A folder of diffusers with a `StableDiffusionPipeline`, its weights in float16."""
    return GuidedStableDiffusion(*_stable_diffusion(files, device))


def _stable_diffusion(files: Path, device: Device) -> tuple[SharedPipeline, int]:
    shared = load_pipeline(StableDiffusionPipeline, files, device, variant="fp16", **_NO_CHECKER)
    pipeline = shared.pipeline
    # The film and the noise levels are those of Euler's method, whatever the repository comes with.
    pipeline.scheduler = _euler(pipeline)
    return shared, pipeline.unet.config.sample_size * pipeline.vae_scale_factor


def _euler(pipeline: Any) -> Any:
    """A new scheduler for Euler's method, with the noise levels of the pipeline's own."""
    return EulerDiscreteScheduler.from_config(pipeline.scheduler.config)  # type: ignore[no-untyped-call]


def _shared_out(told: Denoising, counts: Sequence[int]) -> list[Denoising]:
    """`told` about all pictures, as many for each as `counts` says."""
    ends = np.cumsum(counts)
    return [
        Denoising(
            told.done,
            told.total,
            told.noise_share,
            told.noisy[end - count : end],
            told.clean[end - count : end],
            None if told.pictures is None else told.pictures[end - count : end],
        )
        for count, end in zip(counts, ends, strict=True)
    ]
