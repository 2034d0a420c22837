"""Spoken sentences with their text, at 16 kHz: what the models of sound learn from.

Two sources. Hibari (Apache-2.0), a synthetic voice, reads sentences of Jane Austen's novels; its sentences to be
tested on come from the ends of the novels. People of eight languages speak the captions of Tux Paint's stamps (GPL-2,
Debian package tuxpaint-stamps-default); the speakers of two of these languages are only tested on.
`python -m models.training.spoken_sentences` prepares both; needs soundfile.
"""

import argparse
import json
import os
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from models.audio import pcm16
from models.devices import available_devices
from models.locations import default_cache
from models.pinned import HIBARI
from models.resampling import resample
from models.store import WeightStore
from models.tasks import SpeechRequest
from models.training.packages import debian_package
from models.training.texts import novels, split

SAMPLE_RATE = 16_000
SENTENCES, HELD_OUT_SENTENCES = 1_000, 60
SHORTEST, LONGEST = 25, 110
"""Characters of a sentence."""
LANGUAGES = ("fr", "es", "ru", "da", "bg", "be")
UNHEARD_LANGUAGES = ("nl", "en")
"""Of the captions: their speakers are tested on alone. Recordings that end below 8 kHz (ca, ro, el) are left out."""
CAPTIONS_EACH = 400
"""At most so many captions of a language."""
LOUDNESS = 0.06
"""Root mean square that every caption is brought to, about that of Hibari."""

_SENTENCE = re.compile(r"[^.!?]+[.!?]")
_READABLE = re.compile(r"[A-Z][A-Za-z ,;'-]+[.!?]")


@dataclass(frozen=True)
class SpokenSentences:
    """Sentences one after another in one file, read from disk only where they are used."""

    folder: Path

    @cached_property
    def samples(self) -> NDArray[np.int16]:
        """All sentences one after another, 16 bits, `SAMPLE_RATE`."""
        return np.load(self.folder / "samples.npy", mmap_mode="r")  # type: ignore[no-any-return]

    @cached_property
    def _told(self) -> list[dict[str, str | int]]:
        return json.loads((self.folder / "sentences.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """Where each sentence ends in `samples`."""
        return np.cumsum([sentence["length"] for sentence in self._told])

    @cached_property
    def texts(self) -> list[str]:
        """What is said."""
        return [str(sentence["text"]) for sentence in self._told]

    @cached_property
    def phonemes(self) -> list[str]:
        """How it is said, in IPA; empty for people."""
        return [str(sentence["phonemes"]) for sentence in self._told]

    @cached_property
    def speakers(self) -> list[str]:
        """Who says it: "hibari", or the language of a caption, which one or few people speak."""
        return [str(sentence["speaker"]) for sentence in self._told]

    def __len__(self) -> int:
        return len(self._told)

    def __getitem__(self, number: int) -> NDArray[np.float32]:
        """The sound of a sentence in [-1, 1]."""
        if not 0 <= number < len(self):
            raise IndexError(number)
        start = self.ends[number - 1] if number else 0
        return self.samples[start : self.ends[number]].astype(np.float32) / np.float32(32768)


@dataclass(frozen=True)
class Speech:
    """What to learn from and what to be tested on."""

    train: SpokenSentences
    held_out: SpokenSentences


_Sentence = tuple[str, str, str, NDArray[np.float32]]
"""Speaker, text, phonemes, sound."""


def prepared(cache: Path) -> Speech:
    """Sentences by Hibari in `cache / "speech"`, made there the first time (a minute or two)."""
    learnt, held_out = split(novels(cache / "packages"))
    folder = cache / "speech"
    return Speech(
        _kept(folder / "hibari-train", lambda: _read_aloud(_sentences(learnt, SENTENCES))),
        _kept(folder / "hibari-held-out", lambda: _read_aloud(_sentences(held_out, HELD_OUT_SENTENCES))),
    )


def prepared_captions(cache: Path) -> Speech:
    """Captions by people in `cache / "speech"`, made there the first time (a minute)."""
    folder = cache / "speech"
    stamps = debian_package("tuxpaint-stamps-default", cache / "packages") / "usr/share/tuxpaint/stamps"
    return Speech(
        _kept(folder / "captions-train", lambda: _captions(stamps, LANGUAGES)),
        _kept(folder / "captions-held-out", lambda: _captions(stamps, UNHEARD_LANGUAGES)),
    )


def _kept(folder: Path, make: Callable[[], Iterator[_Sentence]]) -> SpokenSentences:
    if not (folder / "sentences.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        told, sounds = [], []
        for speaker, text, phonemes, sound in make():
            told.append({"speaker": speaker, "text": text, "phonemes": phonemes, "length": len(sound)})
            sounds.append(pcm16(sound))
        np.save(folder / "samples.npy", np.concatenate(sounds))
        partial = folder / "sentences.partial"
        partial.write_text(json.dumps(told, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
        os.replace(partial, folder / "sentences.json")  # last: it says that the folder is complete
    return SpokenSentences(folder)


def _sentences(text: str, count: int) -> list[str]:
    """`count` sentences of `text` drawn at random, none twice, none with anything but words and plain signs."""
    found = {match.group().strip() for line in text.splitlines() for match in _SENTENCE.finditer(line)}
    fitting = sorted(
        sentence for sentence in found if SHORTEST <= len(sentence) <= LONGEST and _READABLE.fullmatch(sentence)
    )
    return random.Random(0).sample(fitting, count)


def _read_aloud(sentences: list[str]) -> Iterator[_Sentence]:
    from models.backends.hibari_speech import VOICE, load

    speaker = load(WeightStore(default_cache()).fetch(HIBARI), available_devices()[-1])
    for number, sentence in enumerate(sentences):
        spoken = list(speaker.speak(SpeechRequest(sentence, VOICE, seed=number)))
        sound = np.concatenate([part.samples for part in spoken])
        phonemes = " ".join(part.phonemes for part in spoken)
        yield "hibari", sentence, phonemes, resample(sound, speaker.sample_rate, SAMPLE_RATE)


def _captions(stamps: Path, languages: tuple[str, ...]) -> Iterator[_Sentence]:
    for language in languages:
        ending = "_desc.ogg" if language == "en" else f"_desc_{language}.ogg"
        files = sorted(stamps.rglob(f"*{ending}"))
        random.Random(0).shuffle(files)
        for file in files[:CAPTIONS_EACH]:
            channels, rate = soundfile.read(file, dtype="float32", always_2d=True)
            loud = np.sqrt(np.mean(channels**2)) if len(channels) else 0.0
            if rate < 2 * SAMPLE_RATE or loud < 1e-4:
                continue
            sound = resample(channels.mean(1), rate, SAMPLE_RATE)
            sound *= LOUDNESS / np.sqrt(np.mean(sound**2))
            text = _caption(file.with_name(file.name.removesuffix(ending) + ".txt"), language)
            yield language, text, "", sound / max(1.0, float(np.abs(sound).max()))


def _caption(file: Path, language: str) -> str:
    """What is written under a stamp: English in the first line, then a line "xx.utf8=..." for each language."""
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.exists() else [""]
    mark = f"{language}.utf8="
    return lines[0] if language == "en" else next((line[len(mark) :] for line in lines if line.startswith(mark)), "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/gallery-training", help="where to keep it")
    cache = parser.parse_args().cache
    for source in (prepared, prepared_captions):
        speech = source(cache)
        for part in (speech.train, speech.held_out):
            print(f"{part.folder.name}: {len(part)} sentences, {len(part.samples) / SAMPLE_RATE / 60:.1f} minutes")


if __name__ == "__main__":
    main()
