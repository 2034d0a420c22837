"""Fill-in-the-middle: how a model that writes from left to right is told what comes after the gap.

Bavarian et al. 2022, https://arxiv.org/abs/2207.14255; the control tokens are those of Qwen2.5-Coder, Hui et al. 2024,
https://arxiv.org/abs/2409.12186.
"""

import re
from dataclasses import dataclass

from models.tasks import TextRequest

CONTROL_TOKENS = {151659: "<|fim_prefix|>", 151660: "<|fim_middle|>", 151661: "<|fim_suffix|>"}
_PREFIX, _MIDDLE, _SUFFIX = CONTROL_TOKENS
_LESS_THAN = 27  # the token "<"
# The control tokens of Qwen begin like the first two, those of SmolLM2 like the first or are one of the others.
_LOOKS_LIKE_CONTROL = re.compile(
    r"<(?=\||/?tool_call>|(?:repo_?name|file_sep|filename|gh_stars|issue_(?:start|comment|closed)|empty_output|"
    r"jupyter_(?:start|text|code|output|script))>)"
)


@dataclass(frozen=True)
class CodeRequest(TextRequest):
    """Write the code that is missing between `prompt` and `suffix`; without a `suffix`, at the end of `prompt`."""

    suffix: str = ""

    @property
    def pieces(self) -> tuple[str | int, ...]:
        """What Qwen2.5-Coder reads. Control tokens are ids; what looks like one in the code of a visitor stays text."""
        if not self.suffix:
            return (*as_plain_text(self.prompt), *self.forced)
        before, after = as_plain_text(self.prompt), as_plain_text(self.suffix)
        return (_PREFIX, *before, _SUFFIX, *after, _MIDDLE, *self.forced)


def looks_like_control(text: str) -> bool:
    """Whether some of `text` could be read as a control token."""
    return _LOOKS_LIKE_CONTROL.search(text) is not None


def as_plain_text(code: str, less_than: int = _LESS_THAN) -> tuple[str | int, ...]:
    """`code` in pieces of which none can be read as a control token, although llama.cpp looks for them in every text: a
    "<" that could begin one becomes a token of its own, with the id `less_than`. Joined (with "<" for that id), the
    pieces spell `code`."""
    first, *others = _LOOKS_LIKE_CONTROL.split(code)
    pieces: list[str | int] = [first]
    for other in others:
        pieces += [less_than, other]
    return tuple(piece for piece in pieces if piece != "")


def in_words(request: CodeRequest) -> list[tuple[str, bool]]:
    """What is sent to the model, for people: spans of text, each with whether it is a control token."""
    spans: list[tuple[str, bool]] = []
    for piece in request.pieces:
        control = piece in CONTROL_TOKENS
        text = piece if isinstance(piece, str) else CONTROL_TOKENS.get(piece, "<")
        if spans and not control and not spans[-1][1]:
            spans[-1] = (spans[-1][0] + text, False)
        else:
            spans.append((text, control))
    return spans
