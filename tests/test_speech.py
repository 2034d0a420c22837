"""The speaker on its real weights, and the text that reaches it. The whole file takes about 10 seconds."""
# ruff: noqa: RUF001 (phonemes look like letters)

import contextlib
import threading
import unicodedata
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import hibari
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.audio import SILENCE, peak_dbfs, rms_dbfs
from models.backends.english_phonemes import MAX_PHONEMES
from models.backends.hibari_speech import HibariSpeaker, load
from models.devices import Device
from models.errors import BadInputError
from models.tasks import SpeechRequest, SpokenSentence
from models.text_input import clean_text

CPU = Device("cpu", "test processor", 8_000_000_000, "float32", 2)
LECTURE = (
    "Deep generative models learn the distribution of the data. They can then draw new samples from it! "
    "Is this speech real? Every sound you hear was made by a neural network."
)


@pytest.fixture(scope="module")
def speaker() -> HibariSpeaker:
    return load(Path(hibari.__file__).parent, CPU)


def say(speaker: HibariSpeaker, text: str, speed: float = 1.0, seed: int = 0) -> list[SpokenSentence]:
    return list(speaker.speak(SpeechRequest(text, "heart", speed, seed)))


def sound(
    speaker: HibariSpeaker, text: str, speed: float = 1.0, seed: int = 0
) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.concatenate([sentence.samples for sentence in say(speaker, text, speed, seed)])


def test_one_sentence_at_a_time_with_its_text_and_its_phonemes(speaker: HibariSpeaker) -> None:
    spoken = say(speaker, LECTURE)
    assert [sentence.text for sentence in spoken] == [
        "Deep generative models learn the distribution of the data.",
        "They can then draw new samples from it!",
        "Is this speech real?",
        "Every sound you hear was made by a neural network.",
    ]
    assert spoken[2].phonemes == "ˌɪz ðɪs spˈitʃ ɹˈiᵊl?"
    for sentence in spoken:
        assert sentence.samples.dtype == np.float32
        assert sentence.samples.ndim == 1


def test_the_samples_are_those_of_hibari_itself(speaker: HibariSpeaker) -> None:
    directly = hibari.Hibari()
    for speed, seed in ((1.0, 0), (1.3, 7)):
        assert np.array_equal(sound(speaker, LECTURE, speed, seed), directly(LECTURE, speed, seed))


def test_nothing_is_lost_between_text_and_sentences(speaker: HibariSpeaker) -> None:
    text = '  He said "Stop." Then (he left.) Dr. Who met J. K. Rowling at 5 p.m.\n\nA heading\nA line…  Yes, no. '
    spoken = [sentence.text for sentence in say(speaker, text)]
    assert "".join("".join(spoken).split()) == "".join(text.split())
    assert spoken[0] == 'He said "Stop."'


def test_a_long_sentence_comes_in_parts_that_fit(speaker: HibariSpeaker) -> None:
    text = (
        "and on, " + "then the model draws another sample from the distribution that it has learnt, " * 12 + "at last."
    )
    spoken = say(speaker, text, speed=2.0)
    assert len(spoken) > 2
    assert "".join("".join(part.text for part in spoken).split()) == "".join(text.split())
    assert all(part.text.endswith((",", ".")) for part in spoken)
    assert all(len(part.phonemes) < 1.3 * MAX_PHONEMES for part in spoken)


def test_the_first_sentence_does_not_wait_for_the_rest(speaker: HibariSpeaker) -> None:
    answers = speaker.speak(SpeechRequest("Hello. " + LECTURE * 1000, "heart"))
    assert next(answers).text == "Hello."
    assert isinstance(answers, Iterator)
    answers.close()  # type: ignore[attr-defined]
    assert next(answers, None) is None


def test_the_same_seed_gives_the_same_samples_and_another_only_other_noise(speaker: HibariSpeaker) -> None:
    first, again, other = sound(speaker, LECTURE), sound(speaker, LECTURE), sound(speaker, LECTURE, seed=1)
    assert np.array_equal(first, again)
    assert first.shape == other.shape
    assert -45 < rms_dbfs(first - other) - rms_dbfs(first) < -25


def test_speed_changes_the_duration(speaker: HibariSpeaker) -> None:
    slow, normal, fast = (len(sound(speaker, LECTURE, speed)) for speed in (0.5, 1.0, 2.0))
    assert slow / normal == pytest.approx(2, rel=0.05)
    assert normal / fast == pytest.approx(2, rel=0.1)


def test_the_sound_is_plausible_speech(speaker: HibariSpeaker) -> None:
    for sentence in say(speaker, LECTURE):
        words_per_minute = 60 * len(sentence.text.split()) / (len(sentence.samples) / speaker.sample_rate)
        assert 90 < words_per_minute < 220
        assert -32 < rms_dbfs(sentence.samples) < -22
        assert peak_dbfs(sentence.samples) < -1
        edge = int(0.1 * speaker.sample_rate)
        assert rms_dbfs(sentence.samples[:edge]) < -55
        assert rms_dbfs(sentence.samples[-edge:]) < -55


def test_eight_threads_say_what_one_says(speaker: HibariSpeaker) -> None:
    texts = [f"{LECTURE} Zyxlon{'o' * number} number {number}." for number in range(4)]
    alone = [sound(speaker, text, seed=number) for number, text in enumerate(texts)]
    start = threading.Barrier(8)

    def speak(number: int) -> bool:
        start.wait(timeout=10)
        return np.array_equal(sound(speaker, texts[number % 4], seed=number % 4), alone[number % 4])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(speak, range(8)))


def test_hibari_never_downloads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("hibari reached for the network")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setenv("HIBARI_HOME", str(tmp_path))
    fresh = load(Path(hibari.__file__).parent, CPU)
    assert sound(fresh, "Hello.").size
    for voice in ("emma", "fenrir", "../heart", ""):
        with pytest.raises(BadInputError, match="There is no voice"):
            next(fresh.speak(SpeechRequest("Hello.", voice)))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", " \n", "...", "?!", "—", "🙂🙂", "“”", "你好", "\u0301", "[x](//)"])
def test_text_without_a_word_gets_a_sentence(speaker: HibariSpeaker, text: str) -> None:
    with pytest.raises(BadInputError, match=r"^Nothing to say"):
        say(speaker, text)


@pytest.mark.parametrize(
    ("speed", "seed", "message"),
    [(0.4, 0, "speed"), (2.1, 0, "speed"), (float("nan"), 0, "speed"), (float("inf"), 0, "speed"), (1, -1, "seed")],
)
def test_settings_out_of_range_get_a_sentence(speaker: HibariSpeaker, speed: float, seed: int, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        say(speaker, "Hello.", speed, seed)


def test_what_hibari_cannot_read_gets_a_sentence(speaker: HibariSpeaker) -> None:
    with pytest.raises(BadInputError, match=r"please write it in words: “Point ①C\.”"):
        say(speaker, "Hello. Point ①C.")


def test_no_is_not_a_number(speaker: HibariSpeaker) -> None:
    for text in ("I said no.", "So, no... He said no. Then he went."):
        assert "nˈʌmbəɹ" not in " ".join(sentence.phonemes for sentence in say(speaker, text))


@pytest.mark.timeout(20)
@pytest.mark.parametrize("monster", ["-", "@", "a@", "1@", "9", "a/", "&", "(", "A", "[a](/", "x²"])
def test_monsters_take_no_time(speaker: HibariSpeaker, monster: str) -> None:
    # Hibari alone needs minutes for 3000 hyphens without a space.
    with contextlib.suppress(BadInputError):
        next(speaker.speak(SpeechRequest((monster * 300)[:300], "heart", speed=2.0)))


SNIPPETS = [
    "Hello", "1,000", "$5", "£3.50", "3/4", "12:30pm", "Dr.", "IV", "²", "½", "①", "٣", "'s", '"', "(", "[x](/ˈ/)",
    "—", "http://a.com", "a@b.c", "°C", "5km", "...", "-5", "1.2.3", "NASA", "5'6", "İ", "ŉ", "Я", "🙂", "$", "ing",
]  # fmt: skip


@given(st.lists(st.sampled_from([*SNIPPETS, " ", "\n"]) | st.text(max_size=4), max_size=5).map("".join))
@settings(max_examples=40, deadline=None)
def test_any_text_is_spoken_or_refused_in_one_sentence(speaker: HibariSpeaker, text: str) -> None:
    try:
        spoken = say(speaker, text, speed=2.0)
    except BadInputError:
        return
    assert spoken
    for sentence in spoken:
        assert sentence.text
        assert sentence.text in text
        assert sentence.samples.size
        assert np.isfinite(sentence.samples).all()
        assert SILENCE <= peak_dbfs(sentence.samples) <= 0


# Everything a browser, an API caller or a bug upstream may send: lone surrogates included.
ANY_TEXT = st.text(st.characters(exclude_categories=()) | st.sampled_from("\t\n\r\v\x00\u202e\u2028\ufeff\ud800\u0301"))


@given(ANY_TEXT, st.integers(1, 60))
def test_clean_text_is_clean_and_stays_so(text: str, limit: int) -> None:
    try:
        cleaned = clean_text(text, max_characters=limit)
    except BadInputError:
        return
    assert 0 < len(cleaned) <= limit
    assert not {unicodedata.category(char) for char in cleaned if char not in "\n\u200c\u200d"} & {"Cc", "Cf", "Cs"}
    assert unicodedata.is_normalized("NFC", cleaned)
    assert cleaned == cleaned.strip()
    assert clean_text(cleaned, max_characters=limit) == cleaned
    cleaned.encode()


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        ("  a\tb\r\nc\u2028d\x00\x1b[0m\ufeff ", "a b\nc\nd[0m"),
        ("cafe\u0301", "café"),
        ("\ud83dsmile\ude42", "smile"),
        ("\u202eevil\u2066", "evil"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
    ],
)
def test_clean_text_by_example(typed: str, cleaned: str) -> None:
    assert clean_text(typed, max_characters=20) == cleaned


@pytest.mark.parametrize("text", [None, "", " \t\n", "\x00\u202e", "\ud800", "\u200d"])
def test_no_text_gets_a_sentence(text: str | None) -> None:
    with pytest.raises(BadInputError, match="Type some text first"):
        clean_text(text, max_characters=10)


@pytest.mark.timeout(5)
def test_too_much_text_gets_a_sentence_at_once() -> None:
    with pytest.raises(BadInputError, match="has 11 characters and the limit is 10: please shorten it"):
        clean_text("a" * 11, max_characters=10)
    with pytest.raises(BadInputError, match="4,000,000 characters"):
        clean_text("\u0301\u0323" * 2_000_000, max_characters=1000)
