"""Speech for WaveNet: one synthetic voice at 8 kHz, as mu-law values and as the mel spectrogram that steers them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.resampling import resample
from models.training import spoken_sentences
from models.training.spoken_sentences import SpokenSentences
from models.wavenet import HOP, SAMPLE_RATE, Levels, log_mel, to_levels


@dataclass(frozen=True)
class Sound:
    """Sentences one after another."""

    levels: Levels
    """[80 frames]."""
    mel: NDArray[np.float32]
    """[frames, 64]."""


def prepared_sound(cache: Path) -> tuple[Sound, Sound]:
    """What to learn from and what to be tested on, spoken by hibari; made in `cache` the first time."""
    speech = spoken_sentences.prepared(cache)
    return _one_after_another(speech.train), _one_after_another(speech.held_out)


def _one_after_another(sentences: SpokenSentences) -> Sound:
    levels, mel = [], []
    for number in range(len(sentences)):
        samples = resample(sentences[number], spoken_sentences.SAMPLE_RATE, SAMPLE_RATE)
        samples = samples[: len(samples) // HOP * HOP]
        levels.append(to_levels(samples))
        mel.append(log_mel(samples))
    return Sound(np.concatenate(levels), np.concatenate(mel))
