"""Speech from 4 kHz to 16 kHz by a network that we trained (models/training/audio_super_resolution.py).

The lower band of the answer is what was given; the network adds the band above it, two seconds at a time.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from models.audio_super_resolution import HIGH_RATE, LOW_RATE, Sound, Widened, WidenRequest
from models.backends.widening_network import NOISES, SEEN_HOP, WideningNetwork
from models.devices import Device
from models.resampling import low_pass, resample
from models.tasks import Progress

WEIGHTS_FILE = "widening.safetensors"
LOUDNESS = 0.06
"""Root mean square that the network was trained at."""
PART, AROUND, JOIN = 250, 64, 4
"""In frames of `SEEN_HOP` samples (8 ms): what is made at a time, what the network sees on both sides of it, and over
how much of that one part fades into the next."""


def load(files: Path, device: Device) -> "AudioSuperResolution":
    """The network in `files / "widening.safetensors"`, in float32: it is small, and sound forgives no rounding."""
    with torch.device(device.kind):
        network = WideningNetwork()
    network.load_state_dict({name: tensor.float() for name, tensor in load_file(files / WEIGHTS_FILE).items()})
    return AudioSuperResolution(network.eval(), device)


class AudioSuperResolution:
    """A `Widener`. Nothing in it changes, so any number of threads may use it."""

    def __init__(self, network: WideningNetwork, device: Device) -> None:
        self._network = network
        self._device = torch.device(device.kind)

    def widen(self, request: WidenRequest) -> Iterator[Progress | Widened]:
        """Yields `Progress` after every two seconds of sound. The same request gives the same sound."""
        low = resample(request.samples, LOW_RATE, HIGH_RATE)
        loudness = float(np.sqrt(np.mean(np.square(low, dtype=np.float64)))) / LOUDNESS
        frames = -(-len(low) // SEEN_HOP)
        padded = np.pad(low / np.float32(loudness), (0, frames * SEEN_HOP - len(low)))
        random = np.random.default_rng(request.seed)
        noise = random.standard_normal(len(padded), np.float32)
        z = random.standard_normal((NOISES, frames + 1), np.float32)
        drawn = np.zeros_like(padded)
        fade = np.linspace(0, 1, JOIN * SEEN_HOP, dtype=np.float32)
        starts = range(0, frames, PART)
        for done, start in enumerate(starts, 1):
            first, last = max(0, start - AROUND), min(frames, start + PART + AROUND)
            seen = slice(first * SEEN_HOP, last * SEEN_HOP)
            part = self._draw(padded[seen], noise[seen], z[:, first : last + 1])
            # Every part goes on a little beyond its end, where the next one fades in.
            begin, end = start * SEEN_HOP, min(frames, start + PART + JOIN) * SEEN_HOP
            piece = part[begin - first * SEEN_HOP :][: end - begin]
            if start:
                over = min(len(fade), len(piece))
                piece[:over] = drawn[begin : begin + over] * (1 - fade[:over]) + piece[:over] * fade[:over]
            drawn[begin:end] = piece
            yield Progress("part", done, len(starts))
        yield Widened(low + upper_band(drawn[: len(low)]) * np.float32(loudness))

    @torch.inference_mode()
    def _draw(self, low: Sound, noise: Sound, z: Sound) -> Sound:
        def batch(values: Sound) -> Tensor:
            return torch.from_numpy(values[None]).to(self._device)

        drawn: Sound = self._network(batch(low), batch(noise), batch(z))[0].cpu().numpy()
        return drawn


def upper_band(samples: Sound) -> Sound:
    """What a sound at `HIGH_RATE` has and the same sound after `LOW_RATE` has not."""
    margin = HIGH_RATE // 20
    padded = np.pad(samples, margin)
    frequencies = np.fft.rfftfreq(len(padded), 1 / HIGH_RATE) / (LOW_RATE / 2)
    kept = np.fft.irfft(np.fft.rfft(padded) * (1 - low_pass(frequencies)), len(padded))
    return kept[margin : margin + len(samples)].astype(np.float32)
