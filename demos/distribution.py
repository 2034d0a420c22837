"""The distribution of the next token, for the plot in which the browser applies temperature, top-k and top-p to it.

The browser gets what it needs for any setting of the sliders: the likeliest tokens by name, and the probabilities of
all tokens in groups of equal probability, likeliest first. Up to top-k's limit a group is one token.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import replace

import gradio as gr

from demos.answering import answered
from demos.services import Services
from demos.theme import THEME_FOLDER
from demos.token_view import candidate_fields
from demos.writing import MAX_TOP_K
from models.errors import BadInputError
from models.tasks import LanguageModel, Task, TextRequest, Token

SHOWN = 12
KNOWN = 1000
"""Tokens whose probabilities the model is asked for; the thousandth usually has less than one in ten thousand."""
_VOCABULARY = 50_000
_CONTEXT_CHARACTERS = 60

Group = tuple[float, int]
"""A probability, and how many tokens have it."""

_TEMPLATE = """
<div class="sampling-grid">
<div class="sampling-sliders"></div>
<div class="sampling-plot">
<p class="sampling-context"></p>
<p class="sampling-legend"></p>
<ol class="sampling-bars" aria-label="The likeliest next tokens, before and after"></ol>
<p class="sampling-words" role="status"></p>
</div>
</div>
"""


def distribution_plot(distribution: str, *, temperature: float, top_k: int, top_p: float) -> gr.HTML:
    """Draws the plot with its three sliders. Its value is "temperature,top-k,top-p"; its `input` event says that a
    visitor has moved a slider. `distribution` comes from `next_tokens`."""
    scripts = ("tokens.js", "distribution.js")
    return gr.HTML(
        f"{temperature:g},{top_k},{top_p:g}",
        html_template=_TEMPLATE,
        js_on_load="\n".join((THEME_FOLDER / script).read_text(encoding="utf-8") for script in scripts),
        apply_default_css=False,
        elem_classes="sampling",
        distribution=distribution,
    )


def next_tokens(services: Services, request: TextRequest, model: str, *, before: str = "") -> str:
    """What the model expects after `request`, as JSON for the plot. `before` is the text of the forced tokens.

    Raises `BadInputError` where the model would rather end its text.
    """
    token = answered(services, Task.LANGUAGE, model, lambda backend: asked(backend, request)).value
    text = request.prompt + before
    (shown,) = services.output_filter.tokens([replace(token, id=-1, raw=b"")], finished=True, before=text)
    context = text if len(text) <= _CONTEXT_CHARACTERS else "… " + text[-_CONTEXT_CHARACTERS:].partition(" ")[2]
    content = {
        "context": context,
        "tokens": [candidate_fields(candidate) for candidate in shown.alternatives[:SHOWN]],
        "groups": grouped([candidate.probability for candidate in token.alternatives]),
    }
    return json.dumps(content, separators=(",", ":"))


def asked(model: LanguageModel, request: TextRequest) -> Token:
    """A token that may follow `request`, with its `KNOWN` likeliest alternatives."""
    request = replace(request, max_new_tokens=1, temperature=0.0, alternatives=KNOWN)
    for seed in range(4):
        token = next(iter(model.generate(request)), None)
        if token is not None:
            return token
        # The likeliest is to end the text: only a token that is said comes with its alternatives.
        request = replace(request, temperature=2.0, top_k=0, top_p=1.0, seed=seed)
    raise BadInputError("The model would end its text here; please choose another place.")


def grouped(known: Sequence[float]) -> list[Group]:
    """All tokens in groups, likeliest first, from the probabilities of the likeliest (descending).

    Those after `MAX_TOP_K` are averaged over neighbours. Where more than `KNOWN` tokens exist, the others share what is
    left by a power law that goes on from the last known ones (Zipf 1935): without top-k a high temperature draws from
    that tail, and its share at temperature 2 is then right to about a quarter.
    """
    groups: list[Group] = [(_rounded(share), 1) for share in known[:MAX_TOP_K]]
    for start, end in _bins(MAX_TOP_K, len(known)):
        groups.append((_rounded(sum(known[start:end]) / (end - start)), end - start))
    rest = 1 - sum(known)
    if len(known) < KNOWN or rest <= 1e-4 or not known[-1]:
        return groups
    slope = max(math.log2(known[len(known) // 2] / known[-1]), 1.0)
    bins = _bins(len(known), _VOCABULARY)
    weights = [((start + end) / 2) ** -slope for start, end in bins]
    mass = sum(weight * (end - start) for weight, (start, end) in zip(weights, bins, strict=True))
    return groups + [
        (_rounded(rest * weight / mass), end - start) for weight, (start, end) in zip(weights, bins, strict=True)
    ]


def _bins(start: int, end: int) -> list[tuple[int, int]]:
    """The ranks from `start` to `end`, each bin an eighth wider than the one before."""
    bins = []
    while start < end:
        stop = min(start + max(start // 8, 1), end)
        bins.append((start, stop))
        start = stop
    return bins


def _rounded(share: float) -> float:
    return float(f"{share:.4g}")
