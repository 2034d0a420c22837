"""Text that shows how sure the model was of each token, what else it could have said, and lets one branch there.

The value of the view is the whole continuation as JSON Lines: a line with the prompt and the facts, then one for each
token. So a growing text is sent to the browser as what was added, and branching is editing: the browser cuts the lines
behind the chosen place, puts the chosen token there and submits what is left (see assets/theme/token_view.js).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from demos.theme import THEME_FOLDER
from models.errors import BadInputError
from models.tasks import Candidate, Token

_TEMPLATE = """
<div class="token-legend"></div>
<div class="token-text" role="group" tabindex="-1" aria-label="Prompt and continuation; arrow keys move between tokens">
</div>
<div class="token-panel" role="region" aria-label="What the model could have said"></div>
<div class="token-files"></div>
"""

_NO_VOCABULARY = 2**31
"""No id is as large: what counts in 32 bits must not overflow."""


@dataclass(frozen=True)
class Continuation:
    """A prompt and its continuation so far. `facts` (model, seed, settings) travel into the downloads."""

    prompt: str
    tokens: tuple[Token, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """The id of the model that wrote it, as far as the browser says so."""
        return str(self.facts.get("model"))[:80]


def token_view(value: str) -> gr.HTML:
    """Draws the view; `value` comes from `to_lines`. Its `submit` event says that a branch was chosen: the value then
    ends with the chosen token. Its `select` event carries the `index` of the token that a visitor looks at."""
    scripts = ("tokens.js", "token_view.js")
    return gr.HTML(
        value,
        html_template=_TEMPLATE,
        js_on_load="\n".join((THEME_FOLDER / script).read_text(encoding="utf-8") for script in scripts),
        apply_default_css=False,
        elem_classes="token-view",
    )


def to_lines(continuation: Continuation) -> str:
    """The continuation as the view takes it."""
    head = _line({"prompt": continuation.prompt, **continuation.facts})
    return head + "".join(token_line(token) for token in continuation.tokens)


def token_line(token: Token) -> str:
    """One more token, to be appended to the value of the view."""
    alternatives = [candidate_fields(candidate) for candidate in token.alternatives]
    return _line({"token": candidate_fields(token), "alternatives": alternatives})


def read_lines(value: str | None, *, max_tokens: int) -> Continuation:
    """What `to_lines` wrote and the browser may have cut. Raises `BadInputError` if it is anything else."""
    # A token with ten alternatives takes under a kilobyte: what is far larger was not written by us.
    if not isinstance(value, str) or not value or len(value) > (max_tokens + 10) * 2000:
        raise BadInputError("This text cannot be branched from; please press Continue first.")
    written = [line for line in value.split("\n") if line]
    if len(written) > max_tokens + 1:
        raise BadInputError(f"This text has {len(written) - 1} tokens and {max_tokens} is the limit: branch earlier.")
    try:
        head, *lines = map(json.loads, written)
        prompt = str(head.pop("prompt"))
        tokens = tuple(_token(**line) for line in lines)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BadInputError("This text cannot be branched from; please press Continue first.") from None
    return Continuation(prompt, tokens, head)


def _line(content: Mapping[str, Any]) -> str:
    # "<" is written as \u003c: what a model says can then never open a tag, wherever this text may end up.
    return json.dumps(content, separators=(",", ":")).replace("<", "\\u003c") + "\n"


def candidate_fields(candidate: Candidate) -> list[Any]:
    """Id, spelling and probability, as the browser takes them."""
    # Bytes travel as Latin-1, one character each: a token may hold a part of a character only.
    return [candidate.id, candidate.raw.decode("latin-1"), float(f"{candidate.probability:.4g}")]


def _token(token: list[Any], alternatives: list[list[Any]]) -> Token:
    return Token(*_checked(*token), alternatives=tuple(Candidate(*_checked(*one)) for one in alternatives[:20]))


def _checked(token_id: int, raw: str, probability: float) -> tuple[int, bytes, float]:
    if type(token_id) is not int or not 0 <= token_id < _NO_VOCABULARY or not 0 <= probability <= 1:
        raise ValueError("no token")
    return token_id, raw.encode("latin-1"), float(probability)
