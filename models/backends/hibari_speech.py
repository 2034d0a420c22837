"""Hibari: a student of Kokoro-82M with 6 million parameters, about a hundred times faster than speech on one CPU core.

Text becomes phonemes (models/backends/english_phonemes.py); one network turns phonemes into durations, pitch and a
spectrum; an inverse Fourier transform of pulses and seeded noise makes the sound.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from hibari import SAMPLE_RATE, Hibari

from models.backends.english_phonemes import EnglishReader, in_ipa
from models.devices import Device
from models.speakers import HIBARI
from models.tasks import SpeechRequest, SpokenSentence

MODEL_FILE = "assets/hibari.onnx"
(VOICE,) = HIBARI.voices


def load(files: Path, device: Device) -> "HibariSpeaker":
    """The American voice whose weights are `files / "assets/hibari.onnx"`. Runs on the CPU, one thread a request."""
    return HibariSpeaker(files / MODEL_FILE)


class HibariSpeaker:
    """A `Speaker`. Any number of threads may speak at once: after loading, nothing in it changes.

    One onnxruntime thread a request: a second one makes a lone request about 10 % quicker and eight at once no quicker.
    """

    sample_rate: int = SAMPLE_RATE
    voices: tuple[str, ...] = (VOICE,)

    def __init__(self, model: Path) -> None:
        # With a model file named, hibari has no reason to download one.
        self._hibari = Hibari(voice=VOICE, model=str(model), threads=1)
        self._reader = EnglishReader()

    def speak(self, request: SpeechRequest) -> Iterator[SpokenSentence]:
        """Yields each sentence as soon as its sound is ready; a sentence longer than 250 phonemes comes in parts.

        `phonemes` are the network's own input, spelt in IPA. The same request gives the same samples, bit for bit. The
        seed draws the noise in the sound, some 40 dB below the voice; words, pitch and timing stay.

        Raises `BadInputError` for an unknown voice, a speed outside 0.5 to 2, a negative seed and text without a word
        that this voice can read.
        """
        HIBARI.check(request)
        noise = np.random.default_rng(request.seed)
        for text, symbols in self._reader.read(request.text):
            samples = self._hibari.from_ids(self._hibari.ids(symbols), request.speed, noise)
            samples = (samples / np.abs(samples).max(initial=1.0)).astype(np.float32)
            yield SpokenSentence(text, in_ipa(symbols), samples)
