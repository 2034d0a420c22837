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
# Every control token of this vocabulary begins like this.
_LOOKS_LIKE_CONTROL = re.compile(r"<(?=\||/?tool_call>)")


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


def as_plain_text(code: str) -> tuple[str | int, ...]:
    """`code` in pieces of which none can be read as a control token, although llama.cpp looks for them in every text: a
    "<" that could begin one becomes a token of its own. Joined (with "<" for 27), the pieces spell `code`."""
    first, *others = _LOOKS_LIKE_CONTROL.split(code)
    pieces: list[str | int] = [first]
    for other in others:
        pieces += [_LESS_THAN, other]
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
