"""Pictures from captions, p(image | caption), and from rough strokes, p(image | caption, strokes): what is asked and
answered. Nothing here imports torch or gradio.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.errors import BadInputError

Pixels = NDArray[np.uint8]
"""Pictures: (count, side, side, 3), sRGB."""

LARGEST_BATCH = 16
"""Pictures in one request at most."""
LARGEST_STEPS = 50
LARGEST_GUIDANCE = 15.0
LARGEST_SEED = 2**31 - 1
LONGEST_PROMPT = 200
"""Characters. The network reads far fewer words, but a long prompt is still answered."""


@dataclass(frozen=True)
class Sampling:
    """How a model is best asked: with how many steps and how much guidance. One that is not `guided`, because it has
    been distilled to few steps, uses no guidance, whatever a request says."""

    steps: int = 25
    guidance: float = 3.0
    stroke_steps: int = 20
    fewest_steps: int = 4
    guided: bool = True


SAMPLING: Mapping[str, Sampling] = {
    "flux2-klein-4b": Sampling(steps=4, guidance=0, stroke_steps=4, fewest_steps=1, guided=False),
    "z-image-turbo": Sampling(steps=8, guidance=0, stroke_steps=8, fewest_steps=1, guided=False),
    "sd-turbo": Sampling(steps=4, guidance=0, stroke_steps=4, fewest_steps=1, guided=False),
    "stable-diffusion-1.5": Sampling(guidance=7.5),
}
"""By model id; a model that is not here is asked as `Sampling()` says."""


def sampling_for(model: str) -> Sampling:
    """How the model of that id is best asked."""
    return SAMPLING.get(model, Sampling())


@dataclass(frozen=True)
class TextToImageRequest:
    """Draw one picture for each of `prompts` from the seed at its place in `seeds`, all at once.

    An empty prompt asks for anything at all. `guidance` is the scale of classifier-free guidance: 0 ignores the
    prompts, 1 is the model itself, more exaggerates what a prompt adds. A seed and a prompt give one picture, whatever
    else is drawn beside it.
    """

    prompts: tuple[str, ...]
    seeds: tuple[int, ...]
    steps: int = 20
    guidance: float = 3.0

    def __post_init__(self) -> None:
        """Raises `BadInputError` for a request that no model could answer."""
        if len(self.prompts) != len(self.seeds) or not 1 <= len(self.seeds) <= LARGEST_BATCH:
            raise BadInputError(f"Ask for 1 to {LARGEST_BATCH} pictures, each with a prompt and a seed.")
        for prompt in self.prompts:
            _check_prompt(prompt)
        _check(self.seeds, self.steps, self.guidance)


@dataclass(frozen=True)
class StrokeToImageRequest:
    """Turn `drawing` (H, W, 3, sRGB, any size; squeezed to the network's square) into a picture of `prompt`.

    One picture for each of `strengths`, above 0 (the drawing stays) to 1 (nothing of it is left), all from one `seed`.
    """

    drawing: Pixels
    prompt: str
    strengths: tuple[float, ...]
    seed: int = 0
    steps: int = 20
    guidance: float = 3.0

    def __post_init__(self) -> None:
        """Raises `BadInputError` for a request that no model could answer."""
        drawing = self.drawing
        if drawing.ndim != 3 or drawing.shape[2] != 3 or drawing.dtype != np.uint8 or not drawing.size:
            raise BadInputError("Please draw something first: there is no picture here.")
        if not 1 <= len(self.strengths) <= LARGEST_BATCH:
            raise BadInputError(f"Ask for 1 to {LARGEST_BATCH} strengths.")
        # Written so that NaN fails as well.
        if not all(0 < strength <= 1 for strength in self.strengths):
            raise BadInputError("The strength must be above 0 and at most 1.")
        _check_prompt(self.prompt)
        _check((self.seed,), self.steps, self.guidance)


@dataclass(frozen=True)
class Denoising:
    """What the model holds after step `done` of `total` (0: before the first).

    `noisy` are the pictures on their way, of which the share `noise_share` (0 to 1) is noise; `clean` are the pictures
    that the network foresees from there. Both [B, s, s, 3]; values beyond black and white are cut off. Where the model
    works on latents, both are small previews of them (s below `PictureFromText.image_size`), and at the last step
    `pictures` [B, S, S, 3] are the decoded ones; elsewhere `noisy` is the result at the last step.
    """

    done: int
    total: int
    noise_share: float
    noisy: Pixels
    clean: Pixels
    pictures: Pixels | None = None

    @property
    def result(self) -> Pixels:
        """The finished pictures, at the last step."""
        return self.noisy if self.pictures is None else self.pictures


@dataclass(frozen=True)
class Neighbour:
    """Something the model was trained on: one of its captions, how near that is to the prompt (cosine of the sentence
    embeddings, 1: the same), and the picture (H, W, 3), smaller than in training."""

    caption: str
    similarity: float
    thumbnail: Pixels


class PictureFromText(Protocol):
    """p(image | caption), with or without strokes to begin from."""

    image_size: int
    """Side of its square pictures in pixels."""

    def draw(self, request: TextToImageRequest) -> Iterator[Denoising]:
        """Yields the start, then the state after each step."""
        ...

    def from_strokes(self, request: StrokeToImageRequest) -> Iterator[Denoising]:
        """SDEdit: noise is mixed into the drawing, then removed. Yields as `draw` does, B = number of strengths.

        All strengths take the same number of steps here, each from its own noise to none; where they go side by side,
        `noise_share` is the strongest one's, and multiplied by strength / max(strengths) it is that of each. Where they
        go one after the other, `total` counts the steps of all, and `noise_share` is that of the one in work.
        """
        ...

    def nearest(self, prompt: str, count: int) -> tuple[Neighbour, ...]:
        """The `count` things it was trained on whose captions are nearest to `prompt`, the nearest first; none if
        nobody knows what it was trained on."""
        ...


def _check_prompt(prompt: str) -> None:
    if len(prompt) > LONGEST_PROMPT:
        raise BadInputError(f"A prompt may have {LONGEST_PROMPT} characters; please shorten it.")
    if any("\ud800" <= character <= "\udfff" for character in prompt):
        raise BadInputError("The prompt holds half of a character; please delete it and type it again.")


def _check(seeds: tuple[int, ...], steps: int, guidance: float) -> None:
    if not all(0 <= seed <= LARGEST_SEED for seed in seeds):
        raise BadInputError(f"A seed must be a whole number from 0 to {LARGEST_SEED:,}.")
    if not 1 <= steps <= LARGEST_STEPS:
        raise BadInputError(f"Take 1 to {LARGEST_STEPS} steps.")
    # Written so that NaN fails as well.
    if not 0 <= guidance <= LARGEST_GUIDANCE:
        raise BadInputError(f"The guidance must be from 0 to {LARGEST_GUIDANCE:g}.")
