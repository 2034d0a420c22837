"""One set of loaded diffusers weights, used through as many pipeline classes as there are tabs for it.

A pipeline holds state of the request it runs (its scheduler, above all), so each request gets a pipeline of its own:
`from_pipe` shares every network and copies none (https://huggingface.co/docs/diffusers: a server for many users).
"""

import gc
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import torch
from diffusers import DiffusionPipeline
from torch import Tensor, nn

from models.devices import Device, configure_torch
from models.errors import OutOfMemoryError

SAFE: dict[str, Any] = {"use_safetensors": True, "local_files_only": True, "trust_remote_code": False}
"""What every `from_pretrained` of the gallery is told: no pickled weights, no network, no code from a repository."""


@dataclass(frozen=True)
class Denoised:
    """After step `done` of `total`: the latents as the scheduler left them, packed as the pipeline has them."""

    done: int
    total: int
    latents: Tensor


class _NobodyListens(Exception):
    """Raised from inside a pipeline to end it between two steps. Setting `_interrupt` would still decode."""


class SharedPipeline:
    """Loaded networks, run one request at a time. `make_room` is set by the registry: it unloads idle models."""

    def __init__(self, pipeline: DiffusionPipeline, device: Device) -> None:
        self.pipeline = pipeline
        self.device = device
        self.make_room: Callable[[], None] = lambda: None
        self._lock = threading.Lock()

    def seeded(self, seed: int) -> torch.Generator:
        """On the CPU, so that a seed means the same on every machine."""
        return torch.Generator().manual_seed(seed % 2**63)

    def run(self, kind: type[Any], count: int, arguments: Callable[[slice], dict[str, Any]]) -> Iterator[Any]:
        """Calls a pipeline of class `kind` for `count` pictures; yields `Denoised` after each step, its `images` last.

        `arguments(part)` are those of the pictures in that slice. Where memory runs out, it unloads idle models, then
        decodes in tiles, then takes half of the pictures at a time, down to one; then it raises `OutOfMemoryError`.
        Closing the iterator ends the work at the next step.
        """
        with self._lock:
            images: list[Any] = []
            size, spared = count, 0
            while len(images) < count:
                part = slice(len(images), min(count, len(images) + size))
                short_of_memory = False
                try:
                    made = yield from self._call(kind, arguments(part))
                except torch.OutOfMemoryError:
                    # What follows waits until this block is left: the exception holds the tensors of the attempt.
                    short_of_memory = True
                if not short_of_memory:
                    images.extend(made)
                    continue
                gc.collect()
                if spared == 0:
                    self.make_room()
                elif spared == 1 and hasattr(self.pipeline, "vae") and hasattr(self.pipeline.vae, "enable_tiling"):
                    self.pipeline.vae.enable_tiling()
                elif size > 1:
                    size //= 2
                else:
                    raise OutOfMemoryError("This is too large for the memory that is left; ask for a smaller picture.")
                spared += 1
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
            yield images

    def _call(self, kind: type[Any], arguments: dict[str, Any]) -> Any:
        """One call of the pipeline on a thread of its own, because it returns only when it is done."""
        pipeline = self._own(kind)
        said: SimpleQueue[Any] = SimpleQueue()
        stopped = threading.Event()
        worker = threading.Thread(target=_run, args=(pipeline, arguments, said, stopped), daemon=True)
        worker.start()
        try:
            while not isinstance(step := said.get(), (list, BaseException)):
                yield step
        finally:
            stopped.set()
            worker.join()
        if isinstance(step, BaseException):
            raise step
        return step

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
    pipeline = kind.from_pretrained(files, dtype=getattr(torch, device.precision), **SAFE, **components)
    pipeline.to(device.kind)
    for component in pipeline.components.values():
        if isinstance(component, nn.Module) and any(isinstance(part, nn.Conv2d) for part in component.modules()):
            component.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return SharedPipeline(pipeline, device)


def _run(pipeline: Any, arguments: dict[str, Any], said: "SimpleQueue[Any]", stopped: threading.Event) -> None:
    def after_step(pipeline: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        if stopped.is_set():
            raise _NobodyListens
        said.put(Denoised(step + 1, pipeline.num_timesteps, tensors["latents"].detach()))
        return tensors

    try:
        with torch.inference_mode():
            said.put(list(pipeline(**arguments, callback_on_step_end=after_step).images))
    except BaseException as error:  # noqa: BLE001 - it is the listener's
        said.put(error)
