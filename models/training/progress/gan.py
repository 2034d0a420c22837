"""Trains a generator against a discriminator on one set of pictures."""

from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

from models.backends.small_gan import LATENT, Discriminator, Generator
from models.training.precision import mixed_precision
from models.training.run import Losses, Run
from models.training.small_pictures import PictureSet, batch

STEPS = 2000
BATCH = 64


def train(run_folder: Path, data: str, pictures: PictureSet, steps: int = STEPS) -> Run:
    """The game with the non-saturating loss: one step of the discriminator, one of the generator."""
    torch.manual_seed(0)
    generator, discriminator = Generator(), Discriminator()
    for module in generator.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, std=0.05)
    networks = {"generator": generator, "discriminator": discriminator}
    run = Run(run_folder / f"gan-{data}.pt", networks, 5e-4, steps, ema=0.998, betas=(0.5, 0.99))
    real_pictures = torch.tensor(pictures.train)

    def losses(random: torch.Generator) -> Losses:
        discriminator.requires_grad_(True)
        # On a CPU that multiplies bfloat16 in hardware a step takes two thirds of the time.
        with mixed_precision("cpu"):
            real, _ = batch(real_pictures, BATCH, random)
            drawn = generator(torch.randn(BATCH, LATENT, generator=random))
            real_score, drawn_score = discriminator(real).float(), discriminator(drawn.detach()).float()
        told = F.softplus(-real_score).mean() + F.softplus(drawn_score).mean()
        run.descend(told, "discriminator")
        discriminator.requires_grad_(False)
        with mixed_precision("cpu"):
            score = discriminator(drawn).float()
        return {"generator": F.softplus(-score).mean(), "discriminator": told.detach()}

    run.train(losses, lambda parts: run.descend(parts["generator"], "generator"))
    return run


@torch.no_grad()
def settled_generator(run: Run) -> Generator:
    """The averaged generator, with the batch statistics that belong to averaged weights."""
    generator = cast(Generator, run.averages["generator"])
    for module in generator.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the plain mean over all batches that follow
    random = torch.Generator().manual_seed(0)
    generator.train()
    for _ in range(50):
        generator(torch.randn(200, LATENT, generator=random))
    return generator.eval()


def release(run: Run, path: Path) -> None:
    """Writes the generator in float16."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = settled_generator(run).state_dict()
    save_file({n: t.half().contiguous() if t.is_floating_point() else t for n, t in weights.items()}, path)
