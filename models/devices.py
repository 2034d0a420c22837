"""The device policy, in one place: where a model runs, in which number format, on how many threads.

CUDA runs in bfloat16; the CPU does too where the processor multiplies it in hardware (AVX512-BF16 or AMX) and in
float32 elsewhere. Looking at the machine needs no torch, so that drawing the page stays quick.
"""

import ctypes
import gc
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from models.errors import OutOfMemoryError
from models.zero_gpu import lent_card, zero_gpu_here

Precision = Literal["bfloat16", "float32"]
_ZERO_GPU_MEMORY = 74_625_056_768
"""Bytes of the half of an H200 that ZeroGPU lends, as its own library tells them."""
_ZERO_GPU_WEIGHTS = 45_000_000_000
"""Bytes. With more, some of its machines count every second twice."""
_NOT_WORTH_A_LOAN = 1_000_000_000
"""Bytes that a model needs: a smaller one should cost no visitor the minutes a day that the card is lent to them."""


@dataclass(frozen=True)
class Device:
    """A place to run: `kind` is torch's own name for it, `memory` its size in bytes."""

    kind: Literal["cpu", "cuda"]
    name: str
    memory: int
    precision: Precision
    threads: int
    on_loan: bool = False
    """Whether it is there only during a call, as on ZeroGPU (models/zero_gpu.py)."""
    compiled: bool = False
    """Whether networks that denoise are compiled there: then the first picture of a new shape takes longer."""

    def takes(self, memory: Mapping[Any, int]) -> bool:
        """Whether a model that needs `memory` (bytes for each kind of device it runs on) belongs here."""
        return self.kind in memory and not (self.on_loan and min(memory.values()) < _NOT_WORTH_A_LOAN)


@cache
def available_devices() -> tuple[Device, ...]:
    """The devices of this machine, the fastest first; the CPU is always among them."""
    cuda = _cuda_device()
    return (cuda, _cpu_device()) if cuda else (_cpu_device(),)


def compiling(devices: Iterable[Device]) -> tuple[Device, ...]:
    """`devices`, with networks compiled on a graphics card. Not on one on loan: ZeroGPU does not support it, and each
    of its processes would begin anew."""
    return tuple(replace(device, compiled=device.kind == "cuda" and not device.on_loan) for device in devices)


def default_budget(device: Device) -> int:
    """Bytes that models may take: most of a graphics card, half of the main memory (the page needs some too)."""
    if device.on_loan:
        return min(device.memory, _ZERO_GPU_WEIGHTS)
    return int(device.memory * (0.9 if device.kind == "cuda" else 0.5))


def release_unused_memory() -> None:
    """Gives memory of dropped models back, to the driver too if torch uses one."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def load_within_memory(loader: Callable[[Path, Device], Any], folder: Path, device: Device, title: str) -> Any:
    """Calls `loader`; running out of memory becomes an `OutOfMemoryError` that a student can read."""
    try:
        return lent_card().place(lambda: loader(folder, device)) if device.on_loan else loader(folder, device)
    except Exception as error:
        # torch's own error has this name; asking by name spares the registry the import of torch.
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
            raise OutOfMemoryError(f"{title} does not fit into the memory that is left.") from error
        raise


@cache
def configure_torch() -> None:
    """Sets torch's thread count for the whole process, once: concurrent requests oversubscribe the cores otherwise."""
    import torch

    torch.set_num_threads(_cpu_device().threads)


def _cpu_device() -> Device:
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text()
    except OSError:  # not Linux: no way to ask cheaply, so the safe format
        cpuinfo = ""
    flags = next((line.split() for line in cpuinfo.splitlines() if line.startswith("flags")), [])
    name = next(
        (line.split(":", 1)[1].strip() for line in cpuinfo.splitlines() if line.startswith("model name")), "CPU"
    )
    fast_bfloat16 = "avx512_bf16" in flags or "amx_bf16" in flags
    return Device("cpu", name, _physical_memory(), "bfloat16" if fast_bfloat16 else "float32", _usable_cores())


def _usable_cores() -> int:
    # Linux knows which cores this process may use: in a container that is fewer than the machine has.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _physical_memory() -> int:
    try:  # a container's own limit, where there is one
        return int(Path("/sys/fs/cgroup/memory.max").read_text())
    except (OSError, ValueError):
        pass
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 8 << 30  # Windows: an assumption, low enough to be safe on a lecturer's laptop


def _cuda_device() -> Device | None:
    """The first CUDA device, asked of the driver itself, and only if the installed torch could use it."""
    if zero_gpu_here():  # no driver to ask: the card is elsewhere until it is lent
        return Device("cuda", "ZeroGPU", _ZERO_GPU_MEMORY, "bfloat16", _cpu_device().threads, on_loan=True)
    if metadata.version("torch").endswith("+cpu"):
        return None
    try:
        driver = ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
    except OSError:
        return None
    count, memory, name = ctypes.c_int(), ctypes.c_size_t(), ctypes.create_string_buffer(100)
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        return None
    driver.cuDeviceTotalMem_v2(ctypes.byref(memory), 0)
    driver.cuDeviceGetName(name, 100, 0)
    return Device("cuda", name.value.decode(), memory.value, "bfloat16", _cpu_device().threads)
