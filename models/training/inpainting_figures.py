"""Compares the ways to fill a hole on held-out photographs: `python -m models.training.inpainting_figures PHOTOGRAPHS`.

The holes are fixed: strokes and boxes on the middle square of each photograph, at 256 x 256 pixels. PSNR is taken
inside the hole alone; SSIM, which looks at whole windows, over the smallest box around it. Blur scores well on both:
they reward the mean of all answers.
"""

import argparse
import math
import random
import time
from collections.abc import Iterator
from importlib import import_module
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.devices import available_devices
from models.image_metrics import luma, ssim
from models.inpainting import Inpainted, Inpainter, InpaintingRequest
from models.locations import default_cache
from models.spec import ModelSpec
from models.specs.inpainting import INPAINTING
from models.store import WeightStore
from models.training.holes import random_holes
from models.training.photographs import is_held_out, middle_square, photographs

SIDE = 256


def cases(source: Path) -> Iterator[InpaintingRequest]:
    """A request for each held-out photograph."""
    held_out = (picture for name, picture in photographs(source) if is_held_out(name))
    for number, photograph in enumerate(held_out):
        yield InpaintingRequest(middle_square(photograph, SIDE), random_holes(SIDE, random.Random(number)))


def psnr_inside(filled: Image.Image, original: Image.Image, hole: NDArray[np.bool_]) -> float:
    """PSNR in dB of the luma of the pixels in the hole."""
    error = float(np.mean((luma(filled) - luma(original))[hole] ** 2))
    return 10 * math.log10(255**2 / error) if error else math.inf


def ssim_around(filled: Image.Image, original: Image.Image, hole: NDArray[np.bool_]) -> float:
    """SSIM over the smallest box that holds the hole."""
    rows, columns = (np.nonzero(hole.any(axis))[0] for axis in (1, 0))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    return ssim(filled.crop(box), original.crop(box))


def figures(spec: ModelSpec, store: WeightStore, requests: list[InpaintingRequest]) -> dict[str, float]:
    """Means over all requests, and the seconds that one takes."""
    module, _, function = spec.loader.partition(":")
    inpainter: Inpainter = getattr(import_module(module), function)(store.fetch(spec.weights), available_devices()[0])
    started = time.perf_counter()
    scores = []
    for request in requests:
        *_, result = inpainter.inpaint(request)
        assert isinstance(result, Inpainted)
        pair = (result.image, request.image, request.mask)
        scores.append((psnr_inside(*pair), ssim_around(*pair)))
    took = (time.perf_counter() - started) / len(requests)
    psnr, similarity = np.mean(scores, 0)
    return {"PSNR, dB": float(psnr), "SSIM": float(similarity), "seconds": took}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path, help="the folder or tar file that the network was trained on")
    parser.add_argument("--count", type=int, default=1000, help="photographs at most")
    arguments = parser.parse_args()
    requests = list(islice(cases(arguments.photographs), arguments.count))
    print(f"{len(requests)} held-out photographs, {SIDE} x {SIDE}")
    for spec in INPAINTING:
        told = figures(spec, WeightStore(default_cache()), requests)
        print(f"{spec.title:<28}", ", ".join(f"{name} {value:.3f}" for name, value in told.items()), flush=True)


if __name__ == "__main__":
    main()
