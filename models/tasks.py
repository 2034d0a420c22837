"""What each task asks and answers: request and result types, and one Protocol per task.

Images are `PIL.Image` in RGB, sound is mono float32 in [-1, 1]. Every long job is a generator: it yields between
steps, and closing it (`Stop`, or a student who leaves) ends the work at the next step. Nothing here imports torch or
gradio.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.errors import BadInputError


class Task(StrEnum):
    """The applications that a model can serve. The value is the name used in URLs and on the command line."""

    SUPER_RESOLUTION = "super-resolution"
    SPEECH = "speech"
    AUDIO_SUPER_RESOLUTION = "audio-super-resolution"
    LANGUAGE = "language"
    CODE_COMPLETION = "code-completion"
    TRANSLATION = "translation"
    IMAGE_GENERATION = "image-generation"
    STYLE_TRANSFER = "style-transfer"
    IMAGE_TRANSLATION = "image-translation"
    DETECTION = "detection"
    WAVENET = "wavenet"
    SMALL_PICTURES = "small-pictures"
    INPAINTING = "inpainting"
    TEXT_TO_IMAGE = "text-to-image"
    STROKE_TO_IMAGE = "stroke-to-image"
    COLORIZATION = "colorization"

    @property
    def deadline(self) -> float:
        """Seconds that one request may run: several times what the slowest model takes on two cores."""
        return _DEADLINES.get(self, 300.0)

    @property
    def verb(self) -> str:
        """What its models do, as the end of "it cannot …"."""
        return _VERBS[self]


_DEADLINES = {
    Task.LANGUAGE: 120.0,
    Task.CODE_COMPLETION: 120.0,
    Task.TRANSLATION: 120.0,
    Task.STYLE_TRANSFER: 120.0,
    Task.DETECTION: 60.0,
}
_VERBS = {
    Task.SUPER_RESOLUTION: "enlarge pictures",
    Task.SPEECH: "speak",
    Task.AUDIO_SUPER_RESOLUTION: "widen sounds",
    Task.LANGUAGE: "write text",
    Task.CODE_COMPLETION: "complete code",
    Task.TRANSLATION: "translate",
    Task.IMAGE_GENERATION: "draw pictures from noise",
    Task.STYLE_TRANSFER: "paint pictures in a style",
    Task.IMAGE_TRANSLATION: "translate pictures",
    Task.DETECTION: "tell real pictures from generated ones",
    Task.WAVENET: "draw sound sample by sample",
    Task.SMALL_PICTURES: "draw small pictures",
    Task.INPAINTING: "fill holes in pictures",
    Task.TEXT_TO_IMAGE: "draw from a caption",
    Task.STROKE_TO_IMAGE: "paint from strokes",
    Task.COLORIZATION: "colour pictures",
}


@dataclass(frozen=True)
class Progress:
    """One finished step of a running request, to be shown in words: "tile 3 of 12"."""

    what: str
    done: int
    total: int

    def __str__(self) -> str:
        return f"{self.what} {self.done} of {self.total}"


@dataclass(frozen=True)
class UpscaleRequest:
    """Enlarge `image` (RGB, any size). `tile` is the side in input pixels of the squares worked on one at a time.

    Models that draw the detail at random take it from `seed`, and those that read prompts follow `prompt`, which may be
    empty.
    """

    image: Image.Image
    tile: int = 512
    prompt: str = ""
    seed: int = 0


@dataclass(frozen=True)
class Upscaled:
    """The enlarged picture: RGB, `scale` times the width and height of the input."""

    image: Image.Image


class Upscaler(Protocol):
    """p(high resolution | low resolution)."""

    scale: int

    def upscale(self, request: UpscaleRequest) -> Iterator[Progress | Upscaled]:
        """Yields `Progress` after each step of the work and `Upscaled` last."""
        ...


@dataclass(frozen=True)
class SpeechRequest:
    """Say `text` in `voice` at `speed` (0.5 to 2, 1 is the speaker's own pace). `seed` fixes the noise in the sound."""

    text: str
    voice: str
    speed: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class SpokenSentence:
    """One sentence of the answer: its text, its phonemes (IPA; none if the model reads letters) and its sound, mono
    float32 in [-1, 1]."""

    text: str
    phonemes: str
    samples: NDArray[np.float32]


class Speaker(Protocol):
    """p(sound | text)."""

    sample_rate: int
    voices: tuple[str, ...]

    def speak(self, request: SpeechRequest) -> Iterator[Progress | SpokenSentence]:
        """Yields each sentence as soon as it can be played; a slow speaker tells in between how far it is."""
        ...


@dataclass(frozen=True)
class TextRequest:
    """Continue `prompt`, then the token ids in `forced` (tokens already chosen, for branching), by at most
    `max_new_tokens`.

    `temperature` 0 is greedy; `top_p` in (0, 1]; `top_k` 0 keeps all tokens. The same seed gives the same text. Each
    token comes with `alternatives` other ones, if the model has as many to tell.
    """

    prompt: str
    forced: tuple[int, ...] = ()
    max_new_tokens: int = 80
    temperature: float = 0.8
    top_p: float = 0.95
    top_k: int = 40
    seed: int = 0
    alternatives: int = 10

    def __post_init__(self) -> None:
        """Raises `BadInputError` for a request that no model could answer."""
        if not self.pieces:
            raise BadInputError("Type the beginning of a text first: the model needs something to continue.")
        if any("\ud800" <= character <= "\udfff" for character in self.prompt):
            raise BadInputError("The text holds half of a character; please delete it and type it again.")
        if not all(0 <= token < 2**31 for token in self.forced):
            raise BadInputError("These tokens come from no model; please start again from your text.")
        if self.max_new_tokens < 1:
            raise BadInputError("Ask for at least one new token.")
        # Written so that NaN fails as well.
        if not 0 <= self.temperature < math.inf:
            raise BadInputError("The temperature must be 0 or more.")
        if not 0 < self.top_p <= 1:
            raise BadInputError("Top-p must be above 0 and at most 1.")
        if self.top_k < 0:
            raise BadInputError("Top-k must be 0 or more.")

    @property
    def pieces(self) -> tuple[str | int, ...]:
        """What the model reads: texts and token ids. A request that frames its text for a model overrides this."""
        return (*([self.prompt] if self.prompt else []), *self.forced)

    @property
    def greedy(self) -> bool:
        """Whether the likeliest token always wins. So cold, dividing by the temperature would only overflow."""
        return self.temperature < 0.001


@dataclass(frozen=True)
class Candidate:
    """A token the model could have said: `raw` are its bytes (a character may span several tokens; control tokens, such
    as the one that ends a text, have none), `probability` is the model's own, at temperature 1 and before top-k and
    top-p."""

    id: int
    raw: bytes
    probability: float

    @property
    def text(self) -> str:
        return self.raw.decode("utf-8", errors="replace")

    @property
    def logprob(self) -> float:
        """Natural logarithm of the probability, at most 0. What an engine rounds to zero counts as one in a billion."""
        return math.log(max(self.probability, 1e-9))


@dataclass(frozen=True)
class Token(Candidate):
    """A token the model did say, with the likeliest `alternatives` at that place (most probable first, itself
    included when it is among them)."""

    alternatives: tuple[Candidate, ...] = ()


def text_of(tokens: tuple[Token, ...] | list[Token]) -> str:
    """The text that `tokens` spell together; an unfinished character at the end is left out."""
    return b"".join(token.raw for token in tokens).decode("utf-8", errors="ignore")


class LanguageModel(Protocol):
    """p(next token | text)."""

    def generate(self, request: TextRequest) -> Iterator[Token]:
        """Yields each new token as it is decided; ends at `max_new_tokens`, when the model ends its text (the token
        that ends it is not yielded) or when its context is full.

        Any number of threads may ask at once. Raises `BadInputError` for a prompt longer than the model's context.
        """
        ...


Decoding = Literal["greedy", "beam", "sampling"]


@dataclass(frozen=True)
class TranslationRequest:
    """Translate `text` from the language `source` into `target` (ISO 639-1: "zh", "en").

    `decoding` takes the likeliest token at each place ("greedy"), looks for the likeliest whole sentence ("beam"), or
    draws ("sampling", at `temperature`, from `seed`). `forced` are the token ids that
    the translation must begin with, for branching.
    """

    text: str
    source: str
    target: str
    decoding: Decoding = "greedy"
    temperature: float = 0.8
    seed: int = 0
    forced: tuple[int, ...] = ()
    max_new_tokens: int = 200


@dataclass(frozen=True)
class Translation:
    """What a model has translated so far: the new tokens, without the forced ones.

    `attention` belongs to encoder-decoders alone: [target tokens, source tokens], rows sum to 1, mean over layers and
    heads; the source tokens are `source_tokens`, the target tokens the forced ones, then `tokens`.
    """

    tokens: tuple[Token, ...]
    source_tokens: tuple[str, ...] = ()
    attention: NDArray[np.float32] | None = None


class Translator(Protocol):
    """p(target sentence | source sentence)."""

    def translate(self, request: TranslationRequest) -> Iterator[Translation]:
        """Yields the growing translation, the finished one last.

        During beam search this is the best of the sentences that compete, so it may change its beginning. Raises
        `BadInputError` for a direction that the model has not learnt and for a text longer than it reads.
        """
        ...
