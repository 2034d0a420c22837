"""Trains the denoising network on both sets of pictures at once, and bounds its likelihood."""

import math
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from models.backends.small_diffusion import HIGHEST_SNR, SmallUNet, clean_and_noise, cosine_snr
from models.small_pictures import LABELS
from models.training.precision import mixed_precision
from models.training.run import Losses, Run
from models.training.small_pictures import PictureSet, batch

STEPS = 3600
BATCH = 64


def train(run_folder: Path, sets: dict[str, PictureSet], steps: int = STEPS) -> Run:
    """Half of each batch is fashion, half digits: one network learns both, told which of the 20 classes it draws."""
    torch.manual_seed(0)
    network = SmallUNet()
    run = Run(run_folder / "diffusion.pt", {"unet": network}, 1.5e-3, steps, ema=0.998)
    # Compiled, a step takes half the time on a CPU.
    compiled: nn.Module = torch.compile(network)  # type: ignore[assignment]
    pictures = {name: torch.tensor(part.train) for name, part in sets.items()}
    labels = {name: torch.tensor(part.train_labels) + 10 * list(LABELS).index(name) for name, part in sets.items()}

    def losses(generator: torch.Generator) -> Losses:
        drawn = [(name, *batch(pictures[name], BATCH // len(sets), generator)) for name in sets]
        clean = torch.cat([part for _, part, _ in drawn])
        told = torch.cat([labels[name][chosen] for name, _, chosen in drawn])
        # Spread evenly within each set, so that every batch sees all amounts of noise.
        size = BATCH // len(sets)
        times = torch.cat([(torch.arange(size) + torch.rand(size, generator=generator)) / size for _ in sets])
        snr = cosine_snr(times)
        noise = torch.randn(clean.shape, generator=generator)
        return {"velocity": _velocity_error(compiled, clean, noise, snr, told)}

    run.train(losses)
    return run


def _velocity_error(network: nn.Module, clean: Tensor, noise: Tensor, snr: Tensor, labels: Tensor) -> Tensor:
    alpha, sigma = snr.sigmoid().sqrt()[:, None, None, None], (-snr).sigmoid().sqrt()[:, None, None, None]
    with mixed_precision("cpu"):
        velocity = network(alpha * clean + sigma * noise, snr, labels)
    error: Tensor = velocity.float() - (alpha * noise - sigma * clean)
    return error.square().mean()


def release(run: Run, folder: Path) -> None:
    """Writes the averaged weights in float16."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        {n: t.half().contiguous() for n, t in run.averages["unet"].state_dict().items()}, folder / "unet.safetensors"
    )


@torch.no_grad()
def bits(network: nn.Module, held_out: Tensor, labels: Tensor) -> float:
    """At most so many bits per pixel on grey values [N, 28, 28] with their classes: the variational bound in continuous
    time (Kingma et al. 2021).

    Told the class, the network needs log2(10) bits less for each picture; they are added here.
    """
    generator = torch.Generator().manual_seed(0)
    nats = torch.zeros(())
    for grey_values, told in zip(torch.split(held_out, 200), torch.split(labels, 200), strict=True):
        clean = grey_values[:, None].float() / 127.5 - 1
        noise = torch.randn(clean.shape, generator=generator)
        snr = ((torch.arange(len(clean)) + torch.rand(1, generator=generator)) / len(clean) * 2 - 1) * HIGHEST_SNR
        alpha, sigma = snr.sigmoid().sqrt()[:, None, None, None], (-snr).sigmoid().sqrt()[:, None, None, None]
        noisy = alpha * clean + sigma * noise
        foreseen, _ = clean_and_noise(noisy, network(noisy, snr, told), snr)
        errors = (clean - foreseen.clamp(-1, 1)).square().flatten(1).sum(1)
        nats += (HIGHEST_SNR * snr.exp() * errors).sum() + _ends(clean, generator)
    return float(nats / len(held_out) / 784 / math.log(2) + math.log2(10) / 784)


def _ends(clean: Tensor, generator: torch.Generator) -> Tensor:
    """What the two ends of the path cost in nats: noise that is not quite pure, and grey values read off at the end."""
    signal = 1 / (1 + math.exp(HIGHEST_SNR))
    start = 0.5 * (signal * clean.square() - signal - math.log1p(-signal)).sum()
    seen = clean + math.exp(-HIGHEST_SNR / 2) * torch.randn(clean.shape, generator=generator)
    values = torch.arange(256) / 127.5 - 1
    scores = (-0.5 * math.exp(HIGHEST_SNR) * (seen.flatten()[:, None] - values).square()).log_softmax(-1)
    truth = ((clean.flatten() + 1) * 127.5).round().long()
    return start - scores[torch.arange(len(truth)), truth].sum()
