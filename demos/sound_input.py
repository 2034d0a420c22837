"""What a visitor says or uploads: any sound file becomes mono samples, or one sentence about what is wrong with it."""

from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from demos.uploads import open_upload
from models.audio_super_resolution import HIGH_RATE, LONGEST, LOW_RATE, over_telephone
from models.errors import BadInputError
from models.resampling import resample

HIGHEST_RATE = 192_000
MOST_CHANNELS = 8
_FORMATS = {"WAV", "WAVEX", "RF64", "FLAC", "OGG", "MP3"}
"""Others are read by code that few have tried with hostile files."""


@dataclass(frozen=True)
class HeardSound:
    """A sound as the telephone passes it on and, where it was good enough, as it was: four times as many samples."""

    low: NDArray[np.float32]
    original: NDArray[np.float32] | None
    cut: bool
    """Whether it went on longer than is worked on."""


def read_sound(path: str | None) -> HeardSound:
    """The first 20 seconds of a sound file (WAV, FLAC, OGG, MP3). Channels are averaged.

    Raises `BadInputError` if there is no file, for files that `open_upload` refuses, if it is no sound, and if its rate
    is below 4 kHz or that or its channels are beyond all reason.
    """
    if not path:
        raise BadInputError("Record or choose a sound first, or click an example.")
    with open_upload(path) as file:
        samples, rate, cut = _read(file)
    if not np.isfinite(samples).all():
        raise BadInputError("This sound holds values that are no numbers; please save it anew as WAV.")
    if rate < HIGH_RATE:
        return HeardSound(over_telephone(samples, rate), None, cut)
    samples = resample(samples, rate, HIGH_RATE)
    samples = samples[: len(samples) // 4 * 4]
    return HeardSound(over_telephone(samples, HIGH_RATE), samples, cut)


def _read(file: BinaryIO) -> tuple[NDArray[np.float32], int, bool]:
    """The mean of all channels, samples a second, and whether there is more than was read. What a file says of its own
    length is not believed."""
    import soundfile  # its library is loaded only when a sound comes in

    try:
        # As a file and not by its name: what is called "voice.raw" would be taken for bare samples.
        with soundfile.SoundFile(file) as sound:
            rate = int(sound.samplerate)
            if sound.format not in _FORMATS:
                raise _unreadable()
            if not LOW_RATE <= rate <= HIGHEST_RATE:
                raise BadInputError(
                    f"This sound has {rate} samples a second; it must have {LOW_RATE} to {HIGHEST_RATE}."
                )
            if sound.channels > MOST_CHANNELS:
                raise BadInputError(f"This sound has {sound.channels} channels; at most {MOST_CHANNELS} can be read.")
            left, parts = int(LONGEST * rate), []
            # A second at a time: all channels of all of it would be up to 120 MB.
            while left and len(part := sound.read(min(left, rate), dtype="float32", always_2d=True)):
                parts.append(part.mean(1))
                left -= len(part)
            samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
            return samples, rate, len(sound.read(1)) > 0
    except (soundfile.SoundFileError, OSError):
        raise _unreadable() from None


def _unreadable() -> BadInputError:
    return BadInputError("This file cannot be read as sound; please use WAV, FLAC, OGG or MP3.")
