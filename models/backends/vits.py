"""VITS (Kim et al. 2021): a conditional variational autoencoder from phonemes to sound, with a normalizing flow between
the two and another one that draws how long each phoneme is.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import VitsModel, VitsTokenizer

from models.backends.english_phonemes import EnglishReader, in_ipa
from models.backends.network_speaker import NetworkSpeaker, Tell
from models.backends.safe_loading import SAFE
from models.devices import Device, configure_torch
from models.speakers import VITS
from models.tasks import SpeechRequest

_VOWELS = "AIOQWYaeiouæɑɐɒəɔɛɜɪʊʌᵻᵊ"  # noqa: RUF001
_STRESS_OF_THE_ONLY_VOWEL = re.compile(rf"(?<!\S)([^\s{_VOWELS}]*)ˌ(?=[{_VOWELS}][^\s{_VOWELS}]*(?!\S))")
_BEFORE_A_VOWEL = rf"(?=[ˈˌ ]*[{_VOWELS}])"
_RHOTIC = re.compile(rf"([əɜ])ɹ({_BEFORE_A_VOWEL})?")
_LONG = re.compile(r"[ɑɔu]")  # noqa: RUF001
_LONG_I = re.compile(rf"(?<=[ˈˌ])i|(?<!\S)([^\s{_VOWELS}]*)i(?=[^\s{_VOWELS}]*(?!\S))")


def load(files: Path, device: Device) -> "VitsSpeaker":
    """The model in `files`: config, safetensors, vocab.json and tokenizer_config.json.

    In float32 on every device: its flows and the rounding of its durations are no place for bfloat16.
    """
    configure_torch()
    network: Any = VitsModel.from_pretrained(files, dtype=torch.float32, **SAFE)
    # The tokenizer's own phonemes would need espeak-ng on the machine.
    tokenizer: Any = VitsTokenizer.from_pretrained(files, phonemize=False, normalize=False, local_files_only=True)
    return VitsSpeaker(network.to(device.kind).eval(), tokenizer)


class VitsSpeaker(NetworkSpeaker):
    """A `Speaker` that serves several threads at once: a run changes nothing in it."""

    delivery = VITS

    def __init__(self, network: Any, tokenizer: Any) -> None:
        super().__init__()
        self._network = network
        self._tokenizer = tokenizer
        self._known = frozenset(tokenizer.get_vocab())
        self._reader = EnglishReader()
        self.sample_rate = network.config.sampling_rate

    def _read(self, text: str) -> Iterator[tuple[str, str]]:
        for sentence, symbols in self._reader.read(text):
            spelling = "".join(symbol for symbol in espeak_spelling(symbols) if symbol in self._known)
            yield sentence, spelling

    def _sound(self, text: str, phonemes: str, request: SpeechRequest, tell: Tell) -> Tensor:
        ids = self._tokenizer(phonemes, return_tensors="pt").input_ids.to(self._network.device)
        sound: Tensor = self._network(ids, speaking_rate=request.speed).waveform[0]
        return sound


def espeak_spelling(symbols: str) -> str:
    """Kokoro's symbols as espeak-ng spells American English, which VITS has learnt from: with marks of length, one
    symbol for an r-coloured vowel, and no stress on small words.

    From what espeak-ng itself writes for 87 sentences (4,937 symbols) it differs in 7 %, plain IPA in 14 %; most of
    what is left may be said in either way.
    """
    spelling = symbols.replace("ᵊ", "ə")
    spelling = _STRESS_OF_THE_ONLY_VOWEL.sub(r"\1", spelling)
    spelling = _LONG_I.sub(r"\g<0>ː", spelling)  # noqa: RUF001
    spelling = _RHOTIC.sub(_rhotic, spelling)
    return in_ipa(_LONG.sub(r"\g<0>ː", spelling))  # noqa: RUF001


def _rhotic(found: re.Match[str]) -> str:
    vowel = {"ə": "ɚ", "ɜ": "ɜː"}[found[1]]
    return vowel if found[2] is None else f"{vowel}ɹ"
