"""Pictures from noise by the diffusion, score and consistency models of the hub.

Ho et al. 2020 (arXiv:2006.11239), Rombach et al. 2022 (arXiv:2112.10752), Song et al. 2021 (arXiv:2011.13456), Song et
al. 2023 (arXiv:2303.01469). Their pipelines in diffusers neither tell their steps nor follow a latent, so the networks
are driven here, each in the way of its paper (noise_removal.py).
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from itertools import accumulate
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DDIMScheduler, ScoreSdeVeScheduler, UNet2DModel, VQModel
from diffusers.utils import logging as diffusers_logging
from torch import Tensor

from models.backends.batching import Batching
from models.backends.noise_removal import Consistency, Ddim, NoiseRemoval, ProbabilityFlow
from models.backends.safe_loading import safe_or_weights_only
from models.devices import Device, configure_torch, release_unused_memory
from models.errors import OutOfMemoryError
from models.generation import (
    IMAGENET_CLASSES,
    Latents,
    Pixels,
    SampleRequest,
    Samples,
    check_request,
    draw_latents,
)
from models.tasks import Progress

STEPS = 50
"""Of diffusion and score models."""
_TOO_LARGE = "There is no memory left for even one picture; please try again when less is running."


def load_ddpm(files: Path, device: Device) -> "NoiseGenerator":
    """A `DDPMPipeline` whose files lie side by side, as the first ones of the hub do."""
    return NoiseGenerator(Denoiser(files, device), Ddim(_schedule(files), STEPS), most=8)


def load_ldm(files: Path, device: Device) -> "NoiseGenerator":
    """An `LDMPipeline`: noise is removed from the latents of an autoencoder, which then paints them."""
    # In float32: it runs once for a picture, and rounding would show.
    autoencoder = _network(VQModel, files / "vqvae", device, torch.float32)

    @torch.inference_mode()
    def decoded(latents: Tensor) -> Tensor:
        # One after the other: decoding takes more memory than all the steps. And as they are: the latents of this
        # autoencoder were never scaled, whatever diffusers assumes of a configuration that does not say.
        return torch.cat([autoencoder.decode(latent[None]).sample for latent in latents]) / 2 + 0.5

    denoiser = Denoiser(files / "unet", device)
    removal = Ddim(_schedule(files / "scheduler"), STEPS)
    side = denoiser.shape[-1] * 2 ** (len(autoencoder.config.block_out_channels) - 1)
    return NoiseGenerator(denoiser, removal, most=16, decode=decoded, side=side)


def load_score_sde(files: Path, device: Device) -> "NoiseGenerator":
    """A `ScoreSdeVePipeline` whose files lie side by side; it was trained on pictures from 0 to 1."""
    noise: Any = ScoreSdeVeScheduler.from_config(_schedule(files)).config  # type: ignore[no-untyped-call]
    # Its sight of the noise level are waves of up to hundreds of radians: rounded to bfloat16 they would tell another.
    denoiser = Denoiser(files, device, torch.float32)
    flow = ProbabilityFlow(noise.sigma_min, noise.sigma_max, STEPS)
    return NoiseGenerator(denoiser, flow, most=4, decode=lambda x: x)


def load_consistency(files: Path, device: Device) -> "NoiseGenerator":
    """A `ConsistencyModelPipeline` for the classes of ImageNet."""
    removal = Consistency(_schedule(files / "scheduler"))
    return NoiseGenerator(Denoiser(files / "unet", device), removal, most=36, classes=IMAGENET_CLASSES)


class Denoiser:
    """A `UNet2DModel` called with float32 and answering in it: what it computes is rounded to its number format
    (that of the device unless `precision` names another), the picture that the steps refine never is."""

    def __init__(self, folder: Path, device: Device, precision: torch.dtype | None = None) -> None:
        self._unet = _network(UNet2DModel, folder, device, precision or getattr(torch, device.precision))
        self.device = torch.device(device.kind)
        side = self._unet.config.sample_size
        self.shape: tuple[int, int, int] = (self._unet.config.in_channels, side, side)
        """Channels, height and width of the noise."""

    @torch.inference_mode()
    def __call__(self, x: Tensor, time: Tensor, classes: Tensor | None) -> Tensor:
        answer: Tensor = self._unet(x.to(self._unet.dtype), time.to(x.device), class_labels=classes).sample
        return answer.float()


def _from_minus_one(x: Tensor) -> Tensor:
    return x / 2 + 0.5


class NoiseGenerator:
    """An `ImageGenerator`. Requests of several people run in one call, at most `most` pictures at a time.

    `decode` turns what is left without noise into pictures [B, 3, `side`, `side`] from 0 to 1; `classes` are the
    numbers of the labels that the network knows.
    """

    def __init__(
        self,
        denoiser: Denoiser,
        removal: NoiseRemoval,
        *,
        most: int,
        decode: Callable[[Tensor], Tensor] = _from_minus_one,
        side: int | None = None,
        classes: Mapping[str, int] | None = None,
    ) -> None:
        self.make_room: Callable[[], None] = lambda: None
        """Unloads idle models; set by the registry."""
        self.labels: tuple[str, ...] = tuple(classes or ())
        self.latent_size: int = prod(denoiser.shape)
        self.image_size: int = side or denoiser.shape[-1]
        self._denoiser = denoiser
        self._removal = removal
        self._most = most
        self._decode = decode
        self._classes = classes
        self._together = Batching[SampleRequest, Progress | Samples](
            self._draw, alike=lambda request: None, size=lambda request: len(request.latents), most=most
        )

    def latents(self, count: int, seed: int) -> Latents:
        """(count, latent size), drawn from N(0, 1); the first ones of a seed are the same whatever the count."""
        return draw_latents(count, self.latent_size, seed)

    def sample(self, request: SampleRequest) -> Generator[Progress | Samples, None, None]:
        """Yields `Progress` after each step and `Samples` last. A latent has the same picture in every batch.

        Where memory runs out, it unloads idle models, then takes half of the pictures at a time, down to one; then it
        raises `OutOfMemoryError`. Raises `BadInputError` for latents of another size and for an unknown label.
        """
        check_request(request, self.latent_size, self.labels)
        yield from self._together.ask(request)

    def _draw(self, requests: Sequence[SampleRequest]) -> Generator[Sequence[Progress | Samples], None, None]:
        """All pictures of `requests` in their order; yields an answer for each of them."""
        counts = [len(request.latents) for request in requests]
        noise = torch.from_numpy(np.concatenate([request.latents for request in requests]))
        classes = self._numbers([request.label for request in requests for _ in request.latents])
        made: list[Pixels] = []
        size, done, taken, room_made = min(self._most, len(noise)), 0, 0, False
        while done < len(noise):
            part = slice(done, done + size)
            total = taken + -(-(len(noise) - done) // size) * self._removal.steps
            short_of_memory = False
            try:
                part_classes = None if classes is None else classes[part]
                for step in self._removed(noise[part], part_classes):
                    if isinstance(step, int):
                        yield [Progress("step", taken + step, total)] * len(requests)
                    else:
                        made.append(step)
            except torch.OutOfMemoryError:
                # What follows waits until this block is left: the exception holds the tensors of the attempt.
                short_of_memory = True
            if not short_of_memory:
                done += size
                taken += self._removal.steps
                continue
            if not room_made:
                self.make_room()
                room_made = True
            elif size > 1:
                size //= 2
            else:
                raise OutOfMemoryError(_TOO_LARGE)
            release_unused_memory()
        pictures = np.concatenate(made)
        yield [Samples(pictures[end - count : end]) for end, count in zip(accumulate(counts), counts, strict=True)]

    def _removed(self, noise: Tensor, classes: Tensor | None) -> Iterator[int | Pixels]:
        """Yields the number of each step that is done, and the pictures last."""
        device = self._denoiser.device
        x = noise.reshape(-1, *self._denoiser.shape).to(device, memory_format=torch.channels_last)
        if classes is not None:
            classes = classes.to(device)
        for step, state in enumerate(self._removal.states(self._denoiser, x, classes), 1):
            x = state
            yield step
        levels = (self._decode(x).clamp(0, 1) * 255).round().to(torch.uint8)
        yield levels.permute(0, 2, 3, 1).cpu().numpy()

    def _numbers(self, labels: Sequence[str | None]) -> Tensor | None:
        """The classes of pictures with these labels; None if the network knows none."""
        return None if self._classes is None else torch.tensor([self._classes[str(label)] for label in labels])


def _network(kind: type[Any], folder: Path, device: Device, precision: torch.dtype) -> Any:
    """The network of class `kind` in `folder`, ready on `device` with its channels last, as convolutions want them."""
    configure_torch()
    diffusers_logging.set_verbosity_error()  # old configurations name what has no effect any more
    safe = safe_or_weights_only(folder / "diffusion_pytorch_model.safetensors")
    network = kind.from_pretrained(folder, dtype=precision, **safe)
    return network.eval().requires_grad_(False).to(device.kind).to(memory_format=torch.channels_last)


def _schedule(folder: Path) -> dict[str, Any]:
    """The configuration of the scheduler that the network was trained with."""
    configuration: dict[str, Any] = DDIMScheduler.load_config(folder)
    return configuration
