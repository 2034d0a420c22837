"""Asking a language model to write: the request that a visitor's values make, and the text as it grows."""

import math
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from demos.answering import Answer, answers
from demos.output_filter import OutputFilter, note_for
from demos.ranges import number_from, whole_number_from
from demos.seed import MAX_SEED
from demos.services import Services
from models.states import LoadProgress, MadeBy
from models.tasks import LanguageModel, Task, TextRequest, Token, text_of
from models.text_input import clean_text
from models.units import seconds

MAX_CHARACTERS = 500
MAX_NEW_TOKENS = 200
MAX_TEMPERATURE = 2.0
MAX_TOP_K = 200
SHOW_EVERY_SECONDS = 0.2
"""How often a growing text is sent: a sending costs server and browser more than a token does."""


@dataclass(frozen=True)
class Written:
    """What a model has written so far: its new tokens and the seconds they took."""

    made_by: MadeBy
    tokens: tuple[Token, ...]
    took: float


def make_request(
    prompt: str | None,
    max_new_tokens: float | None,
    temperature: float | None,
    top_p: float | None,
    top_k: float | None,
    seed: float | None,
    *,
    forced: tuple[int, ...] = (),
) -> TextRequest:
    """The request that a visitor's values make. Raises `BadInputError` for an empty or too long prompt and for numbers
    out of their range."""
    return TextRequest(
        clean_text(prompt, max_characters=MAX_CHARACTERS),
        forced,
        whole_number_from("The number of new tokens", max_new_tokens, 1, MAX_NEW_TOKENS),
        number_from("The temperature", temperature, 0, MAX_TEMPERATURE),
        number_from("Top-p", top_p, 0.01, 1),
        whole_number_from("Top-k", top_k, 0, MAX_TOP_K),
        whole_number_from("The seed", seed, 0, MAX_SEED),
    )


def write(
    services: Services, request: TextRequest, model: str, *, before: str = ""
) -> Generator[LoadProgress | Written, None, None]:
    """Lets one model write: progress first, then the growing text several times a second, the finished text last.
    `before` is the text of the forced tokens."""

    def ask(writer: LanguageModel) -> Iterator[tuple[tuple[Token, ...], float]]:
        return growing(writer.generate(request), services.output_filter, request.prompt + before)

    for step in answers(services, Task.LANGUAGE, model, ask):
        if isinstance(step, Answer):
            yield Written(step.made_by, *step.value)
        elif isinstance(step, LoadProgress):
            yield step


def growing(
    stream: Iterator[Token], output_filter: OutputFilter, before: str
) -> Generator[tuple[tuple[Token, ...], float], None, None]:
    """What may be shown of a text that follows `before`, several times a second, with the seconds so far; all of it
    last."""
    tokens: list[Token] = []
    started = last_shown = time.perf_counter()
    for token in stream:
        tokens.append(token)
        now = time.perf_counter()
        if len(tokens) == 1 or now - last_shown >= SHOW_EVERY_SECONDS:
            last_shown = now
            yield output_filter.tokens(tokens, finished=False, before=before), now - started
    took = time.perf_counter() - started
    yield output_filter.tokens(tokens, finished=True, before=before), took


def perplexity(tokens: Sequence[Token]) -> float:
    """exp of the mean surprise -log p of `tokens` (at least one): 1 if each was certain, k if each was one of k equally
    likely ones."""
    return math.exp(-sum(token.logprob for token in tokens) / len(tokens))


def surprise_in_words(tokens: Sequence[Token]) -> str:
    """One line on how surprised the model was by its own text; empty if there is none."""
    if not tokens:
        return ""
    choices = perplexity(tokens)
    among = f"{choices:.1f}" if choices < 10 else f"{choices:.0f}"
    return f"Perplexity {among}: as unsure as choosing among {among} equally likely tokens."


def words_for(written: Written, request: TextRequest) -> str:
    """The finished text in words: tokens, seconds, tokens per second, and whether the model ended it by itself."""
    count = len(written.tokens)
    if not count:
        return "The model ended its text right here. Try another seed, or branch earlier."
    words = f"{count} tokens in {seconds(written.took)}, {count / max(written.took, 1e-9):.0f} per second"
    ended = "" if count == request.max_new_tokens else "; then the text ended"
    return f"{words}{ended}{note_for(text_of(written.tokens))}"


def facts_of(request: TextRequest, model: str) -> dict[str, Any]:
    """What made a text, as it travels with it into the downloads."""
    return {
        "model": model,
        "seed": request.seed,
        "max_new_tokens": request.max_new_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
    }
