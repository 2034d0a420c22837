"""Asking a code model for drafts of what is missing.

They are written one after the other: the first is there sooner, a visitor takes one slot of the engine and not four,
and on two cores it is as quick, since four texts at once make at most 1.4 times the tokens of one.
"""

import math
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import Any

from demos.answering import Answer, answers
from demos.coding import MAX_CHARACTERS, Gap, Language, clean_code, end_of_completion, parses, split_at_cursor
from demos.output_filter import hides_something, note_for
from demos.ranges import number_from, whole_number_from
from demos.seed import MAX_SEED
from demos.services import Services
from demos.writing import MAX_TEMPERATURE, SHOW_EVERY_SECONDS
from models.fill_in_middle import CodeRequest
from models.states import LoadProgress, MadeBy
from models.tasks import LanguageModel, Task, Token, text_of
from models.units import seconds

MAX_NEW_TOKENS = 300
MAX_DRAFTS = 4


@dataclass(frozen=True)
class Draft:
    """One completion: what was written with `seed` so far. `ended` says why it is finished; empty while it grows."""

    seed: int
    tokens: tuple[Token, ...] = ()
    text: str = ""
    ended: str = ""

    @property
    def logprob(self) -> float:
        """Natural logarithm of the probability of all its tokens together (at most 0)."""
        return sum(token.logprob for token in self.tokens)


@dataclass(frozen=True)
class Drafts:
    """All drafts of one request, and the seconds since it began."""

    made_by: MadeBy
    drafts: tuple[Draft, ...]
    took: float


def make_code_request(
    gap: Gap, max_new_tokens: float | None, temperature: float | None, seed: float | None
) -> CodeRequest:
    """The request that a visitor's values make. Raises `BadInputError` for numbers out of their range."""
    return CodeRequest(
        prompt=gap.prefix,
        max_new_tokens=whole_number_from("The number of new tokens", max_new_tokens, 1, MAX_NEW_TOKENS),
        temperature=number_from("The temperature", temperature, 0, MAX_TEMPERATURE),
        seed=whole_number_from("The seed", seed, 0, MAX_SEED),
        # Behind the cursor there is nothing but space: the gap is at the end.
        suffix=gap.suffix if gap.suffix.strip() else "",
    )


def gap_in(code: str | None) -> Gap:
    """The gap in the code of a visitor. Raises `BadInputError` for empty and too long code and for two markers."""
    return split_at_cursor(clean_code(code, max_characters=MAX_CHARACTERS))


def seeds_for(request: CodeRequest, drafts: float | None) -> tuple[int, ...]:
    """A seed for each draft; the likeliest text (temperature 0) is the same with every seed, so there is one."""
    count = whole_number_from("The number of drafts", drafts, 1, MAX_DRAFTS)
    return tuple((request.seed + number) % (MAX_SEED + 1) for number in range(1 if request.greedy else count))


def write_drafts(
    services: Services, request: CodeRequest, model: str, language: Language, seeds: Sequence[int]
) -> Generator[LoadProgress | Drafts, None, None]:
    """Lets one model write a draft for each of `seeds`: progress first, then all drafts as they grow, finished last."""
    gap = Gap(request.prompt, request.suffix)

    def visible(drafts: Sequence[Draft]) -> tuple[Draft, ...]:
        shown = services.output_filter
        texts = [shown.text(draft.text, finished=bool(draft.ended), before=gap.prefix) for draft in drafts]
        return tuple(replace(draft, text=text) for draft, text in zip(drafts, texts, strict=True))

    def ask(writer: LanguageModel) -> Iterator[list[Draft]]:
        return _drafts(writer, request, gap, language, seeds)

    for step in answers(services, Task.CODE_COMPLETION, model, ask):
        if isinstance(step, Answer):
            yield Drafts(step.made_by, visible(step.value), step.took)
        elif isinstance(step, LoadProgress):
            yield step


def _drafts(
    writer: LanguageModel, request: CodeRequest, gap: Gap, language: Language, seeds: Sequence[int]
) -> Iterator[list[Draft]]:
    """All drafts several times a second while they grow, one after the other; finished last."""
    drafts = [Draft(seed) for seed in seeds]
    last_shown = time.perf_counter()
    for number, seed in enumerate(seeds):
        stream: Any = writer.generate(replace(request, seed=seed))
        said: SimpleQueue[Token | Exception | None] = SimpleQueue()
        # No daemon: the engine's thread, begun in this one, would inherit that, and abort the process at its exit.
        threading.Thread(target=_listen, args=(stream, said), daemon=False).start()
        try:
            while not drafts[number].ended:
                try:
                    token = said.get(timeout=SHOW_EVERY_SECONDS)
                except Empty:
                    # Stop takes effect between two steps, also while the model reads or the request waits.
                    yield drafts
                    continue
                if isinstance(token, Exception):
                    raise token
                drafts[number] = _grown(drafts[number], token, gap, language, request.max_new_tokens)
                now = time.perf_counter()
                if now - last_shown >= SHOW_EVERY_SECONDS or len(drafts[number].tokens) == 1:
                    last_shown = now
                    yield drafts
        finally:
            stream.close()
    yield drafts


def facts_of(request: CodeRequest, model: str, language: Language) -> dict[str, Any]:
    """What the view and the downloads say of how a text was made."""
    return {
        "model": model,
        "language": language,
        "seed": request.seed,
        "temperature": request.temperature,
        "max_new_tokens": request.max_new_tokens,
    }


def judgement(draft: Draft, gap: Gap, language: Language) -> dict[str, Any]:
    """The finished draft as the view shows it: its text, its log-probability in words, whether the code parses."""
    return {
        "text": draft.text,
        "seed": draft.seed,
        "tokens": len(draft.tokens),
        "logprob": round(draft.logprob, 3),
        "likelihood": likelihood_in_words(draft),
        "ended": draft.ended,
        # A parser has nothing to say on code with a hidden word.
        "parses": None if hides_something(draft.text) else parses(gap.filled(draft.text), language),
    }


def likelihood_in_words(draft: Draft) -> str:
    """The draft's log-probability, in all and for each token."""
    if not draft.tokens:
        return "The model wrote nothing here: it holds the code for complete."
    count = len(draft.tokens)
    mean = draft.logprob / count
    tokens = f"{count} tokens" if count > 1 else "1 token"
    return (
        f"log p = {_signed(draft.logprob)} for {tokens}, {_signed(mean)} each: "
        f"a typical token had {math.exp(mean):.0%}."
    )


def words_for(written: Drafts) -> str:
    """The finished drafts in words: tokens, seconds, tokens per second."""
    count = sum(len(draft.tokens) for draft in written.drafts)
    rate = count / max(written.took, 1e-9)
    many = f"{len(written.drafts)} drafts, " if len(written.drafts) > 1 else ""
    note = note_for("".join(draft.text for draft in written.drafts))
    return f"{many}{count} tokens in {seconds(written.took)}, {rate:.0f} per second{note}"


def _listen(stream: Any, said: "SimpleQueue[Token | Exception | None]") -> None:
    try:
        for token in stream:
            said.put(token)
        said.put(None)
    except Exception as error:  # noqa: BLE001 - it is the reader's
        said.put(error)


def _grown(draft: Draft, token: Token | None, gap: Gap, language: Language, max_new_tokens: int) -> Draft:
    # A control token in the middle of a text means that another file would begin here.
    if token is None or not token.raw:
        full = len(draft.tokens) >= max_new_tokens
        return replace(draft, ended="the cap on new tokens is reached" if full else "the model ended it")
    tokens = (*draft.tokens, token)
    text = text_of(tokens)
    end = end_of_completion(gap, text, language)
    if end is None:
        return replace(draft, tokens=tokens, text=text)
    text = text[:end].rstrip()
    length, kept = 0, 0
    while length < len(text.encode()):
        length += len(tokens[kept].raw)
        kept += 1
    return replace(draft, tokens=tokens[:kept], text=text, ended="this piece of code is complete")


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")
