"""Real-ESRGAN, enlarging four times: our PyTorch port against ncnn on the same weights, and the memory each needs.

    python -m tests.benchmarks.super_resolution [--sides 128 256] [--repeats 5]

The engines take turns, so that whatever else the machine does meets all of them; medians are compared. Ours is timed
from picture to picture, ncnn from numbers to numbers.
"""

import argparse
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from models.devices import Device, Precision, available_devices
from models.locations import default_cache
from models.pinned import REAL_ESRGAN
from models.specs.super_resolution import SUPER_RESOLUTION
from models.store import WeightStore
from models.tasks import UpscaleRequest
from tests.ncnn_reference import NETWORKS, STRUCTURES, NcnnNet

COFFEE = Path(__file__).parents[2] / "assets" / "examples" / "coffee.png"
PRECISIONS: tuple[Precision, ...] = ("bfloat16", "float32")
CPU = available_devices()[-1]


def load(model: str, files: Path, device: Device) -> Callable[[Image.Image], object]:
    """Our port as a function of a picture."""
    from importlib import import_module

    (spec,) = (spec for spec in SUPER_RESOLUTION if spec.id == model)
    module, function = spec.loader.split(":")
    upscaler = getattr(import_module(module), function)(files, device)
    return lambda image: list(upscaler.upscale(UpscaleRequest(image)))[-1]


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def engines(model: str, files: Path, structures: Path, image: Image.Image) -> dict[str, Callable[[], object]]:
    """What takes part in the race, by name."""
    network = NcnnNet(structures / f"{NETWORKS[model]}.param", files / f"{NETWORKS[model]}.bin", CPU.threads)
    pixels = np.ascontiguousarray(np.asarray(image, np.float32).transpose(2, 0, 1) / np.float32(255))
    ours = {precision: load(model, files, replace(CPU, precision=precision)) for precision in PRECISIONS}
    return {
        "ncnn float32": lambda: network(pixels),
        **{f"ours {precision}": lambda ours=ours[precision]: ours(image) for precision in PRECISIONS},  # type: ignore[misc]
    }


def peak_memory(model: str, files: Path, precision: Precision, side: int) -> int:
    """Growth of the resident set, in bytes, from before loading to the highest point of one request (Linux)."""
    import torch  # noqa: F401 - not the model's own

    before = resident("VmRSS")
    load(model, files, replace(CPU, precision=precision))(picture(side))
    return resident("VmHWM") - before


def resident(key: str) -> int:
    """Resident set of this process in bytes: now (`VmRSS`) or at its highest (`VmHWM`)."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) * 1024


def picture(side: int) -> Image.Image:
    """A photograph of `side` x `side` pixels."""
    photograph = Image.open(COFFEE).convert("RGB")
    shorter = min(photograph.size)
    return photograph.crop((0, 0, shorter, shorter)).resize((side, side), Image.Resampling.LANCZOS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sides", type=int, nargs="+", default=[128, 256], help="of the input, in pixels")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--models", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--memory-side", type=int, default=512, help="of the input whose peak memory is measured")
    options = parser.parse_args()

    store = WeightStore(default_cache())
    files, structures = store.fetch(REAL_ESRGAN), store.fetch(STRUCTURES)
    print(f"{CPU.name}, {CPU.threads} threads, load average {os.getloadavg()[0]:.1f}\n")
    print("| model | input | engine | median s | fastest s | median against ncnn |\n|---|---|---|---|---|---|")
    for model in options.models:
        for side in options.sides:
            race = engines(model, files, structures, picture(side))
            for work in race.values():
                work()
            rounds = [{name: seconds(work) for name, work in race.items()} for _ in range(options.repeats)]
            ncnn_median = statistics.median(times["ncnn float32"] for times in rounds)
            for name in race:
                times = [times[name] for times in rounds]
                median = statistics.median(times)
                ratio = f"{median / ncnn_median:.2f}"
                print(f"| {model} | {side} px | {name} | {median:.2f} | {min(times):.2f} | {ratio} |", flush=True)

    print(f"\n| model | precision | peak memory at {options.memory_side} px |\n|---|---|---|")
    processes = multiprocessing.get_context("spawn")
    for model in options.models:
        for precision in PRECISIONS:
            with processes.Pool(1) as fresh:
                peak = fresh.apply(peak_memory, (model, files, precision, options.memory_side))
            print(f"| {model} | {precision} | {peak / 1e6:.0f} MB |", flush=True)


if __name__ == "__main__":
    main()
