"""Beam search over any language model: several beginnings of a sentence compete, and the best whole sentence wins.

At each step every unfinished hypothesis is asked for its ten likeliest next tokens, and the `width` likeliest of all
continuations live on (Lowerre 1976; Sutskever et al. 2014 for translation). Hypotheses of different length are compared
by their log-probability per token (Wu et al. 2016 with a length penalty of exponent 1).

A hypothesis is finished where ending the text is the likeliest thing to do. Engines do not say how likely that was, so
the end itself has no part in the score.
"""

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from models.tasks import LanguageModel, TextRequest, Token

WIDTH = 4


@dataclass(frozen=True)
class Hypothesis:
    """A sentence in the making. `logprob` is the natural logarithm of the probability of all its tokens together."""

    tokens: tuple[Token, ...] = ()
    logprob: float = 0.0
    finished: bool = False

    @property
    def score(self) -> float:
        """Log-probability per token (at most 0)."""
        return self.logprob / max(len(self.tokens), 1)

    def extended(self) -> "list[Hypothesis]":
        """One hypothesis for each alternative at the place of the last token, which was the likeliest."""
        *before, last = self.tokens
        others = [other for other in last.alternatives if other.raw]
        return [
            Hypothesis(
                (*before, Token(other.id, other.raw, other.probability, last.alternatives)),
                self.logprob + other.logprob,
            )
            for other in others
        ]


def beam_search(model: LanguageModel, request: TextRequest, width: int = WIDTH) -> Iterator[tuple[Hypothesis, ...]]:
    """Yields, after each step, the hypotheses that are left, the best one first; they are at most `width`.

    The last yield holds finished hypotheses alone, if there are any. The `width` questions of a step are asked at the
    same time, so an engine with slots answers them in one batch. Closing the generator ends the search at the next
    step. Temperature, top-p, top-k and seed of `request` play no part.
    """
    finished: list[Hypothesis] = []
    growing = [Hypothesis()]
    ask = partial(_likeliest, model, replace(request, max_new_tokens=1, temperature=0.0))
    with ThreadPoolExecutor(width, thread_name_prefix="beam") as pool:
        for _ in range(request.max_new_tokens):
            extended: list[Hypothesis] = []
            for hypothesis, token in zip(growing, pool.map(ask, growing), strict=True):
                if token is None:
                    finished.append(replace(hypothesis, finished=True))
                else:
                    extended += replace(hypothesis, tokens=(*hypothesis.tokens, token)).extended()
            growing = sorted(extended, key=lambda one: one.logprob, reverse=True)[:width]
            yield _ranked(finished, growing, width)
            best = max((one.score for one in finished), default=-math.inf)
            # Adding tokens can only lower a log-probability: what is behind now would have to be very sure from here.
            if len(finished) >= width or all(one.score <= best for one in growing):
                break
    yield _ranked(finished or growing, [], width)


def _likeliest(model: LanguageModel, request: TextRequest, hypothesis: Hypothesis) -> Token | None:
    """The likeliest token after `hypothesis`, with its alternatives; None if the likeliest is to end the text."""
    said = tuple(token.id for token in hypothesis.tokens)
    return next(iter(model.generate(replace(request, forced=(*request.forced, *said)))), None)


def _ranked(finished: list[Hypothesis], growing: list[Hypothesis], width: int) -> tuple[Hypothesis, ...]:
    return tuple(sorted([*finished, *growing], key=lambda one: one.score, reverse=True)[:width])
