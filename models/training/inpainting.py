"""Trains the network of inpainting: `python -m models.training.inpainting RUN PHOTOGRAPHS`, again and again.

PHOTOGRAPHS is a folder or a tar file. Everything else lives in the folder RUN: the checkpoint, the losses, the held-out
figures and `samples/`. `--release` does not train: it writes the weights of the checkpoint as they are.
"""

import argparse
import os
import random
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from models.backends.gated_convolution import SIDE, GatedUNet, interpolated
from models.training.holes import random_holes
from models.training.photographs import is_held_out, middle_square, photographs, random_square
from models.training.precision import mixed_precision
from models.training.run import Losses, Run, release

STEPS = 4000
BATCH = 8
LEARNING_RATE = 1e-3
WEIGHTS = Path("models/weights/inpainting/gated-unet.safetensors")
HOLE_WEIGHT = 6.0
"""Of a missing pixel in the loss against a known one, as in Liu et al. 2018."""
SCALES = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of the run: goes on from the checkpoint in it")
    parser.add_argument("photographs", type=Path, help="folder or tar file of photographs")
    parser.add_argument("--steps", type=int, default=STEPS, help="steps in all")
    parser.add_argument("--release", action="store_true", help="write the weights that the checkpoint holds")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    (arguments.run / "samples").mkdir(parents=True, exist_ok=True)
    training: list[Image.Image] = []
    held_out: list[Image.Image] = []
    for name, photograph in photographs(arguments.photographs):
        (held_out if is_held_out(name) else training).append(photograph)

    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = GatedUNet().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    run = Run(arguments.run / "gated-unet.pt", {"unet": network}, LEARNING_RATE, arguments.steps, ema=0.998)

    def losses(generator: torch.Generator) -> Losses:
        draw = random.Random(generator.initial_seed())
        truth, holes = examples([draw.choice(training) for _ in range(BATCH)], draw)
        return errors(network, truth.to(device), holes.to(device))

    def look() -> dict[str, float]:
        average = run.averages["unet"]
        sample_sheet(average, held_out[:12]).save(arguments.run / "samples" / f"{run.done:06}.png")
        return held_out_errors(average, held_out)

    finished = arguments.release or run.train(losses, look=look)
    if finished:
        figures = look()
        release(
            run.averages["unet"],
            WEIGHTS,
            {
                "photographs": len(training),
                "held out photographs": len(held_out),
                "steps": run.done,
                "of steps": run.steps,
                "batch": BATCH,
                "hours": round(run.seconds / 3600, 2),
                "loss": run.history[-1][1] if run.history else None,
                "mean absolute error inside the hole, of 255": figures,
            },
        )


def examples(chosen: list[Image.Image], draw: random.Random) -> tuple[Tensor, Tensor]:
    """Squares [n, 3, 128, 128] in [-1, 1] and holes [n, 1, 128, 128]."""
    squares = np.stack([random_square(photograph, SIDE, draw) for photograph in chosen])
    truth = torch.from_numpy(squares).permute(0, 3, 1, 2).float() / 127.5 - 1
    holes = torch.from_numpy(np.stack([random_holes(SIDE, draw) for _ in chosen]))
    return truth.contiguous(memory_format=torch.channels_last), holes[:, None].float()


def errors(network: nn.Module, truth: Tensor, holes: Tensor) -> Losses:
    """L1 at several scales, and of the differences between neighbours, with the hole weighted up."""
    with mixed_precision(truth.device.type):
        foreseen = network(truth, holes)
    difference = foreseen.float() - truth
    weight = 1 + (HOLE_WEIGHT - 1) * holes
    edges = sum((difference.diff(dim=axis).abs() * weight.narrow(axis, 1, SIDE - 1)).mean() for axis in (2, 3))
    parts: Losses = {"edges": 0.5 * torch.as_tensor(edges)}
    filled = difference * holes
    parts["pixels"] = (difference.abs() * weight).mean()
    for scale in range(1, SCALES):
        filled = functional.avg_pool2d(filled, 2)
        parts[f"1/{2**scale}"] = HOLE_WEIGHT * filled.abs().mean()
    return parts


def fixed_holes(count: int) -> Tensor:
    """The same holes [count, 1, 128, 128] every time, for held-out photographs."""
    return torch.from_numpy(np.stack([random_holes(SIDE, random.Random(i)) for i in range(count)]))[:, None].float()


def squares(held_out: list[Image.Image]) -> Tensor:
    """The middles [n, 3, 128, 128] of photographs, in [-1, 1]."""
    pixels = np.stack([np.asarray(middle_square(photograph, SIDE)) for photograph in held_out])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1


@torch.no_grad()
def held_out_errors(network: nn.Module, held_out: list[Image.Image]) -> dict[str, float]:
    """Mean absolute error inside the holes, of 255: the network's, and that of the smooth interpolation."""
    truth, holes = squares(held_out), fixed_holes(len(held_out))
    device = next(network.parameters()).device
    foreseen = network(truth.to(device), holes.to(device)).cpu()
    return {
        name: round((127.5 * ((guess.clamp(-1, 1) - truth).abs() * holes).sum() / holes.sum() / 3).item(), 2)
        for name, guess in (("network", foreseen), ("interpolation", interpolated(truth, holes)))
    }


@torch.no_grad()
def sample_sheet(network: nn.Module, held_out: list[Image.Image]) -> Image.Image:
    """Held-out photographs: with the hole, smoothly interpolated, filled by the network, true, one above the other."""
    truth, holes = squares(held_out), fixed_holes(len(held_out))
    device = next(network.parameters()).device
    foreseen = network(truth.to(device), holes.to(device)).cpu()
    lines = [
        torch.where(holes > 0, guess, truth) for guess in (torch.ones_like(truth), interpolated(truth, holes), foreseen)
    ]
    pixels = torch.cat([torch.cat(list(line), 2) for line in (*lines, truth)], 1)
    return Image.fromarray(((pixels.permute(1, 2, 0) + 1) * 127.5).clamp(0, 255).round().byte().numpy())


if __name__ == "__main__":
    main()
