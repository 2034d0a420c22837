"""One set of loaded diffusers weights, used through as many pipeline classes as there are tabs for it.

A pipeline holds state of the request it runs (its scheduler, above all), so each request gets a pipeline of its own:
`from_pipe` shares every network and copies none (https://huggingface.co/docs/diffusers: a server for many users).
"""

import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any, TypeVar

import torch
from diffusers.utils import logging as diffusers_logging
from torch import Tensor, nn
from transformers.utils import logging as transformers_logging

from models.backends.acceleration import accelerate, enough_versions
from models.backends.safe_loading import SAFE
from models.backends.watched import watched
from models.devices import Device, configure_torch, release_unused_memory
from models.errors import OutOfMemoryError

_TOO_LARGE = "This is too large for the memory that is left; ask for a smaller picture."

Result = TypeVar("Result")


@dataclass(frozen=True)
class Denoised:
    """After step `done` of `total`: the latents as the scheduler left them, packed as the pipeline has them.

    They belong to the pictures `part`, which have done `step` steps of their own, and `sigma` is the scheduler's
    measure of the noise in them (0 at the end, and where it has none). When memory runs out, `done` goes back.
    """

    done: int
    total: int
    latents: Tensor
    part: slice
    step: int
    sigma: float


class SharedPipeline:
    """Loaded networks, run one request at a time. `make_room` is set by the registry: it unloads idle models."""

    def __init__(self, pipeline: Any, device: Device) -> None:
        self.pipeline = pipeline
        self.device = device
        self.make_room: Callable[[], None] = lambda: None
        self._lock = threading.Lock()

    def seeded(self, seed: int) -> torch.Generator:
        """On the CPU, so that a seed means the same on every machine."""
        return torch.Generator().manual_seed(seed % 2**63)

    def within_memory(self, work: Callable[[], Result]) -> Result:
        """What `work` returns: something small beside a run, such as reading a picture into latents. Where memory runs
        out, it unloads idle models and tries once more; then it raises `OutOfMemoryError`."""
        for last in (False, True):
            try:
                return work()
            except torch.OutOfMemoryError:
                if last:
                    break
            self.make_room()
            release_unused_memory()
        raise OutOfMemoryError(_TOO_LARGE)

    def run(
        self, kind: type[Any], count: int, arguments: Callable[[slice], dict[str, Any]], *, most: int | None = None
    ) -> Iterator[Any]:
        """Calls a pipeline of class `kind` for `count` pictures, at most `most` at a time; yields `Denoised` after each
        step, the list of all `images` last.

        `arguments(part)` are those of the pictures in that slice. Where memory runs out, it unloads idle models, then
        decodes in tiles, then takes half of the pictures at a time, down to one; then it raises `OutOfMemoryError`.
        Closing the iterator ends the work at the next step.
        """
        with self._lock:
            images: list[Any] = []
            size, spared, done = min(count, most or count), 0, 0
            while len(images) < count:
                part = slice(len(images), min(count, len(images) + size))
                parts_to_go = -(-(count - part.start) // size)
                short_of_memory = False
                try:
                    made, steps = yield from self._call(kind, arguments(part), part, done, parts_to_go)
                except torch.OutOfMemoryError:
                    # What follows waits until this block is left: the exception holds the tensors of the attempt.
                    short_of_memory = True
                if not short_of_memory:
                    images.extend(made)
                    done += steps
                    continue
                if spared == 0:
                    self.make_room()
                elif spared == 1 and hasattr(self.pipeline, "vae") and hasattr(self.pipeline.vae, "enable_tiling"):
                    self.pipeline.vae.enable_tiling()
                elif size > 1:
                    size //= 2
                else:
                    raise OutOfMemoryError(_TOO_LARGE)
                spared += 1
                release_unused_memory()
            yield images

    def _call(
        self, kind: type[Any], arguments: dict[str, Any], part: slice, before: int, parts_to_go: int
    ) -> Generator[Denoised, None, tuple[list[Any], int]]:
        """One call of the pipeline on a thread of its own, because it returns only when it is done. Returns the images
        and how many steps they took."""
        pipeline = self._own(kind)
        taken = 0

        def work(tell: Callable[[Denoised], None]) -> list[Any]:
            def after_step(step: int, latents: Tensor) -> None:
                nonlocal taken
                taken = step + 1
                total = getattr(pipeline, "num_timesteps", len(pipeline.scheduler.timesteps))
                told = before + taken, before + parts_to_go * total, latents.detach(), part, taken
                tell(Denoised(*told, _sigma(pipeline.scheduler)))

            with torch.inference_mode(), enough_versions(self.device):
                return list(pipeline(**arguments, **_listener(pipeline, after_step)).images)

        # Closed between two steps, the work ends there. Setting `_interrupt` would still decode.
        images = yield from watched(work)
        return images, taken

    def _own(self, kind: type[Any]) -> Any:
        scheduler = self.pipeline.scheduler
        own = kind.from_pipe(
            self.pipeline, scheduler=type(scheduler).from_config(scheduler.config), dtype=self.pipeline.dtype
        )
        own.set_progress_bar_config(disable=True)
        return own


def load_pipeline(kind: type[Any], files: Path, device: Device, **components: Any) -> SharedPipeline:
    """The pipeline of class `kind` in the folder `files`, ready on `device` in its number format.

    Convolutional networks lie in memory with their channels last; `components` replace those of the repository, and
    None leaves one out.
    """
    configure_torch()
    # The page says how far a load is, and `from_pipe` warns at every request of what is no fault.
    diffusers_logging.set_verbosity_error()
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    return placed(kind.from_pretrained(files, dtype=getattr(torch, device.precision), **SAFE, **components), device)


def placed(pipeline: Any, device: Device) -> SharedPipeline:
    """`pipeline`, ready on `device`."""
    pipeline.to(device.kind)
    for component in pipeline.components.values():
        if isinstance(component, nn.Module) and any(isinstance(part, nn.Conv2d) for part in component.modules()):
            component.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if hasattr(pipeline, "vae") and hasattr(pipeline.vae, "enable_slicing"):
        pipeline.vae.enable_slicing()  # one picture after the other: decoding takes more memory than all the steps
    accelerate(pipeline, device)
    return SharedPipeline(pipeline, device)


def _listener(pipeline: Any, after_step: Callable[[int, Tensor], None]) -> dict[str, Any]:
    """The argument by which the pipeline calls `after_step` with the number of each step and its latents."""

    def on_step_end(pipeline: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        after_step(step, tensors["latents"])
        return tensors

    if "callback_on_step_end" in signature(pipeline.__call__).parameters:
        return {"callback_on_step_end": on_step_end}
    return {"callback": lambda step, timestep, latents: after_step(step, latents)}  # one of the first pipelines


def _sigma(scheduler: Any) -> float:
    """Where the scheduler stands after its last step."""
    step = getattr(scheduler, "step_index", None)
    return 0.0 if step is None or not hasattr(scheduler, "sigmas") else float(scheduler.sigmas[step])
