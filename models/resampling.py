"""Sound at another sample rate, exactly: what the new rate can hold is kept, all above is left out. Numpy only."""

from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

SLOPE = 0.06
"""The part of the new band, at its upper end, over which the sound is turned down to nothing: without a slope, every
click would ring."""
_MARGIN = 0.05
"""Seconds of silence on both sides, so that the end of a sound does not run into its beginning."""


def resample(samples: NDArray[np.float32], rate: int, new_rate: int) -> NDArray[np.float32]:
    """Mono `samples` at `rate` Hz as round(len * new_rate / rate) samples at `new_rate` Hz.

    A Fourier transform of the whole: meant for seconds or minutes of sound, not for hours. A lower rate fades out over
    the last 6 % of its band; a higher one adds nothing.
    """
    if rate == new_rate or not len(samples):
        return np.asarray(samples, np.float32)
    wanted = round(len(samples) * new_rate / rate)
    # Only a multiple of this many samples becomes a whole number of samples at the new rate.
    unit = rate // gcd(rate, new_rate)
    before = unit * -(-round(_MARGIN * rate) // unit)
    size = unit * -(-(len(samples) + 2 * before) // unit)
    new_size = size // unit * (new_rate // gcd(rate, new_rate))
    padded = np.zeros(size, np.float64)
    padded[before : before + len(samples)] = samples
    spectrum = np.fft.rfft(padded)
    kept = np.zeros(new_size // 2 + 1, np.complex128)
    shared = min(len(spectrum), len(kept))
    kept[:shared] = spectrum[:shared]
    if new_rate < rate:
        kept *= low_pass(np.arange(len(kept)) / (new_size / 2))
    resampled = np.fft.irfft(kept, new_size) * (new_size / size)
    start = before // unit * (new_rate // gcd(rate, new_rate))
    return resampled[start : start + wanted].astype(np.float32)


def low_pass(frequencies: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """How much is kept of each of `frequencies`, where 1 is the end of the band: a cosine slope from 1 to 0."""
    place = np.clip((frequencies - (1 - SLOPE)) / SLOPE, 0, 1)
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * place), np.float64)
