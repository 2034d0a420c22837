"""Sound as WaveNet sees it (8 kHz, 256 mu-law values, a mel spectrogram that can steer it), and what it is asked."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 8_000
"""Hz: telephone quality, and half the work of the 16 kHz of the paper."""
LEVELS = 256
SILENT_LEVEL = 128
HOP = 80
"""Samples (10 ms) that one frame of the mel spectrogram steers."""
BANDS = 64
MU = LEVELS - 1
DILATIONS = tuple(2**power for power in range(10)) * 2
"""1, 2, 4, ... 512, twice: 2,047 samples, a quarter of a second at 8 kHz."""
_WINDOW = 512
_LOWEST_HZ, _HIGHEST_HZ = 50.0, 3_900.0

Levels = NDArray[np.uint8]


def to_levels(samples: NDArray[np.float32]) -> Levels:
    """Mu-law values 0 to 255 (128 is silence) of samples in [-1, 1]: fine steps for quiet sound, coarse for loud."""
    clipped = np.clip(samples, -1, 1)
    companded = np.sign(clipped) * np.log1p(MU * np.abs(clipped)) / np.log1p(MU)
    return np.asarray(np.floor((companded + 1) / 2 * MU + 0.5), np.uint8)


def to_samples(levels: Levels) -> NDArray[np.float32]:
    """Samples in [-1, 1] of mu-law values; 128 becomes silence."""
    return _SAMPLES[levels]


def _expand() -> NDArray[np.float32]:
    companded = 2 * np.arange(LEVELS) / MU - 1
    samples = np.sign(companded) * np.expm1(np.abs(companded) * np.log1p(MU)) / MU
    samples[SILENT_LEVEL] = 0.0
    return np.asarray(samples, np.float32)


_SAMPLES = _expand()


def log_mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log mel spectrogram [frames, 64] of sound at 8 kHz, one frame for every 80 samples begun, about -1 to 1.5.

    Frame k is centred on the middle of the 80 samples it steers.
    """
    frames = -(-len(samples) // HOP)
    padded = np.zeros(frames * HOP + _WINDOW, np.float32)
    start = (_WINDOW - HOP) // 2
    padded[start : start + len(samples)] = samples
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[: frames * HOP : HOP]
    power = np.abs(np.fft.rfft(windows * np.hanning(_WINDOW).astype(np.float32), axis=1)) ** 2
    loudness = np.log10(power @ _mel_filters().T + 1e-5)
    return np.asarray((loudness + 1) / 2, np.float32)


@cache
def _mel_filters() -> NDArray[np.float32]:
    """[64, frequencies]: overlapping triangles, evenly spaced on the mel scale."""
    frequencies = np.fft.rfftfreq(_WINDOW, 1 / SAMPLE_RATE)
    ends = 2595 * np.log10(1 + np.array([_LOWEST_HZ, _HIGHEST_HZ]) / 700)
    corners = 700 * (10 ** (np.linspace(ends[0], ends[1], BANDS + 2) / 2595) - 1)
    low, middle, high = (corners[at : at + BANDS, None] for at in range(3))
    rising, falling = (frequencies - low) / (middle - low), (high - frequencies) / (high - middle)
    return np.asarray(np.maximum(0, np.minimum(rising, falling)), np.float32)


@dataclass(frozen=True)
class WaveNetRequest:
    """Draw `frames` times 80 samples.

    `mel` [frames, 64] tells what to say (None: babble). `temperature` divides the logits, 0 always takes the likeliest
    value. `depth` is the number of blocks heard, from the first; None hears all.
    """

    frames: int
    mel: NDArray[np.float32] | None = None
    temperature: float = 1.0
    seed: int = 0
    depth: int | None = None


class SampleBySample(Protocol):
    """p(x_t | x_1 ... x_{t-1}), one mu-law value after another at 8 kHz."""

    dilations: tuple[int, ...]
    """Of the blocks, from the first: how many samples apart the two moments are that a block looks at."""

    def generate(self, request: WaveNetRequest, chunk: int = 10 * HOP) -> Generator[Levels, None, None]:
        """Yields the sound `chunk` values at a time; what was computed for the past is kept, not computed again."""
        ...

    def generate_slowly(self, request: WaveNetRequest, start: Levels | None = None) -> Generator[Levels, None, None]:
        """Yields the same values one by one, after those of `start`; all that one depends on is computed anew."""
        ...

    def foresee(
        self, levels: Levels, mel: NDArray[np.float32] | None, start: int, count: int, depth: int | None = None
    ) -> NDArray[np.float32]:
        """Probabilities [count, 256] of the values from place `start` on, each given all of `levels` before it."""
        ...


def receptive_field(dilations: Sequence[int]) -> int:
    """How many past samples the next one sees through blocks of these dilations."""
    return 1 + sum(dilations)
