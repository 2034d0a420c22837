"""Writes the weights of the progress strip, and the figures of each model on pictures that it has not seen."""

import hashlib
import json
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from models.devices import Device
from models.small_pictures import LABELS, LARGEST_COUNT, SmallPictureGenerator, SmallPictureRequest, SmallPictures
from models.training.progress import density, diffusion, gan, vae
from models.training.progress.judge import Judge, make_judge
from models.training.run import Run
from models.training.small_pictures import PictureSet

SAMPLES = 960
"""Pictures by which a model is judged."""
DENOISING_STEPS = 25
BOUNDED = 2000
"""Held-out pictures on which the bound of the diffusion model is taken."""
CPU = Device("cpu", "CPU", 0, "float32", 1)


def release(run_folder: Path, sets: dict[str, PictureSet], weights: Path) -> None:
    """Weights into `weights`/progress-*, `figures.json` into `weights`/progress."""
    figures: dict[str, Any] = {kind: {} for kind in ("real", "mixture", "pca", "vae", "gan", "diffusion")}
    unet_run = diffusion.train(run_folder, sets, steps=0)
    diffusion.release(unet_run, weights / "progress-diffusion")
    judges = {data: make_judge(pictures) for data, pictures in sets.items()}
    for data, pictures in sets.items():
        vae_run = vae.train(run_folder, data, pictures, steps=0)
        gan_run = gan.train(run_folder, data, pictures, steps=0)
        for kind in ("mixture", "pca"):
            density.release(run_folder, kind, data, weights / f"progress-{kind}" / f"{data}.safetensors")
            seconds = float(np.load(run_folder / f"{kind}-{data}.npz")["seconds"])
            held_out_bits = density.bits(run_folder, kind, data, pictures.held_out)
            figures[kind][data] = {"bits": held_out_bits, "training_seconds": seconds}
        vae.release(vae_run, weights / "progress-vae" / f"{data}.safetensors")
        gan.release(gan_run, weights / "progress-gan" / f"{data}.safetensors")
        held_out = torch.tensor(pictures.held_out)
        figures["vae"][data] = {"bits": vae.bits(vae_run, held_out)} | _effort(vae_run)
        figures["gan"][data] = {"bits": None} | _effort(gan_run)
        labels = torch.tensor(pictures.held_out_labels) + 10 * list(LABELS).index(data)
        bits = diffusion.bits(unet_run.averages["unet"], held_out[:BOUNDED], labels[:BOUNDED])
        figures["diffusion"][data] = {"bits": bits} | _effort(unet_run)
        save_real_pictures(pictures, weights / "progress" / f"{data}-real.png")
        real = pictures.train[np.random.default_rng(0).choice(len(pictures.train), SAMPLES, replace=False)]
        figures["real"][data] = {"distance": judges[data].distance(real), "accuracy": judges[data].accuracy}
    for kind in ("mixture", "pca", "vae", "gan", "diffusion"):
        for data, pictures in sets.items():
            figures[kind][data] |= judge(kind, data, weights, judges[data], pictures)
            print(kind, data, figures[kind][data], flush=True)
        for file in sorted((weights / f"progress-{kind}").glob("*.safetensors")):
            content = file.read_bytes()
            print(f'{kind}: ("{file.name}", "{hashlib.sha256(content).hexdigest()}", {len(content):_}),', flush=True)
    (weights / "progress").mkdir(parents=True, exist_ok=True)
    (weights / "progress" / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")


def _effort(run: Run) -> dict[str, float]:
    return {"training_steps": run.done, "training_seconds": run.seconds}


def save_real_pictures(pictures: PictureSet, path: Path) -> None:
    """One held-out picture of each of the first eight classes, side by side."""
    first = [int(np.flatnonzero(pictures.held_out_labels == label)[0]) for label in range(8)]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(list(pictures.held_out[first]), 1)).save(path, optimize=True)


def judge(kind: str, data: str, weights: Path, judge: Judge, pictures: PictureSet) -> dict[str, float]:
    """The figures of a released model's samples: Fréchet distance, and how near they come to training pictures."""
    load: Callable[[Path, Device], SmallPictureGenerator] = import_module(f"models.backends.small_{kind}").load
    backend = load(weights / f"progress-{kind}", CPU)
    started = time.monotonic()
    drawn = []
    for seed in range(SAMPLES // LARGEST_COUNT):
        *_, last = backend.sample(SmallPictureRequest(data, LARGEST_COUNT, seed, DENOISING_STEPS))
        assert isinstance(last, SmallPictures)
        drawn.append(last.pictures)
    seconds = (time.monotonic() - started) / SAMPLES
    samples = np.concatenate(drawn)
    return {
        "distance": judge.distance(samples),
        "seconds_each": seconds,
        "nearest_training_picture": nearest(samples, pictures.train),
        "nearest_to_held_out": nearest(pictures.held_out[:SAMPLES], pictures.train),
    }


def nearest(pictures: NDArray[np.uint8], training: NDArray[np.uint8]) -> float:
    """The median distance, root mean square in grey values, from a picture to the nearest training picture."""
    points = pictures.reshape(len(pictures), -1).astype(np.float32)
    known = training.reshape(len(training), -1).astype(np.float32)
    products = (known**2).sum(1) - 2 * points @ known.T
    squares = products.min(1) + (points**2).sum(1)
    return float(np.median(np.sqrt(squares.clip(min=0) / points.shape[1])))
