"""Trains a variational autoencoder on one set of pictures, and bounds its likelihood."""

import math
from pathlib import Path
from typing import cast

import torch
from safetensors.torch import save_file
from torch import Tensor

from models.backends.small_vae import Decoder, Encoder
from models.training.run import Losses, Run
from models.training.small_pictures import PictureSet, batch

STEPS = 3200
BATCH = 64


def train(run_folder: Path, data: str, pictures: PictureSet, steps: int = STEPS) -> Run:
    """Lowers the evidence bound: the pixels' log density under the decoder, less the divergence of z from normal."""
    torch.manual_seed(0)
    encoder, decoder = Encoder(), Decoder()
    run = Run(run_folder / f"vae-{data}.pt", {"encoder": encoder, "decoder": decoder}, 2e-3, steps, ema=0.998)
    train_pictures = torch.tensor(pictures.train)

    def losses(generator: torch.Generator) -> Losses:
        clean, _ = batch(train_pictures, BATCH, generator)
        clean = clean + torch.rand(clean.shape, generator=generator) * 2 / 255
        log_density, divergence = evidence(encoder, decoder, clean, generator)
        return {"pixels": -log_density.mean() / 784, "latent": divergence.mean() / 784}

    run.train(losses)
    return run


def evidence(encoder: Encoder, decoder: Decoder, clean: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """log p(x | z) at one z for each picture, and the divergence of q(z | x) from p(z), in nats, [B] each."""
    mean, log_variance = encoder(clean)
    z = mean + (log_variance / 2).exp() * torch.randn(mean.shape, generator=generator)
    errors = (clean - decoder(z)).square().flatten(1).sum(1)
    log_deviation = decoder.log_deviation
    log_density = -0.5 * errors * (-2 * log_deviation).exp() - 784 * (log_deviation + math.log(2 * math.pi) / 2)
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)
    return log_density, divergence


@torch.no_grad()
def bits(run: Run, held_out: Tensor) -> float:
    """At most so many bits per pixel on grey values [N, 28, 28]: the evidence bound."""
    generator = torch.Generator().manual_seed(0)
    encoder, decoder = cast(Encoder, run.averages["encoder"]), cast(Decoder, run.averages["decoder"])
    # Grey values v are spread over [v, v + 1), and one grey value is 2/255 wide on the scale of the network.
    spread = (held_out[:, None] + torch.rand(len(held_out), 1, 28, 28, generator=generator)) / 127.5 - 1
    log_density, divergence = evidence(encoder, decoder, spread, generator)
    return float(-(log_density - divergence).mean() / 784 / math.log(2) - math.log2(2 / 255))


def release(run: Run, path: Path) -> None:
    """Writes the averaged decoder in float16."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({n: t.half().contiguous() for n, t in run.averages["decoder"].state_dict().items()}, path)
