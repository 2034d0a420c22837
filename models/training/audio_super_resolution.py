"""Trains audio super-resolution: `python -m models.training.audio_super_resolution RUN`, stopped and started at will.

Everything lives in the folder RUN. The loss is the spectral energy distance (Gritsenko et al. 2020): two draws have to
be as near to the truth as they are to each other. Unlike a squared error, which makes the mean of all possible upper
bands and so a muffled one, it is least for draws from the true distribution. `--release` writes the weights as they are
now.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.audio_super_resolution import HIGH_RATE, LOW_RATE
from models.backends.widening_network import NOISES, SEEN_HOP, WideningNetwork
from models.resampling import low_pass
from models.training.precision import mixed_precision
from models.training.run import Losses, Run, release
from models.training.spoken_sentences import SpokenSentences, prepared, prepared_captions

STEPS = 4_000
BATCH = 8
CROP = 16_384
LEARNING_RATE = 1e-3
WINDOWS = (128, 512, 1024)
LOUDEST_CHANGE = 0.7
"""Every crop is made louder or quieter by up to exp(LOUDEST_CHANGE)."""
_FADE = 256
_FLOOR = 3e-4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of the run: goes on from the checkpoint in it")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/gallery-training", help="speech")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--release", action="store_true", help="train no further: write what there is")
    parser.add_argument("--weights", type=Path, default=Path("models/weights/audio-super-resolution"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.run.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    network = WideningNetwork().to(arguments.device)
    run = Run(arguments.run / "checkpoint.pt", {"network": network}, LEARNING_RATE, arguments.steps, 0.998, falling=0.4)
    sources = [prepared(arguments.cache).train, prepared_captions(arguments.cache).train]

    def losses(generator: torch.Generator) -> Losses:
        with mixed_precision(arguments.device):
            return {"distance": energy_distance(network, crops(sources, generator).to(arguments.device), generator)}

    if arguments.release or run.train(losses):
        release(
            run.averages["network"],
            arguments.weights / "widening.safetensors",
            {
                "minutes_of_speech": {
                    part.folder.name: round(len(part.samples) / HIGH_RATE / 60, 1) for part in sources
                },
                "steps": run.done,
                "hours_heard": round(run.done * BATCH * CROP / HIGH_RATE / 3600, 2),
            },
        )


def crops(sources: list[SpokenSentences], generator: torch.Generator) -> Tensor:
    """Speech [BATCH, CROP], equally often of every source, at changing loudness."""
    batch = np.zeros((BATCH, CROP), np.float32)
    for row, sound in enumerate(batch):
        samples = sources[row % len(sources)].samples
        start = int(torch.randint(len(samples) - CROP, (1,), generator=generator))
        sound[:] = samples[start : start + CROP] / np.float32(32768)
    fade = np.sin(np.linspace(0, np.pi / 2, _FADE, dtype=np.float32)) ** 2
    batch[:, :_FADE] *= fade
    batch[:, -_FADE:] *= fade[::-1]
    change = (2 * torch.rand(BATCH, 1, generator=generator) - 1) * LOUDEST_CHANGE
    return torch.from_numpy(batch) * change.exp()


def low_band(sound: Tensor) -> Tensor:
    """What is left of sound [B, N] at 16 kHz after it went through 4 kHz."""
    frequencies = np.fft.rfftfreq(sound.shape[1], 1 / HIGH_RATE) / (LOW_RATE / 2)
    kept = torch.from_numpy(low_pass(frequencies).astype(np.float32)).to(sound.device)
    low: Tensor = torch.fft.irfft(torch.fft.rfft(sound) * kept, sound.shape[1])
    return low


def energy_distance(
    network: Callable[[Tensor, Tensor, Tensor], Tensor], truth: Tensor, generator: torch.Generator
) -> Tensor:
    """Twice how far two draws are from the truth, less how far they are from each other."""
    low = low_band(truth)
    twice = torch.cat([low, low])
    noise = torch.randn(twice.shape, generator=generator).to(twice)
    z = torch.randn(len(twice), NOISES, 1 + twice.shape[1] // SEEN_HOP, generator=generator).to(twice)
    drawn = network(twice, noise, z)
    first, second = (drawn - low_band(drawn)).chunk(2)
    missing = truth - low
    return distance(first, missing) + distance(second, missing) - distance(first, second)


def distance(one: Tensor, other: Tensor) -> Tensor:
    """How far upper bands [B, N] are apart: magnitudes and their logarithms, at three resolutions in time."""
    total = torch.zeros((), device=one.device)
    for window in WINDOWS:
        first, second = (_magnitudes(sound, window) for sound in (one, other))
        total = total + (first - second).abs().mean() * 20
        # The small constant keeps the slope of the square root finite.
        total = total + ((first + _FLOOR).log() - (second + _FLOOR).log()).square().mean(1).add(1e-6).sqrt().mean()
    return total / len(WINDOWS)


def _magnitudes(sound: Tensor, window: int) -> Tensor:
    hann = torch.hann_window(window, device=sound.device)
    hann = hann / hann.square().sum().sqrt()
    frames = torch.stft(sound.float(), window, window // 4, window=hann, return_complex=True)
    above = frames[:, window * LOW_RATE // (2 * HIGH_RATE) :]
    return (above.real.square() + above.imag.square() + 1e-10).sqrt()


if __name__ == "__main__":
    main()
