"""What the Text to image tab asks of the model: pictures of a prompt with all steps on the way, and whole sheets."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

from demos.answering import Answer, answers
from demos.ranges import number_from, whole_number_from
from demos.seed import MAX_SEED
from demos.services import Services
from models.errors import BadInputError
from models.states import LoadProgress, MadeBy
from models.tasks import Progress, Task
from models.text_input import clean_text
from models.text_to_image import (
    LARGEST_BATCH,
    LARGEST_GUIDANCE,
    LARGEST_STEPS,
    LONGEST_PROMPT,
    Denoising,
    Neighbour,
    PictureFromText,
    Pixels,
    TextToImageRequest,
    sampling_for,
)

COUNT = 4
"""Pictures of one prompt on screen, from neighbouring seeds."""
NEIGHBOURS = 5
PREVIEW_EVERY = 0.15
"""Seconds between two previews: a page that gets more of them falls behind."""
SHEET_EVERY = 0.6
"""The same for a whole sheet."""
GRID_GUIDANCE = (0.0, 1.0, 2.0, 4.0, 8.0)
GRID_STEPS = (4, 8, 16, 32)
DISTILLED_GRID_STEPS = (1, 2, 4, 8)


@dataclass(frozen=True)
class Asked:
    """A checked request: what is on screen can be drawn again from it."""

    prompt: str
    steps: int
    guidance: float
    seed: int
    model: str


@dataclass
class Film:
    """All steps of a run: the share of noise, and [B, s, s, 3] of what the model holds and of what it foresees."""

    noise: list[float] = field(default_factory=list)
    noisy: list[Pixels] = field(default_factory=list)
    clean: list[Pixels] = field(default_factory=list)

    @property
    def side(self) -> int:
        """Of its pictures, in pixels: those of a model that works on latents are small."""
        return int(self.noisy[0].shape[1])

    def add(self, step: Denoising) -> None:
        """Begins anew where the model does: it may have run out of memory."""
        if step.done == 0:
            self.noise, self.noisy, self.clean = [], [], []
        self.noise.append(step.noise_share)
        self.noisy.append(step.noisy)
        self.clean.append(step.clean)


@dataclass(frozen=True)
class Drawn:
    """Finished pictures [B, S, S, 3] of one prompt, how they came about, and what was trained on that is near it."""

    made_by: MadeBy
    pictures: Pixels
    film: Film
    neighbours: tuple[Neighbour, ...]
    took: float


@dataclass(frozen=True)
class Cells:
    """Some finished or growing pictures of a sheet: the place of the first, and [B, S, S, 3]."""

    made_by: MadeBy
    first: int
    pictures: Pixels


def read_asked(
    prompt: str | None, steps: float | None, guidance: float | None, seed: float | None, model: str
) -> Asked:
    """What a visitor or a program asks for, checked. Steps and guidance that are left out are the model's own; a model
    that uses no guidance is asked for none. Raises `BadInputError` for what cannot be answered."""
    best = sampling_for(model)
    steps = best.steps if steps is None else steps
    guidance = best.guidance if guidance is None else guidance
    wanted = number_from("The guidance", guidance, 0, LARGEST_GUIDANCE)
    return Asked(
        " ".join(clean_text(prompt, max_characters=LONGEST_PROMPT).split()),
        whole_number_from("The number of steps", steps, best.fewest_steps, LARGEST_STEPS),
        wanted if best.guided else best.guidance,
        whole_number_from("The seed", seed, 0, MAX_SEED),
        model,
    )


def draw(
    services: Services, asked: Asked, count: int = COUNT
) -> Generator[LoadProgress | Denoising | Drawn, None, None]:
    """Draws `count` pictures: progress while it waits, a preview now and then, `Drawn` last."""
    film = Film()

    def ask(painter: PictureFromText) -> Iterator[Denoising | tuple[Pixels, tuple[Neighbour, ...]]]:
        shown = 0.0
        seeds = tuple((asked.seed + number) % (MAX_SEED + 1) for number in range(count))
        request = TextToImageRequest((asked.prompt,) * count, seeds, asked.steps, asked.guidance)
        for step in painter.draw(request):
            film.add(step)
            if time.perf_counter() - shown > PREVIEW_EVERY:
                shown = time.perf_counter()
                yield step
        yield step.result, painter.nearest(asked.prompt, NEIGHBOURS)

    steps: Iterator[LoadProgress | Progress | Answer[Denoising | tuple[Pixels, tuple[Neighbour, ...]]]]
    steps = answers(services, Task.TEXT_TO_IMAGE, asked.model, ask)
    for step in steps:
        if isinstance(step, Answer):
            if isinstance(step.value, Denoising):
                yield step.value
            else:
                pictures, near = step.value
                yield Drawn(step.made_by, pictures, film, near, step.took)
        elif isinstance(step, LoadProgress):
            yield step


def draw_matrix(
    services: Services, asked: Asked, prompts: Sequence[str]
) -> Generator[LoadProgress | Progress | Cells, None, None]:
    """One picture for each of `prompts`, all from the same noise."""

    def ask(painter: PictureFromText) -> Iterator[Progress | tuple[int, Pixels]]:
        request = TextToImageRequest(tuple(prompts), (asked.seed,) * len(prompts), asked.steps, asked.guidance)
        shown = 0.0
        for step in painter.draw(request):
            yield Progress("step", step.done, step.total)
            if step.done == step.total:
                yield 0, step.result
            elif time.perf_counter() - shown > SHEET_EVERY:
                shown = time.perf_counter()
                yield 0, step.clean

    yield from _cells(services, asked, ask)


def grid_for(model: str) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """The steps (rows) and the guidance (columns) that are laid side by side for the model of that id."""
    best = sampling_for(model)
    return (GRID_STEPS, GRID_GUIDANCE) if best.guided else (DISTILLED_GRID_STEPS, (best.guidance,))


def draw_grid(services: Services, asked: Asked) -> Generator[LoadProgress | Progress | Cells, None, None]:
    """The prompt from the same noise with all steps and guidance of `grid_for`, row by row."""
    grid = list(product(*grid_for(asked.model)))

    def ask(painter: PictureFromText) -> Iterator[Progress | tuple[int, Pixels]]:
        for place, (steps, guidance) in enumerate(grid):
            yield Progress("picture", place + 1, len(grid))
            for step in painter.draw(TextToImageRequest((asked.prompt,), (asked.seed,), steps, guidance)):
                if step.done == step.total:
                    yield place, step.result
                elif step.done % 8 == 7:  # Stop takes hold where something is yielded
                    yield Progress("picture", place + 1, len(grid))

    yield from _cells(services, asked, ask)


def _cells(
    services: Services, asked: Asked, ask: Callable[[PictureFromText], Iterator[Progress | tuple[int, Pixels]]]
) -> Generator[LoadProgress | Progress | Cells, None, None]:
    for step in answers(services, Task.TEXT_TO_IMAGE, asked.model, ask):
        yield Cells(step.made_by, *step.value) if isinstance(step, Answer) else step


@dataclass(frozen=True)
class Template:
    """Words that vary down and across a sheet, and the prompts they make, row by row."""

    down: tuple[str, ...]
    across: tuple[str, ...]
    prompts: tuple[str, ...]


def read_template(template: str | None) -> Template:
    """The sheet of "a {red|green} {apple|heart}". One pair of braces makes a single row, named by nothing.

    Raises `BadInputError` for anything else.
    """
    text = " ".join(clean_text(template, max_characters=LONGEST_PROMPT).split())
    pieces: list[str] = []
    choices: list[list[str]] = []
    rest = text
    while "{" in rest:
        before, rest = rest.split("{", 1)
        if "}" not in rest or "{" in rest.split("}", 1)[0]:
            raise BadInputError("Please close every brace before the next one opens: a {red|green} {apple|heart}.")
        inside, rest = rest.split("}", 1)
        pieces.append(before)
        choices.append([word.strip() for word in inside.split("|")])
    pieces.append(rest)
    if "}" in "".join(pieces) or not 1 <= len(choices) <= 2:
        raise BadInputError("Put the words that vary into one or two pairs of braces: a {red|green} {apple|heart}.")
    down, across = choices if len(choices) == 2 else ([""], choices[0])
    if len(down) * len(across) > LARGEST_BATCH:
        raise BadInputError(f"These are {len(down) * len(across)} pictures; at most {LARGEST_BATCH} fit on the sheet.")
    prompts = [" ".join("".join(_alternating(pieces, words)).split()) for words in product(*choices)]
    return Template(tuple(down), tuple(across), tuple(prompts))


def _alternating(pieces: Sequence[str], words: Sequence[str]) -> Iterator[str]:
    """One piece more than words: the text around them."""
    for piece, word in zip(pieces, words, strict=False):
        yield piece
        yield word
    yield pieces[-1]
