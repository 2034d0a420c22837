"""Sound drawn sample by sample: from what was asked to the sound so far, its files, its facts and a look inside."""

import json
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demos.answering import Answer, answers
from demos.audio_player import Playable
from demos.pictures import keep_bytes
from demos.ranges import number_from, whole_number_from
from demos.seed import MAX_SEED
from demos.services import Services
from demos.spoken import pictures, plot_area
from models.audio import encode_wav
from models.audio_super_resolution import Sound
from models.resampling import resample
from models.states import LoadProgress, MadeBy
from models.tasks import Progress, Speaker, SpeechRequest, SpokenSentence, Task
from models.text_input import optional_text
from models.units import seconds as in_seconds
from models.wavenet import (
    DILATIONS,
    HOP,
    SAMPLE_RATE,
    Levels,
    SampleBySample,
    WaveNetRequest,
    log_mel,
    receptive_field,
    to_samples,
)

MAX_CHARACTERS = 100
SHORTEST, LONGEST = 0.1, 5.0
HOTTEST = 1.5
DEEPEST = len(DILATIONS)
PICTURE_SIZE = (1200, 480)
SHOWN = 64
"""Samples through which one can step."""
LOUD = 0.02


@dataclass(frozen=True)
class Asked:
    """What a visitor wants: `text` to follow, or babble if it is empty."""

    text: str = ""
    seconds: float = 3.0
    temperature: float = 0.9
    depth: int = DEEPEST
    seed: int = 0


@dataclass(frozen=True)
class Sampled:
    """What has been drawn so far."""

    made_by: MadeBy
    asked: Asked
    mel: NDArray[np.float32] | None
    levels: Levels
    frames: int
    """Of 10 ms, when it is complete."""
    took: float

    @property
    def duration(self) -> float:
        return len(self.levels) / SAMPLE_RATE

    @property
    def speed(self) -> float:
        """Samples computed in a second."""
        return len(self.levels) / max(self.took, 1e-9)

    @property
    def complete(self) -> bool:
        return len(self.levels) == self.frames * HOP


def read_asked(
    text: str | None, seconds: float | None, temperature: float | None, depth: float | None, seed: float | None
) -> Asked:
    """What was asked. Raises `BadInputError` for numbers out of range and text that is too long."""
    return Asked(
        optional_text(text, max_characters=MAX_CHARACTERS),
        number_from("The duration", seconds, SHORTEST, LONGEST),
        number_from("The temperature", temperature, 0, HOTTEST),
        whole_number_from("The number of blocks", depth, 1, DEEPEST),
        whole_number_from("The seed", seed, 0, MAX_SEED),
    )


def sample(services: Services, asked: Asked, model: str) -> Generator[LoadProgress | Sampled, None, None]:
    """Draws the sound: how loading gets on first, then ten times for every second of sound what there is so far."""
    mel = None
    if asked.text:
        mel = yield from _spectrogram_of(services, asked.text)
        mel = mel[: round(asked.seconds * SAMPLE_RATE / HOP)]
    frames = round(asked.seconds * SAMPLE_RATE / HOP) if mel is None else len(mel)
    request = WaveNetRequest(frames, mel, asked.temperature, asked.seed, asked.depth)

    def ask(network: SampleBySample) -> Iterator[Levels]:
        return network.generate(request)

    levels = np.zeros(0, np.uint8)
    for step in answers(services, Task.WAVENET, model, ask):
        if isinstance(step, Answer):
            levels = np.concatenate([levels, step.value])
            yield Sampled(step.made_by, asked, mel, levels, frames, step.took)
        elif isinstance(step, LoadProgress):
            yield step


def _spectrogram_of(services: Services, text: str) -> Generator[LoadProgress, None, NDArray[np.float32]]:
    """The mel spectrogram of `text` as hibari speaks it."""
    rate = 0

    def ask(speaker: Speaker) -> Iterator[Progress | SpokenSentence]:
        nonlocal rate
        rate = speaker.sample_rate
        return speaker.speak(SpeechRequest(text, speaker.voices[0]))

    speech = services.registry.for_task(Task.SPEECH)[0]
    spoken: list[Sound] = []
    for step in answers(services, Task.SPEECH, speech.id, ask):
        if isinstance(step, Answer):
            spoken.append(step.value.samples)
        elif isinstance(step, LoadProgress):
            yield step
    return log_mel(resample(np.concatenate(spoken), rate, SAMPLE_RATE))


def sampled_whole(services: Services, asked: Asked, model: str) -> Sampled:
    """All of it at once."""
    *_, sampled = sample(services, asked, model)
    assert isinstance(sampled, Sampled)
    return sampled


def words_for(sampled: Sampled) -> str:
    """How much there is, how fast it came, and how far each sample saw: "3.0 s: 24,000 samples, 6,200 a second"."""
    field = receptive_field(DILATIONS[: sampled.asked.depth])
    made = f"{in_seconds(sampled.duration)} of {'speech' if sampled.asked.text else 'babble'}"
    return (
        f"{made}: {len(sampled.levels):,} samples, {sampled.speed:,.0f} a second, each drawn given "
        f"{'the one' if field == 1 else f'the {field:,}'} before it ({in_milliseconds(field)})"
    )


def in_milliseconds(samples: int) -> str:
    return f"{1000 * samples / SAMPLE_RATE:.3g} ms"


def wav_file(sampled: Sampled) -> str:
    """Path of the sound as a WAV file that tells where it comes from."""
    asked, spec = sampled.asked, sampled.made_by.spec
    settings: dict[str, str | float] = {
        "temperature": asked.temperature,
        "blocks": asked.depth,
        "licence": spec.licence,
    }
    sound = encode_wav(to_samples(sampled.levels), SAMPLE_RATE, model=spec.id, seed=asked.seed, settings=settings)
    return keep_bytes(sound, "wavenet.wav")


def playable(sampled: Sampled, run: str) -> Playable:
    """The player's view: the sound so far, drawn on the time axis of the whole."""
    rest = np.zeros(sampled.frames * HOP - len(sampled.levels), np.float32)
    light, dark = pictures([np.concatenate([to_samples(sampled.levels), rest])], SAMPLE_RATE, PICTURE_SIZE)
    return Playable(
        wav_file(sampled),
        words_for(sampled),
        light=light,
        dark=dark,
        plot=plot_area(PICTURE_SIZE),
        span=sampled.frames * HOP / SAMPLE_RATE,
        run=run,
        play=True,
    )


def loudest_place(levels: Levels) -> int:
    """Where a look inside is most rewarding: at the loudest moment, or the middle of silence."""
    samples = np.abs(to_samples(levels))
    last = max(0, len(levels) - SHOWN)
    return min(int(samples.argmax()), last) if samples.max(initial=0) > LOUD else last // 2


def read_place(value: object, samples: int) -> tuple[int, int]:
    """How many blocks shall be seen, and from which of so many samples on, as the view says it: "20,1600". Raises
    `BadInputError` for anything else."""
    parts = value[:20].split(",") if isinstance(value, str) else []
    numbers = [int(part) if part.isascii() and part.isdigit() else None for part in parts]
    blocks, place = numbers if len(numbers) == 2 else (None, None)
    return (
        whole_number_from("The number of blocks", blocks, 1, DEEPEST),
        whole_number_from("The place in the sound", place, 0, samples),
    )


def look_inside(
    network: SampleBySample, levels: Levels, mel: NDArray[np.float32] | None, place: int, depth: int
) -> str:
    """As JSON for the view: the samples around `place`, and what was foreseen for each of the next `SHOWN`."""
    place = max(0, min(place, len(levels) - SHOWN))
    count = min(SHOWN, len(levels) - place)
    foreseen = network.foresee(levels, mel, place, count, depth)
    first = max(0, place - receptive_field(DILATIONS))
    content = {
        "place": place,
        "first": first,
        "total": len(levels),
        "depth": depth,
        "levels": levels[first : place + count].tolist(),
        "chances": [[round(float(chance) * 1e4) for chance in row] for row in foreseen],
    }
    return json.dumps(content, separators=(",", ":"))


def race(network: SampleBySample, asked: Asked, slow_samples: int) -> Iterator[Progress | dict[str, Any]]:
    """Draws the same babble quickly and slowly: progress first, then speeds and how many samples are equal."""
    # The slow way only costs its full price once its whole receptive field lies behind it.
    frames = -(-(receptive_field(DILATIONS[: asked.depth]) + slow_samples) // HOP)
    request = WaveNetRequest(frames, None, asked.temperature, asked.seed, asked.depth)
    started = time.perf_counter()
    chunks = []
    for chunk in network.generate(request):
        chunks.append(chunk)
        yield Progress("drawing with queues: 10 ms", len(chunks), frames)
    quick = np.concatenate(chunks)
    quick_speed = len(quick) / (time.perf_counter() - started)
    slow: list[int] = []
    started = time.perf_counter()
    with closing(network.generate_slowly(request, start=quick[:-slow_samples])) as values:
        for chunk in values:
            slow.extend(chunk.tolist())
            if len(slow) % 10 == 0:
                yield Progress("drawing without queues: sample", len(slow), slow_samples)
            if len(slow) == slow_samples:
                break
    slow_speed = len(slow) / (time.perf_counter() - started)
    equal = int((quick[-slow_samples:] == np.array(slow)).sum())
    yield {"fast": quick_speed, "slow": slow_speed, "samples": len(slow), "equal": equal}


def facts_of(sampled: Sampled) -> dict[str, Any]:
    """What the endpoint tells about a sound."""
    asked = sampled.asked
    return {
        "model": sampled.made_by.spec.id,
        "seed": asked.seed,
        "seconds": round(sampled.took, 3),
        "duration": round(sampled.duration, 3),
        "samples": len(sampled.levels),
        "samples_per_second": round(sampled.speed),
        "sample_rate": SAMPLE_RATE,
        "receptive_field": receptive_field(DILATIONS[: asked.depth]),
        "text": asked.text,
        "temperature": asked.temperature,
        "licence": sampled.made_by.spec.licence,
    }
