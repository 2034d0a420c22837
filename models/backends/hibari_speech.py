"""Hibari: a student of Kokoro-82M with 6 million parameters, about a hundred times faster than speech on one CPU core.

Text becomes phonemes (lexicon, part-of-speech tagger, a small network for unknown words); one network turns phonemes
into durations, pitch and a spectrum; an inverse Fourier transform of pulses and seeded noise makes the sound.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from hibari import SAMPLE_RATE, Hibari

from models.devices import Device
from models.errors import BadInputError
from models.tasks import SpeechRequest, SpokenSentence

MODEL_FILE = "assets/hibari.onnx"
VOICE = "heart"
MIN_SPEED, MAX_SPEED = 0.5, 2.0
# About 14 seconds: keeps the first sound quick and the memory of a request near 100 MB.
MAX_PHONEMES = 250
# Hibari's reading time grows with the cube of a "word" made of signs: 3000 hyphens would keep it busy for ever.
MAX_WORD = 40

_AFTER_CLAUSE = re.compile(r"(?<=[,;:—])\s+")
_SPACE = re.compile(r"\s+")
_OVERLONG_WORD = re.compile(rf"(\S{{{MAX_WORD}}})(?=\S)")
# Hibari reads "I said no." as "I said number.", and "no. 5" as two sentences: the dot always ends one.
_FINAL_NO = re.compile(r"\bno\.")
_STRESS_AND_LENGTH = "ˈˌː"
# Kokoro writes a diphthong or an affricate as one symbol; dictionaries and lecturers write it in two.
_DIPHTHONGS = {"A": "eɪ", "I": "aɪ", "O": "oʊ", "W": "aʊ", "Y": "ɔɪ", "Q": "əʊ"}  # noqa: RUF001
_IPA = str.maketrans(_DIPHTHONGS | {"T": "ɾ", "ʤ": "dʒ", "ʧ": "tʃ"})


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
        # The lexicon and the network for unknown words load at their first word: here, before threads share them.
        for _ in self.speak(SpeechRequest("Blorptastic.", VOICE)):
            pass

    def speak(self, request: SpeechRequest) -> Iterator[SpokenSentence]:
        """Yields each sentence as soon as its sound is ready; a sentence longer than 250 phonemes comes in parts.

        `phonemes` are the network's own input, spelt in IPA. The same request gives the same samples, bit for bit. The
        seed draws the noise in the sound, some 40 dB below the voice; words, pitch and timing stay.

        Raises `BadInputError` for an unknown voice, a speed outside 0.5 to 2, a negative seed and text without a word
        that this voice can read.
        """
        self._check(request)
        noise = np.random.default_rng(request.seed)
        silent = True
        for sentence in _sentences(request.text):
            for text, symbols in self._read(sentence):
                samples = self._hibari.from_ids(self._hibari.ids(symbols), request.speed, noise)
                samples = (samples / np.abs(samples).max(initial=1.0)).astype(np.float32)
                yield SpokenSentence(text, symbols.translate(_IPA), samples)
                silent = False
        if silent:
            raise BadInputError("Nothing to say: write a few English words, this voice reads no other script.")

    def _check(self, request: SpeechRequest) -> None:
        if request.voice not in self.voices:
            raise BadInputError(f"There is no voice “{request.voice[:40]}” here: choose {', '.join(self.voices)}.")
        if not MIN_SPEED <= request.speed <= MAX_SPEED:
            raise BadInputError(f"The speed must be between {MIN_SPEED:g} and {MAX_SPEED:g}.")
        if request.seed < 0:
            raise BadInputError("The seed must be a whole number, 0 or larger.")

    def _read(self, text: str) -> Iterator[tuple[str, str]]:
        """(text, symbols) of a sentence, or of its parts where it is too long. Parts without a sound are left out."""
        symbols = self._symbols(text)
        if len(symbols) > MAX_PHONEMES and len(text) > 1:
            cut = _break_near_middle(text)
            yield from self._read(text[:cut].strip())
            yield from self._read(text[cut:].strip())
        elif any(symbol.isalpha() and symbol not in _STRESS_AND_LENGTH for symbol in symbols):
            yield text, symbols

    def _symbols(self, text: str) -> str:
        readable = _FINAL_NO.sub("no .", _OVERLONG_WORD.sub(r"\1 ", text))
        try:
            symbols: str = self._hibari.g2p(readable)
        except (IndexError, TypeError, ValueError) as error:  # hibari 0.2.1 on circled digits and the like
            raise BadInputError(
                f"This cannot be read aloud because of a number or sign in it, please write it in words: “{text[:60]}”."
            ) from error
        return "".join(symbol for symbol in symbols if symbol in self._hibari.vocab)


def _sentences(text: str) -> list[str]:
    """Hibari's own sentences, with the closing quotes and brackets that it drops."""
    starts, position = [], 0
    for sentence in Hibari.split_sentences(text):
        starts.append(text.index(sentence, position))
        position = starts[-1] + len(sentence)
    return [text[start:end].strip() for start, end in pairwise([*starts, len(text)])]


def _break_near_middle(text: str) -> int:
    """Where to cut: after a clause if there is one, else between words, else anywhere; the nearest to the middle."""
    middle = len(text) // 2
    for boundary in (_AFTER_CLAUSE, _SPACE):
        if places := [match.end() for match in boundary.finditer(text)]:
            return min(places, key=lambda place: abs(place - middle))
    return middle
