"""English text as phonemes, by hibari's front end: lexicon, part-of-speech tagger, a small network for unknown words.

The symbols are Kokoro's: one letter for a diphthong or an affricate, a stress mark before the vowel.
"""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import hibari
from hibari.g2p import G2P

from models.errors import BadInputError

# About 14 seconds: keeps the first sound quick and the memory of a request small.
MAX_PHONEMES = 250
# The reading time grows with the cube of a "word" made of signs: 3000 hyphens would keep it busy for ever.
MAX_WORD = 40

# Kokoro writes a diphthong or an affricate as one symbol; dictionaries and lecturers write it in two.
_DIPHTHONGS = {"A": "eɪ", "I": "aɪ", "O": "oʊ", "W": "aʊ", "Y": "ɔɪ", "Q": "əʊ"}  # noqa: RUF001
_IPA = str.maketrans(_DIPHTHONGS | {"T": "ɾ", "ʤ": "dʒ", "ʧ": "tʃ"})
_STRESS_AND_LENGTH = "ˈˌː"

_AFTER_CLAUSE = re.compile(r"(?<=[,;:—])\s+")
_SPACE = re.compile(r"\s+")
_OVERLONG_WORD = re.compile(rf"(\S{{{MAX_WORD}}})(?=\S)")
# "I said no." would be read as "I said number.", and "no. 5" as two sentences: the dot always ends one.
_FINAL_NO = re.compile(r"\bno\.")


class EnglishReader:
    """Turns text into phonemes, sentence by sentence. Any number of threads may read at once."""

    def __init__(self) -> None:
        vocabulary = Path(hibari.__file__).with_name("assets") / "vocab.json"
        self._known = frozenset(json.loads(vocabulary.read_text(encoding="utf-8")))
        self._g2p = G2P()
        # The network for unknown words loads at its first word: here, before threads share it.
        self._symbols("Blorptastic.")

    def read(self, text: str) -> Iterator[tuple[str, str]]:
        """(text, symbols) of each sentence, or of its parts where it has more than 250 symbols.

        What makes no sound is left out. Raises `BadInputError` if that is all of the text.
        """
        silent = True
        for sentence in sentences(text):
            for part in self._read(sentence):
                yield part
                silent = False
        if silent:
            raise BadInputError("Nothing to say: write a few English words, this voice reads no other script.")

    def _read(self, text: str) -> Iterator[tuple[str, str]]:
        symbols = self._symbols(text)
        if len(symbols) > MAX_PHONEMES and len(text) > 1:
            for half in halves(text):
                yield from self._read(half)
        elif any(symbol.isalpha() and symbol not in _STRESS_AND_LENGTH for symbol in symbols):
            yield text, symbols

    def _symbols(self, text: str) -> str:
        readable = _FINAL_NO.sub("no .", _OVERLONG_WORD.sub(r"\1 ", text))
        try:
            symbols: str = self._g2p(readable)
        except (IndexError, TypeError, ValueError) as error:  # hibari 0.2.1 on circled digits and the like
            raise BadInputError(
                f"This cannot be read aloud because of a number or sign in it, please write it in words: “{text[:60]}”."
            ) from error
        return "".join(symbol for symbol in symbols if symbol in self._known)


def in_ipa(symbols: str) -> str:
    """Kokoro's symbols in the International Phonetic Alphabet, as dictionaries write it."""
    return symbols.translate(_IPA)


def sentences(text: str) -> list[str]:
    """Hibari's own sentences, with the closing quotes and brackets that it drops."""
    starts, position = [], 0
    for sentence in hibari.Hibari.split_sentences(text):
        starts.append(text.index(sentence, position))
        position = starts[-1] + len(sentence)
    return [text[start:end].strip() for start, end in pairwise([*starts, len(text)])]


def halves(text: str) -> tuple[str, str]:
    """`text` cut near its middle: after a clause if there is one, else between words, else anywhere."""
    middle = cut = len(text) // 2
    for boundary in (_AFTER_CLAUSE, _SPACE):
        if places := [match.end() for match in boundary.finditer(text)]:
            cut = min(places, key=lambda place: abs(place - middle))
            break
    return text[:cut].strip(), text[cut:].strip()
