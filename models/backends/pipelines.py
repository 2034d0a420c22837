"""One set of loaded diffusers weights, used through as many pipeline classes as there are tabs for it.

A pipeline holds state of the request it runs (its scheduler, above all), so each request gets a pipeline of its own:
`from_pipe` shares every network and copies none (https://huggingface.co/docs/diffusers: a server for many users).
"""

import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

import torch
from diffusers.utils import logging as diffusers_logging
from torch import Tensor, nn
from transformers.utils import logging as transformers_logging

from models.backends.acceleration import accelerate, enough_versions
from models.devices import Device, configure_torch, release_unused_memory
from models.errors import OutOfMemoryError

SAFE: dict[str, Any] = {"use_safetensors": True, "local_files_only": True, "trust_remote_code": False}
"""What every `from_pretrained` of the gallery is told: no pickled weights, no network, no code from a repository."""

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


@dataclass(frozen=True)
class _Step:
    """As `Denoised`, of one call."""

    done: int
    total: int
    latents: Tensor
    sigma: float


class _NobodyListens(Exception):
    """Raised from inside a pipeline to end it between two steps. Setting `_interrupt` would still decode."""


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
        said: SimpleQueue[_Step | list[Any] | BaseException] = SimpleQueue()
        stopped = threading.Event()
        work = (pipeline, arguments, said, stopped, self.device)
        worker = threading.Thread(target=_run, args=work, name="pipeline", daemon=True)
        worker.start()
        taken = 0
        try:
            while isinstance(step := said.get(), _Step):
                taken = step.done
                yield Denoised(before + taken, before + parts_to_go * step.total, step.latents, part, taken, step.sigma)
        finally:
            stopped.set()
            worker.join()
        if isinstance(step, BaseException):
            raise step
        return step, taken

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


def _run(
    pipeline: Any, arguments: dict[str, Any], said: "SimpleQueue[Any]", stopped: threading.Event, device: Device
) -> None:
    def tell(step: int, latents: Tensor) -> None:
        if stopped.is_set():
            raise _NobodyListens
        total = getattr(pipeline, "num_timesteps", len(pipeline.scheduler.timesteps))
        said.put(_Step(step + 1, total, latents.detach(), _sigma(pipeline.scheduler)))

    def after_step(pipeline: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        tell(step, tensors["latents"])
        return tensors

    listener: dict[str, Any] = {"callback_on_step_end": after_step}
    if "callback_on_step_end" not in signature(pipeline.__call__).parameters:  # one of the first pipelines
        listener = {"callback": lambda step, timestep, latents: tell(step, latents)}
    try:
        with torch.inference_mode(), enough_versions(device):
            said.put(list(pipeline(**arguments, **listener).images))
    except BaseException as error:  # noqa: BLE001 - it is the listener's
        said.put(error)


def _sigma(scheduler: Any) -> float:
    """Where the scheduler stands after its last step."""
    step = getattr(scheduler, "step_index", None)
    return 0.0 if step is None or not hasattr(scheduler, "sigmas") else float(scheduler.sigmas[step])
