"""What a visitor says or uploads: any sound file becomes mono samples, or one sentence about what is wrong with it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.audio_super_resolution import HIGH_RATE, LONGEST, LOW_RATE, over_telephone
from models.errors import BadInputError
from models.resampling import resample

HIGHEST_RATE = 192_000


@dataclass(frozen=True)
class HeardSound:
    """A sound as the telephone passes it on and, where it was good enough, as it was: four times as many samples."""

    low: NDArray[np.float32]
    original: NDArray[np.float32] | None
    cut: bool
    """Whether it went on longer than is worked on."""


def read_sound(path: str | None) -> HeardSound:
    """The first 20 seconds of a sound file (WAV, FLAC, OGG, MP3). Channels are averaged.

    Raises `BadInputError` if there is no file, if it is no sound, or if its rate is below 4 kHz or beyond all reason.
    """
    import soundfile  # its library is loaded only when a sound comes in

    if not path:
        raise BadInputError("Record or choose a sound first, or click an example.")
    try:
        with soundfile.SoundFile(path) as file:
            rate = int(file.samplerate)
            if not LOW_RATE <= rate <= HIGHEST_RATE:
                raise BadInputError(
                    f"This sound has {rate} samples a second; it must have {LOW_RATE} to {HIGHEST_RATE}."
                )
            channels = file.read(int(LONGEST * rate), dtype="float32", always_2d=True)
            cut = len(file) > len(channels)
    except (soundfile.SoundFileError, OSError) as error:
        raise BadInputError("This file cannot be read as sound; please use WAV, FLAC, OGG or MP3.") from error
    samples = channels.mean(1) if channels.size else np.zeros(0, np.float32)
    if not np.isfinite(samples).all():
        raise BadInputError("This sound holds values that are no numbers; please save it anew as WAV.")
    if rate < HIGH_RATE:
        return HeardSound(over_telephone(samples, rate), None, cut)
    samples = resample(samples, rate, HIGH_RATE)
    samples = samples[: len(samples) // 4 * 4]
    return HeardSound(over_telephone(samples, HIGH_RATE), samples, cut)
