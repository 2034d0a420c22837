"""How many bits a sample of held-out speech costs: `python -m models.training.wavenet_figures`.

A uniform guess over 256 values costs 8. An order-1 Markov model counts which value follows which. WaveNet is
asked at several depths, that is with several receptive fields, with and without the spectrogram.
"""

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn import functional

from models.backends.wavenet_network import WaveNet
from models.training.wavenet_sound import Sound, prepared_sound
from models.wavenet import HOP, LEVELS, receptive_field

SECONDS = 20
_CHUNK_FRAMES = 200
_WARM_UP_FRAMES = 30
"""Frames at the start of a chunk that only serve as the past of the others: 2,400 samples."""


@torch.no_grad()
def bits_by_depth(network: WaveNet, sound: Sound, *, conditioned: bool, seconds: float = SECONDS) -> list[float]:
    """Mean bits of the first `seconds` of `sound` through the first block, the first two ... and all; past known."""
    frames = min(len(sound.mel), _WARM_UP_FRAMES + round(seconds * 100))
    nats, count = np.zeros(len(network.dilations)), 0
    device = network.bias.device
    for start in range(0, frames - _CHUNK_FRAMES, _CHUNK_FRAMES - _WARM_UP_FRAMES):
        levels = torch.from_numpy(sound.levels[start * HOP : (start + _CHUNK_FRAMES) * HOP]).long()[None].to(device)
        mel = torch.from_numpy(sound.mel[start : start + _CHUNK_FRAMES]).float()[None].to(device)
        opened = network.opened(levels, mel if conditioned else None)[0, _WARM_UP_FRAMES * HOP :]
        summed = torch.zeros(())
        for block, part in enumerate(torch.split(opened, network.channels, -1)):
            summed = part @ network.skip[block] + summed.to(device)
            logits = network.read(summed + network.depth_bias[block])
            truth = levels[0, _WARM_UP_FRAMES * HOP :]
            nats[block] += float(functional.cross_entropy(logits, truth, reduction="sum"))
        count += len(opened)
    return [float(bits) for bits in nats / count / math.log(2)]


def markov_bits(learnt: Sound, held_out: Sound, seconds: float = SECONDS) -> float:
    """Bits per sample of p(x_t | x_{t-1}), counted on `learnt` with a small share for pairs never seen."""
    pairs = np.zeros((LEVELS, LEVELS))
    np.add.at(pairs, (learnt.levels[:-1], learnt.levels[1:]), 1)
    alone = pairs.sum(0) + 1
    smoothed = pairs + 10 * alone / alone.sum()
    probabilities = smoothed / smoothed.sum(1, keepdims=True)
    levels = held_out.levels[_WARM_UP_FRAMES * HOP :][: round(seconds * 100) * HOP]
    return float(-np.log2(probabilities[levels[:-1], levels[1:]]).mean())


def figures(network: WaveNet, learnt: Sound, held_out: Sound) -> dict[str, Any]:
    """Bits per sample of held-out speech, by model and by receptive field."""
    alone, steered = (bits_by_depth(network, held_out, conditioned=conditioned) for conditioned in (False, True))
    return {
        "uniform_bits": 8.0,
        "markov_bits": round(markov_bits(learnt, held_out), 3),
        "bits": round(alone[-1], 3),
        "bits_conditioned": round(steered[-1], 3),
        "receptive_fields": [
            receptive_field(network.dilations[:depth]) for depth in range(1, len(network.dilations) + 1)
        ],
        "bits_by_depth": [round(bits, 3) for bits in alone],
        "bits_by_depth_conditioned": [round(bits, 3) for bits in steered],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=Path("models/weights/wavenet"))
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/gallery-training", help="speech, packages")
    arguments = parser.parse_args()
    network = WaveNet()
    network.load_state_dict(load_file(arguments.weights / "wavenet.safetensors"))
    print(json.dumps(figures(network, *prepared_sound(arguments.cache)), indent=1))


if __name__ == "__main__":
    main()
