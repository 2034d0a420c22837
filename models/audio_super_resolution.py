"""Audio super-resolution: speech at 4 kHz in, speech at 16 kHz out. Numpy only.

A telephone that takes 4,000 samples a second carries nothing above 2 kHz. What is asked for is the rest, up to 8 kHz.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.audio import spectrogram
from models.errors import BadInputError
from models.resampling import SLOPE, resample
from models.tasks import Progress

LOW_RATE, HIGH_RATE = 4_000, 16_000
"""Samples per second before and after."""
CUT_HZ = LOW_RATE / 2 * (1 - SLOPE)
"""Below this frequency the answer is the question, unchanged."""
SHORTEST, LONGEST = 0.25, 20.0
"""Seconds of sound."""
SILENT = 1e-4
"""Root mean square below which a sound counts as silence: -80 dBFS."""

Sound = NDArray[np.float32]


@dataclass(frozen=True)
class WidenRequest:
    """Invent what is above 2 kHz in `samples`: mono in [-1, 1] at `LOW_RATE`. Another `seed` invents it differently."""

    samples: Sound
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises `BadInputError` for sound that no model could widen."""
        if self.seed < 0:
            raise BadInputError("The seed must be a whole number, 0 or larger.")
        if not np.isfinite(self.samples).all():
            raise BadInputError("This sound holds values that are no numbers; please save it anew as WAV.")
        if len(self.samples) < SHORTEST * LOW_RATE:
            raise BadInputError("This sound is too short: give at least a quarter of a second.")
        if len(self.samples) > LONGEST * LOW_RATE:
            raise BadInputError(f"This sound is too long: give at most {LONGEST:.0f} seconds.")
        if np.sqrt(np.mean(np.square(self.samples, dtype=np.float64))) < SILENT:
            raise BadInputError("There is only silence here: say something, or choose an example.")


@dataclass(frozen=True)
class Widened:
    """The answer: mono at `HIGH_RATE`, four times as many samples as were given."""

    samples: Sound


class Widener(Protocol):
    """p(high-resolution signal | low-resolution signal)."""

    def widen(self, request: WidenRequest) -> Iterator[Progress | Widened]:
        """Yields `Progress` after each step of the work and `Widened` last."""
        ...


def over_telephone(samples: Sound, sample_rate: int) -> Sound:
    """What is left of a sound of any rate at `LOW_RATE`."""
    return resample(samples, sample_rate, LOW_RATE)


def log_spectral_distance(truth: Sound, guess: Sound) -> float:
    """Kuleshov et al. 2017: how far the spectrograms of two sounds at `HIGH_RATE` are apart; 0 is the same, and 1 is
    a factor of 10 in power at every frequency.

    The root mean square over frequencies of the difference of log10 powers, averaged over frames; windows of 2048
    samples. Nothing counts as quieter than 80 dB below the loudest point of `truth`, or silence would decide alone.
    """
    decibels = [spectrogram(sound, HIGH_RATE, window=2048, hop=512).decibels for sound in (truth, guess)]
    floor = decibels[0].max() - 80
    true, guessed = (np.maximum(part, floor) / 10 for part in decibels)
    return float(np.sqrt(np.mean((true - guessed) ** 2, axis=0)).mean())


def signal_to_noise(truth: Sound, guess: Sound) -> float:
    """The energy of `truth` over that of the error, in dB: 0 is as wrong as silence."""
    error = np.sum(np.square(truth - guess, dtype=np.float64))
    return float(10 * np.log10(np.sum(np.square(truth, dtype=np.float64)) / max(error, 1e-20)))


def high_band_decibels(samples: Sound) -> float:
    """The part of the energy of a sound at `HIGH_RATE` that lies above 2 kHz, in dB."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    above = np.fft.rfftfreq(len(samples), 1 / HIGH_RATE) > LOW_RATE / 2
    return float(10 * np.log10(max(power[above].sum(), 1e-20) / max(power.sum(), 1e-20)))
