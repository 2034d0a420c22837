"""What the Image generation tab asks of a generator: samples from a seed, a walk, arithmetic, ever shorter latents."""

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from demos.answering import Answer, answers
from demos.latents import combine, diversity, walk
from demos.ranges import number_from, whole_number_from
from demos.seed import MAX_SEED
from demos.services import Services
from models.errors import BadInputError
from models.generation import ImageGenerator, Latents, Pixels, SampleRequest, Samples
from models.specs.image_generation import FULL_LENGTH, LABELS
from models.states import LoadProgress, MadeBy
from models.tasks import Progress, Task
from models.units import seconds

Result = TypeVar("Result")

MAX_COUNT = 36
FRAMES = {"terrain-consistency": 17, "ldm-celebahq-256": 17, "ddpm-cat-256": 17, "ncsnpp-celebahq-256": 17}
"""Pictures of a latent walk, both ends included, by model: 33 unless the model is slow."""
MAX_PER_TERM = 3
"""Samples that are averaged for a term of latent arithmetic, as in Radford et al. 2016."""
TRUNCATIONS = (1.0, 0.8, 0.6, 0.4, 0.2)
TRUNCATION_COUNT = 8


@dataclass(frozen=True)
class Asked:
    """The samples on screen: whoever has this can draw them again."""

    model: str
    count: int
    seed: int
    label: str | None
    """What a conditional generator was asked for."""
    truncation: float
    """Factor of the latents: 1 leaves them as drawn, towards 0 they shrink to the origin."""


@dataclass(frozen=True)
class Drawn:
    """Pictures that a generator made of some latents."""

    made_by: MadeBy
    pictures: Pixels
    took: float
    heights: NDArray[np.float32] | None = None
    """Of terrain: (count, height, width) in metres."""

    @property
    def plain(self) -> Pixels:
        """What the network itself made: the pictures, or for terrain the height maps in grey, white on top."""
        if self.heights is None:
            return self.pictures
        grey = self.heights / self.heights.max((1, 2), keepdims=True).clip(1e-6) * 255
        return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=3)


def read_asked(
    model: str, count: float | None, seed: float | None, label: str | None, truncation: float | None
) -> Asked:
    """What a visitor or a program asks for, checked. An empty label leaves the choice to us.
    Raises `BadInputError` for everything that cannot be answered."""
    chosen = label or default_label(model)
    if chosen is not None and (not isinstance(chosen, str) or chosen not in LABELS.get(model, ())):
        raise BadInputError(_unknown_label(model))
    factor = number_from("Truncation", truncation, 0, 1)
    if factor < 1 and model in FULL_LENGTH:
        raise BadInputError("This model reads noise of full strength alone; please set truncation to 1.")
    return Asked(
        model,
        whole_number_from("The number of pictures", count, 1, MAX_COUNT),
        whole_number_from("The seed", seed, 0, MAX_SEED),
        chosen,
        factor,
    )


def default_label(model: str) -> str | None:
    """What a conditional model is asked for unless somebody chooses; None for others."""
    labels = LABELS.get(model, ())
    return labels[len(labels) // 2] if labels else None


def asked_again(value: Any) -> Asked:
    """The request behind the samples on screen, as the browser sends it back (`asdict` of it, as `asked` of `value`).
    Raises `BadInputError` if it is not what we sent."""
    facts = value.get("asked") if isinstance(value, Mapping) else None
    if not isinstance(facts, Mapping) or set(facts) != set(Asked.__dataclass_fields__):
        raise BadInputError("These samples are not ours any more; please draw new ones.")
    if not isinstance(facts["model"], str) or not isinstance(facts["label"], str | None):
        raise BadInputError("These samples are not ours any more; please draw new ones.")
    return read_asked(facts["model"], facts["count"], facts["seed"], facts["label"], facts["truncation"])


def read_picks(picks: Any, asked: Asked, least: int, most: int, sentence: str) -> list[int]:
    """Places of samples in the grid. Raises `BadInputError` with `sentence` unless they are `least` to `most`."""
    if not isinstance(picks, list) or not least <= len(picks) <= most:
        raise BadInputError(sentence)
    return [whole_number_from("A sample's number", pick, 0, asked.count - 1) for pick in picks]


def draw(services: Services, asked: Asked) -> Iterator[LoadProgress | Progress | Drawn]:
    """The samples of `asked`: progress first, the pictures last."""
    return _pictures(services, asked, lambda latents: latents)


def draw_walk(services: Services, asked: Asked, start: int, end: int) -> Iterator[LoadProgress | Progress | Drawn]:
    """The pictures from sample `start` of `asked` to sample `end`."""
    return _pictures(services, asked, lambda latents: walk(latents[start], latents[end], FRAMES.get(asked.model, 33)))


def draw_arithmetic(
    services: Services, asked: Asked, plus: list[int], minus: list[int], also: list[int]
) -> Iterator[LoadProgress | Progress | Drawn]:
    """Four pictures: the means of the samples `plus`, `minus` and `also` of `asked`, and plus - minus + also."""
    return _pictures(services, asked, lambda latents: combine(latents[plus], latents[minus], latents[also]))


def draw_truncations(services: Services, asked: Asked) -> Iterator[LoadProgress | Progress | Drawn]:
    """The same `TRUNCATION_COUNT` latents times each of `TRUNCATIONS`, row by row."""
    if asked.model in FULL_LENGTH:
        raise BadInputError("This model reads noise of full strength alone; choose one of the GANs for truncation.")
    whole = Asked(asked.model, TRUNCATION_COUNT, asked.seed, asked.label, 1.0)
    return _pictures(services, whole, lambda latents: np.concatenate([latents * np.float32(t) for t in TRUNCATIONS]))


def facts_of(asked: Asked, drawn: Drawn) -> dict[str, Any]:
    """What travels with the pictures."""
    return {**asdict(asked), "seconds": round(drawn.took, 3), "licence": drawn.made_by.spec.licence}


def last_of(steps: Iterator[LoadProgress | Progress | Result], kind: type[Result]) -> Generator[str, None, Result]:
    """Tells of every step in words and returns the result, which comes last."""
    result = None
    for step in steps:
        if isinstance(step, kind):
            result = step
        else:
            yield str(step)
    assert result is not None, "a model answers or raises"
    return result


def words_for(drawn: Drawn) -> str:
    """The result in words: seconds, how different the pictures are, how high terrain is."""
    words = f"{len(drawn.pictures)} picture{'s' if len(drawn.pictures) > 1 else ''} in {seconds(drawn.took)}"
    if drawn.heights is not None:
        tops = drawn.heights.max((1, 2))
        return f"{words}; from lowest to highest point {tops.min():.1f} to {tops.max():.1f} m"
    if len(drawn.pictures) > 1:
        return f"{words}; two of them differ by {diversity(drawn.pictures):.0%} of the full range on average"
    return words


def _unknown_label(model: str) -> str:
    labels = LABELS.get(model, ())
    if not labels:
        return "This model cannot be asked for anything in particular; please leave the label empty."
    return f"This model knows {', '.join(labels)}; please choose one of them."


def _pictures(
    services: Services, asked: Asked, latents_for: Callable[[Latents], Latents]
) -> Iterator[LoadProgress | Progress | Drawn]:
    def ask(generator: ImageGenerator) -> Iterator[Progress | Samples]:
        latents = generator.latents(asked.count, asked.seed) * np.float32(asked.truncation)
        return generator.sample(SampleRequest(latents_for(latents), asked.label))

    for step in answers(services, Task.IMAGE_GENERATION, asked.model, ask):
        if isinstance(step, Answer):
            yield Drawn(step.made_by, step.value.pictures, step.took, step.value.heights)
        else:
            yield step
