"""What the Stroke painting tab asks of the model: a drawing as a picture with every step on the way, and the same
drawing at several strengths with the figures of the trade between faithful and realistic."""

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from demos.answering import Answer, answers
from demos.ranges import number_from, whole_number_from
from demos.seed import MAX_SEED
from demos.services import Services
from models.states import LoadProgress, MadeBy
from models.tasks import Progress, Task
from models.text_input import optional_text
from models.text_to_image import LONGEST_PROMPT, PictureFromText, Pixels, StrokeToImageRequest, sampling_for

ADDING = 6
"""Frames that show how the noise is added."""
STRENGTHS = (0.2, 0.4, 0.6, 0.8, 0.95)
"""What is laid side by side."""
DRAWING_SIDE = 512
PREVIEW_EVERY = 0.15
"""Seconds between two previews: a page that gets more of them falls behind."""
JUDGED_AT = (0.5, 0.6, 0.7)
"""Shares of noise at which the model is asked what it makes of a finished picture."""
JUDGED_SEEDS = (1_000_001, 1_000_002)

Frames = NDArray[np.uint8]
"""Steps of one picture: (steps, side, side, 3), sRGB."""


@dataclass(frozen=True)
class Asked:
    """A checked request, without the drawing."""

    prompt: str
    strength: float
    seed: int
    model: str


@dataclass(frozen=True)
class Film:
    """All that happens to a drawing: `noisy` is what the model holds, `clean` what it foresees from there, `noise` the
    share of noise (0 to 1) in each frame. The first `adding` frames after the drawing itself add noise, the rest remove
    it."""

    noise: list[float]
    noisy: Frames
    clean: Frames
    adding: int


@dataclass(frozen=True)
class Preview:
    """The state while noise is removed: pictures (side, side, 3)."""

    done: int
    total: int
    noise: float
    noisy: Pixels
    clean: Pixels


@dataclass(frozen=True)
class Painted:
    """The finished picture (side, side, 3), and how it came about."""

    made_by: MadeBy
    picture: Pixels
    film: Film
    took: float


@dataclass(frozen=True)
class Judged:
    """A picture (side, side, 3) made with `strength` (0: the drawing itself), how far it is from the drawing, and how
    badly the model guesses it under noise: both root mean squares over all pixels, in levels of 255."""

    strength: float
    picture: Pixels
    distance: float
    surprise: float


@dataclass(frozen=True)
class Compared:
    """The drawing, then a picture for each of `STRENGTHS`."""

    made_by: MadeBy
    rows: tuple[Judged, ...]
    took: float


def read_asked(prompt: str | None, strength: float | None, seed: float | None, model: str) -> Asked:
    """What a visitor or a program asks for, checked. Raises `BadInputError` for what cannot be answered."""
    return Asked(
        " ".join(optional_text(prompt, max_characters=LONGEST_PROMPT).split()),
        number_from("The strength", strength, 0, 1),
        whole_number_from("The seed", seed, 0, MAX_SEED),
        model,
    )


def squared(picture: Image.Image) -> Image.Image:
    """The whole picture in the middle of a white square, `DRAWING_SIDE` pixels wide and high."""
    picture = picture.copy()
    picture.thumbnail((DRAWING_SIDE, DRAWING_SIDE), Image.Resampling.BOX)
    scale = DRAWING_SIDE / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    sheet = Image.new("RGB", (DRAWING_SIDE, DRAWING_SIDE), "white")
    sheet.paste(picture.resize(size), ((DRAWING_SIDE - size[0]) // 2, (DRAWING_SIDE - size[1]) // 2))
    return sheet


def paint(
    services: Services, drawing: Image.Image, asked: Asked
) -> Generator[LoadProgress | Progress | Preview | Painted, None, None]:
    """SDEdit on one drawing: progress while it waits, a preview now and then, `Painted` last. Strength 0 adds no noise:
    the picture is the drawing, of the size that the model would have seen it at."""

    def ask(painter: PictureFromText) -> Iterator[Progress | Preview | tuple[Pixels, Film]]:
        return _sdedit(painter, drawing, asked)

    steps: Iterator[LoadProgress | Progress | Answer[Preview | tuple[Pixels, Film]]]
    steps = answers(services, Task.STROKE_TO_IMAGE, asked.model, ask)
    for step in steps:
        if not isinstance(step, Answer):
            yield step
        elif isinstance(step.value, Preview):
            yield step.value
        else:
            yield Painted(step.made_by, *step.value, step.took)


def compare(
    services: Services, drawing: Image.Image, asked: Asked
) -> Generator[LoadProgress | Progress | Compared, None, None]:
    """The drawing at each of `STRENGTHS`, from the same noise: progress first, `Compared` last."""

    def ask(painter: PictureFromText) -> Iterator[Progress | tuple[Judged, ...]]:
        small = _as_seen(drawing, painter.image_size)
        for step in painter.from_strokes(_request(small, asked, STRENGTHS)):
            yield Progress("step", step.done, step.total)
        pictures = [small, *step.result]
        rows: list[Judged] = []
        for strength, picture in zip((0.0, *STRENGTHS), pictures, strict=True):
            yield Progress("looking at picture", len(rows) + 1, len(pictures))
            rows.append(Judged(strength, picture, difference(picture, small), surprise(painter, picture, asked.prompt)))
        yield tuple(rows)

    for step in answers(services, Task.STROKE_TO_IMAGE, asked.model, ask):
        yield Compared(step.made_by, step.value, step.took) if isinstance(step, Answer) else step


def _sdedit(
    painter: PictureFromText, drawing: Image.Image, asked: Asked
) -> Iterator[Progress | Preview | tuple[Pixels, Film]]:
    """Adds noise, then takes it away again; the picture and the film of both come last."""
    small = _as_seen(drawing, painter.image_size)
    if asked.strength == 0:
        yield small, Film([0.0], small[None], small[None], 0)
        return
    shares = tuple(asked.strength * (number + 1) / ADDING for number in range(ADDING))
    for step in painter.from_strokes(_request(small, asked, shares, steps=1)):
        if step.done == 0:
            added = step.noisy
        yield Progress("adding noise: step", step.done, step.total)
    # One step takes it all the way, so what it ends with is what the model foresees under that much noise.
    first = _as_seen(drawing, added.shape[1])
    noise, noisy, clean = [0.0, *shares], [first, *added], [first, *step.clean]
    shown = 0.0
    for step in painter.from_strokes(_request(small, asked, (asked.strength,))):
        if step.done == 0:  # once more, if the model has run out of memory and begun anew
            noise, noisy, clean = noise[: ADDING + 1], noisy[: ADDING + 1], clean[: ADDING + 1]
        else:  # before the first step it stands where adding noise has ended
            noise.append(step.noise_share)
            noisy.append(step.noisy[0])
            clean.append(step.clean[0])
        if time.perf_counter() - shown > PREVIEW_EVERY:
            shown = time.perf_counter()
            yield Preview(step.done, step.total, step.noise_share, step.noisy[0], step.clean[0])
    yield step.result[0], Film(noise, np.stack(noisy), np.stack(clean), ADDING)


def difference(one: Pixels, other: Pixels) -> float:
    """Root mean square over all pixels and colours, in levels of 255."""
    return float(np.sqrt(np.mean((one.astype(np.float64) - other) ** 2)))


def surprise(painter: PictureFromText, picture: Pixels, prompt: str) -> float:
    """How badly the model guesses `picture` (side, side, 3) from noisy versions of it and the prompt, in levels of 255.

    The loss that it was trained with, so low for pictures like those it has learnt from (Li et al. 2023 use it the same
    way: Your Diffusion Model is Secretly a Zero-Shot Classifier). One step takes it from there to its guess.
    """
    guesses = []
    for seed in JUDGED_SEEDS:
        *_, guess = painter.from_strokes(StrokeToImageRequest(picture, prompt, JUDGED_AT, seed, steps=1, guidance=1))
        guesses.append(guess.result)
    return difference(
        np.concatenate(guesses), np.broadcast_to(picture, (len(JUDGED_AT) * len(guesses), *picture.shape))
    )


def _as_seen(drawing: Image.Image, side: int) -> Pixels:
    shrinks = side <= min(drawing.size)
    way = Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC
    return cast(Pixels, np.asarray(drawing.resize((side, side), way)))


def _request(
    small: Pixels, asked: Asked, strengths: tuple[float, ...], steps: int | None = None
) -> StrokeToImageRequest:
    best = sampling_for(asked.model)
    return StrokeToImageRequest(small, asked.prompt, strengths, asked.seed, steps or best.stroke_steps, best.guidance)
