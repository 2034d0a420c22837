"""What a model has spoken: from what was typed to the sound, its pictures, its files and its facts."""

import secrets
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from demos.answering import Answer, answers
from demos.audio_player import Cue, Playable
from demos.audio_plots import draw_sound, time_axis
from demos.pictures import keep_bytes
from demos.ranges import number_from, whole_number_from
from demos.seed import MAX_SEED
from demos.services import Services
from models.audio import encode_wav, rms_dbfs
from models.errors import BadInputError
from models.speakers import DELIVERIES, MAX_SPEED, MIN_SPEED, Delivery
from models.states import LoadProgress, MadeBy
from models.tasks import Progress, Speaker, SpeechRequest, SpokenSentence, Task
from models.text_input import clean_text
from models.units import seconds

MAX_CHARACTERS = 600
PICTURE_SIZE, SMALL_PICTURE_SIZE = (1400, 560), (840, 560)
SPEEDS, SEEDS = "Three speeds", "Two seeds, and their difference"
THREE_SEEDS, VOICES = "Three seeds", "Three voices"
COMPARED_SPEEDS = (0.7, 1.0, 1.4)


@dataclass(frozen=True)
class Spoken:
    """What a model has spoken of `request` so far."""

    made_by: MadeBy
    request: SpeechRequest
    sentences: tuple[SpokenSentence, ...]
    sample_rate: int
    took: float
    """Seconds of computing."""

    @property
    def samples(self) -> NDArray[np.float32]:
        return np.concatenate([sentence.samples for sentence in self.sentences])

    @property
    def duration(self) -> float:
        """Seconds of sound."""
        return sum(len(sentence.samples) for sentence in self.sentences) / self.sample_rate

    @property
    def cues(self) -> tuple[Cue, ...]:
        ends = np.cumsum([0] + [len(sentence.samples) for sentence in self.sentences]) / self.sample_rate
        return tuple(
            Cue(sentence.text, sentence.phonemes, round(float(start), 3), round(float(end), 3))
            for sentence, (start, end) in zip(self.sentences, pairwise(ends), strict=True)
        )


def delivery_of(model: str) -> Delivery:
    """How a model speaks. Raises `BadInputError` if it does not."""
    if model not in DELIVERIES:
        raise BadInputError("This model cannot speak; please choose another one.")
    return DELIVERIES[model]


def prepare_request(text: str | None, voice: str, speed: float | None, seed: float | None) -> SpeechRequest:
    """The request for what was typed. Raises `BadInputError` if the text is empty or too long or a number is none.

    Whether the voice exists, knows the script and can go at that speed is for the model to say.
    """
    cleaned = clean_text(text, max_characters=MAX_CHARACTERS)
    pace = number_from("The speed", speed, MIN_SPEED, MAX_SPEED)
    return SpeechRequest(cleaned, str(voice or "")[:80], pace, whole_number_from("The seed", seed, 0, MAX_SEED))


def speak(
    services: Services, request: SpeechRequest, model: str
) -> Generator[LoadProgress | Progress | Spoken, None, None]:
    """Has a model speak: how its loading gets on first, then after each sentence what is spoken so far; a slow model
    tells in between how far it is."""
    rate = 0

    def ask(speaker: Speaker) -> Iterator[Progress | SpokenSentence]:
        nonlocal rate
        rate = speaker.sample_rate
        return speaker.speak(request)

    sentences: tuple[SpokenSentence, ...] = ()
    for step in answers(services, Task.SPEECH, model, ask):
        if isinstance(step, Answer):
            sentences = (*sentences, step.value)
            yield Spoken(step.made_by, request, sentences, rate, step.took)
        else:
            yield step


def spoken_whole(services: Services, request: SpeechRequest, model: str) -> Spoken:
    """All of it at once."""
    *_, spoken = speak(services, request, model)
    assert isinstance(spoken, Spoken)
    return spoken


def words_for(spoken: Spoken) -> str:
    """How long it is, how long it took, and the real-time factor: "3.2 s of speech made in 0.05 s: 64 times faster than
    real time"."""
    ratio = spoken.duration / spoken.took
    pace = f"{ratio:.0f} times faster" if ratio >= 10 else f"{ratio:.1f} times faster"
    if ratio < 1:
        pace = f"{1 / ratio:.1f} times slower"
    return f"{seconds(spoken.duration)} of speech made in {seconds(spoken.took)}: {pace} than real time"


def wav_file(spoken: Spoken) -> str:
    """Path of the sound as a WAV file that tells where it comes from."""
    return _wav_file(spoken, spoken.samples)


def _wav_file(spoken: Spoken, samples: NDArray[np.float32], **notes: str) -> str:
    request, spec = spoken.request, spoken.made_by.spec
    made: dict[str, str | float] = {"voice": request.voice, "speed": request.speed, "licence": spec.licence, **notes}
    content = encode_wav(samples, spoken.sample_rate, model=spec.id, seed=request.seed, settings=made)
    return keep_bytes(content, "speech.wav")


def pictures(sounds: Sequence[NDArray[np.float32]], sample_rate: int, size: tuple[int, int]) -> tuple[str, str]:
    """Paths of the waveform and spectrogram of `sounds` one after another, for a light and for a dark page."""
    light, dark = (_webp(draw_sound(sounds, sample_rate, dark=dark, size=size)) for dark in (False, True))
    return light, dark


def _webp(picture: Image.Image) -> str:
    content = BytesIO()
    picture.save(content, "WEBP", quality=85, method=2)
    return keep_bytes(content.getvalue(), "sound.webp")


def plot_area(size: tuple[int, int]) -> tuple[float, float]:
    """Where the time axis of a picture by `draw_sound` begins and ends, as parts of its width."""
    left, right = time_axis(size)
    return left / size[0], right / size[0]


def playable(spoken: Spoken, run: str, *, complete: bool) -> Playable:
    """The player's view of `spoken`. While more is to come there is no picture: the sound must not wait for it."""
    light = dark = ""
    if complete:
        light, dark = pictures([sentence.samples for sentence in spoken.sentences], spoken.sample_rate, PICTURE_SIZE)
    return Playable(
        wav_file(spoken),
        words_for(spoken),
        spoken.cues,
        light=light,
        dark=dark,
        plot=plot_area(PICTURE_SIZE),
        run=run,
        play=True,
    )


def comparisons(delivery: Delivery) -> list[str]:
    """What `compare` can show of a model that speaks this way."""
    seeds = SEEDS if delivery.seed_keeps_timing else THREE_SEEDS
    return [*([SPEEDS] if delivery.has_speed else []), seeds, *([VOICES] if len(delivery.voices) >= 3 else [])]


def compare(
    services: Services, request: SpeechRequest, model: str, what: str
) -> Generator[LoadProgress | Progress | list[Playable], None, None]:
    """The first sentence of `request` three times on one time axis: at three speeds, with three seeds, in three voices,
    or with two seeds and then their difference, made as loud as the speech. Yields the three last.

    What the model cannot show is replaced by the first thing that it can.
    """
    delivery = delivery_of(model)
    if what not in comparisons(delivery):
        what = comparisons(delivery)[0]
    asked = _compared_requests(request, delivery, what)
    takes = []
    for one in asked.values():
        take = yield from first_sentence(services, one, model)
        takes.append(take)
    sounds = [take.samples for take in takes]
    lines = [f"{words}: {seconds(take.duration)}" for words, take in zip(asked, takes, strict=True)]
    if what == SEEDS:
        difference = sounds[0] - sounds[1]
        quieter = rms_dbfs(sounds[0]) - rms_dbfs(difference)
        sounds.append(difference * np.float32(10 ** (quieter / 20)))
        lines = [*asked, f"Their difference, amplified by {quieter:.0f} dB"]
        takes.append(takes[0])
    span = max(len(sound) for sound in sounds) / takes[0].sample_rate
    yield [_beside_others(take, sound, line, span) for take, sound, line in zip(takes, sounds, lines, strict=True)]


def _compared_requests(request: SpeechRequest, delivery: Delivery, what: str) -> dict[str, SpeechRequest]:
    """What is compared, by the words for it."""
    if what == SPEEDS:
        return {f"Speed {speed:g}": replace(request, speed=speed) for speed in COMPARED_SPEEDS}
    if what == VOICES:
        others = [voice for voice in delivery.voices if voice != request.voice]
        return {delivery.voices[voice]: replace(request, voice=voice) for voice in (request.voice, *others[:2])}
    seeds = (request.seed + number for number in range(2 if what == SEEDS else 3))
    return {f"Seed {seed}": replace(request, seed=seed) for seed in seeds}


def first_sentence(
    services: Services, request: SpeechRequest, model: str
) -> Generator[LoadProgress | Progress, None, Spoken]:
    """Has a model speak no more than the first sentence, and returns it."""
    with closing(speak(services, request, model)) as steps:
        for step in steps:
            if isinstance(step, Spoken):
                return step
            yield step
    raise AssertionError("a speaker says something or raises")


def _beside_others(spoken: Spoken, samples: NDArray[np.float32], words: str, span: float) -> Playable:
    """`samples` drawn on a time axis of `span` seconds."""
    silence = np.zeros(round(span * spoken.sample_rate) - len(samples), np.float32)
    light, dark = pictures([np.concatenate([samples, silence])], spoken.sample_rate, SMALL_PICTURE_SIZE)
    return Playable(
        _wav_file(spoken, samples, shown=words),
        words,
        light=light,
        dark=dark,
        plot=plot_area(SMALL_PICTURE_SIZE),
        span=span,
        run=secrets.token_hex(4),
    )


def facts_of(spoken: Spoken) -> dict[str, Any]:
    """What the endpoint tells about a sound."""
    request, spec = spoken.request, spoken.made_by.spec
    return {
        "model": spec.id,
        "seed": request.seed,
        "seconds": round(spoken.took, 3),
        "duration": round(spoken.duration, 3),
        "phonemes": [sentence.phonemes for sentence in spoken.sentences],
        "sentences": [asdict(cue) for cue in spoken.cues],
        "voice": request.voice,
        "speed": request.speed,
        "licence": spec.licence,
    }
