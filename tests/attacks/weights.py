"""Models: damaged ones, ones of another task, and ones that work for nobody."""

import os
import shutil
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.locations import default_cache
from tests.attacks.attack import Outcome, attack
from tests.attacks.honest import png
from tests.served_gallery import ServedGallery, served_gallery
from tests.visitor import Visitor


@dataclass(frozen=True)
class Cached:
    """A model whose weights lie in the visitor's own cache, and a call that it answers."""

    model: str
    weights: str
    endpoint: str
    values: tuple[Any, ...]


PICTURE = object()
"""Stands for an upload."""
CACHED = (
    Cached("dcgan-faces", "digiface-dcgan", "generate_images", (1, 0, "dcgan-faces", "", 0)),
    Cached("learnt-styles", "style-transfer", "style_transfer", (PICTURE, "Embers", 1, "learnt-styles", None, False)),
    Cached("smollm2-135m", "smollm2-135m-instruct-q4_1", "continue_text", ("Once", 3, 0.8, 0.95, 7, "smollm2-135m")),
)


@attack(5)
def damaged_weights(_: ServedGallery) -> Outcome:
    """4 kB in the middle of each file of a cache are flipped, sizes unchanged; a gallery without a network uses it."""
    with tempfile.TemporaryDirectory(prefix="damaged-cache-") as name:
        cache = Path(name)
        for one in CACHED:
            for folder in default_cache().glob(f"{one.weights}-*"):
                if folder.is_dir():
                    shutil.copytree(folder, cache / folder.name)
        for file in cache.rglob("*"):
            if file.is_file() and file.stat().st_size > 100_000:
                _flip(file)
        there = [one for one in CACHED if any(cache.glob(f"{one.weights}-*"))]
        assert there, "fetch the models first: python -m models fetch"
        answered = []
        with served_gallery(["--offline", "--cache", str(cache)]) as gallery, Visitor(gallery.address) as visitor:
            picture = visitor.upload(png(), "small.png")
            for one in there:
                values = [picture if value is PICTURE else value for value in one.values]
                if visitor.ask(one.endpoint, values, within=120).success:
                    answered.append(one.model)
    return Outcome(f"{len(answered)} of {len(there)} damaged models answer", not answered, ", ".join(answered))


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4096] = bytes(byte ^ 0xFF for byte in content[middle : middle + 4096])
    times = file.stat()
    file.write_bytes(content)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


@attack(5)
def cache_that_cannot_be_written(_: ServedGallery) -> Outcome:
    """The cache is no folder; the sentence about it must not tell where it would be."""
    with tempfile.TemporaryDirectory(prefix="no-cache-") as name:
        (Path(name) / "file").touch()
        with served_gallery(["--cache", f"{name}/file/cache"]) as gallery, Visitor(gallery.address) as visitor:
            answer = visitor.ask(CACHED[0].endpoint, list(CACHED[0].values), within=120)
            table = visitor.now(_refresh(visitor), []).text
    told = name in answer.text or name in table
    return Outcome(
        f"{'tells' if told else 'does not tell'} the folder", not told, str(answer.error)[:80].replace(name, "(folder)")
    )


@attack(7, alone=True)
def model_of_another_task(gallery: ServedGallery) -> Outcome:
    """Each endpoint is asked for a model that cannot do its task: which are loaded before the refusal?"""
    models = {
        "generate_images": "progress-gan",
        "super_resolution": "progress-vae",
        "inpaint": "progress-pca",
        "colorize": "progress-mixture",
        "style_transfer": "character-lstm",
        "translate_image": "markov-chain",
        "speak": "dcgan-faces",
        "audio_super_resolution": "wavenet",
        "wavenet": "speech-4-to-16-khz",
        "continue_text": "cubic-spline",
        "translate": "bicubic",
        "complete_code": "levin-2004",
        "text_to_image": "inpainting-network",
        "stroke_to_image": "inpainting-telea",
    }
    with Visitor(gallery.address, timeout=120) as visitor:
        refused = 0
        for endpoint, model in models.items():
            number = visitor.number(endpoint)
            labels = [visitor.components[id]["props"].get("label") for id in _inputs(visitor, number)]
            values = visitor.defaults(number)
            for place, kind in enumerate(visitor.kinds(number)):
                if kind == "image":
                    values[place] = visitor.upload(png(), "small.png")
            values[0] = values[0] or "a"
            if "model" in labels:
                values[labels.index("model")] = model
            else:
                values[1] = model
            refused += not visitor.ask(number, values, within=120).success
        table = visitor.now(_refresh(visitor), []).text
    loaded = table.count("in memory")
    return Outcome(f"{refused} of {len(models)} refused, {loaded} models loaded", not loaded and refused == len(models))


@attack(11, alone=True)
def caller_who_leaves(gallery: ServedGallery) -> Outcome:
    """A caller of /continue_text goes away at once: does the model go on?"""
    values: list[Any] = ["Once upon a time", 200, 0.8, 0.95, 7, "smollm2-135m"]
    with Visitor(gallery.address, timeout=180) as visitor:
        visitor.ask("continue_text", values, within=180)
        started = time.monotonic()
        assert visitor.ask("continue_text", values, within=60).success
        whole = time.monotonic() - started
    with Visitor(gallery.address) as visitor:
        event = visitor.join("continue_text", values).json()["event_id"]
        with suppress(TimeoutError):
            visitor.hear(event, within=0.3)
    left, before, last = time.monotonic(), gallery.processor_seconds, 0.0
    while time.monotonic() - left < whole + 3:
        time.sleep(0.25)
        if gallery.processor_seconds - before > 0.1:
            last = time.monotonic() - left
        before = gallery.processor_seconds
    return Outcome(f"the model goes on for {last:.1f} s", last < 1.0, f"the whole call takes {whole:.1f} s")


def _inputs(visitor: Visitor, number: int) -> list[int]:
    inputs: list[int] = next(function["inputs"] for function in visitor.functions if function["id"] == number)
    return inputs


def _refresh(visitor: Visitor) -> int:
    """The function behind the button of the Models tab."""
    buttons = [id for id, component in visitor.components.items() if component["props"].get("value") == "Refresh"]
    return next(int(function["id"]) for function in visitor.functions if [buttons[0], "click"] in function["targets"])
