"""One training run of the text-to-image model: its objective, its sample sheets, its release."""

import json
import math
from pathlib import Path
from typing import cast

import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn

from models.backends.pixel_dit import (
    NEAREST_TO_DATA,
    CaptionEncoder,
    PixelDiT,
    noise,
    sample,
)
from models.text_to_image import Sampling
from models.training.caption_dataset import Batch
from models.training.precision import mixed_precision
from models.training.run import Losses, Run, release
from models.training.text_to_image.composed_data import PlainPictures

PROMPTS = (
    "an apple",
    "a cat, flat emoji",
    "a birthday cake",
    "a guitar, photo",
    "a rocket",
    "a sunflower",
    "a green cat",
    "a blue apple",
    "a pink elephant",
    "two red hearts",
    "three green apples",
    "four purple stars",
    "a red car left of a blue house",
    "a castle on a cloud",
    "a tiny dog",
    "a huge key",
    "a dog wearing a top hat",
    "a panda wearing a crown",
    "an armchair in the shape of an avocado",
    "a chair made of watermelon",
    "a house made of bricks",
    "a blue square with a hole in the shape of a cat",
    "a store front with the word OPEN on it",
    "the red letter A",
)
"""What the sample sheets show, always with the same seeds."""


class Objective:
    """The velocity error of the clean pictures that the network foresees, on one batch after the other."""

    def __init__(self, data: PlainPictures, device: torch.device, batch: int = 64) -> None:
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
def sample_sheet(network: PixelDiT, encoder: CaptionEncoder) -> Image.Image:
    """One picture for each of `PROMPTS` as the gallery draws it, twice as large, with the prompt below."""
    asked = Sampling()
    device = next(network.parameters()).device
    text = encoder.encode(PROMPTS).to(device)
    none = encoder.encode([""] * len(PROMPTS)).to(device)
    start = noise(range(len(PROMPTS)), network.config.image_size).to(device)
    with mixed_precision(device.type):
        *_, last = sample(network, text, none, start, steps=asked.steps, guidance=asked.guidance, solver="euler")
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


def begin(
    checkpoint: Path,
    network: PixelDiT,
    steps: int,
    ema: float,
    falling: int = 0,
    log_every: int = 25,
    learning_rate: float = 1e-3,
) -> Run:
    """A run, from its checkpoint if there is one; the learning rate falls over the last `falling` steps."""
    return Run(
        checkpoint,
        {"network": network},
        learning_rate=learning_rate,
        steps=steps,
        ema=ema,
        betas=(0.9, 0.95),
        weight_decay=0.01,
        warm_up=200,
        falling=falling / steps,
        log_every=log_every,
    )
