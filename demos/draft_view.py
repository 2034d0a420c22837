"""Drafts of a completion inside their code: new lines marked, one draft at a time, with what the model thinks of each.

The value of the view is JSON Lines: a line with the gap and the facts, then one for each piece of text that a draft
grew by, and one when it is finished. So growing drafts are sent to the browser as what was added. The view's `apply`
event carries the whole code of the chosen draft, `retry` asks for other drafts (see assets/theme/draft_view.js).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gradio as gr

from demos.coding import Gap, Language
from demos.drafting import Draft, judgement
from demos.theme import THEME_FOLDER

_TEMPLATE = """
<div class="draft-choice" role="radiogroup" aria-label="Drafts"></div>
<div class="draft-code" role="region" tabindex="0" aria-label="The code; lines that the model wrote begin with a plus">
</div>
<p class="draft-judgement"></p>
<div class="draft-actions"></div>
<details class="draft-prompt"><summary>What was sent to the model</summary><pre></pre></details>
"""


def draft_view(value: str) -> gr.HTML:
    """Draws the view; `value` is made of `head_line` and the lines of `DraftLines`."""
    script = (THEME_FOLDER / "draft_view.js").read_text(encoding="utf-8")
    return gr.HTML(
        value, html_template=_TEMPLATE, js_on_load=script, apply_default_css=False, elem_classes="draft-view"
    )


def head_line(gap: Gap, prompt: Sequence[tuple[str, bool]], facts: Mapping[str, Any], *, drafts: int) -> str:
    """The first line: the code around the gap, the prompt in spans (text, whether it is a control token), the facts."""
    return _line({"prefix": gap.prefix, "suffix": gap.suffix, "prompt": prompt, "drafts": drafts, "facts": facts})


class DraftLines:
    """Turns growing drafts into the lines that are new since the last call."""

    def __init__(self, gap: Gap, language: Language) -> None:
        self._gap = gap
        self._language = language
        self._shown: dict[int, Draft] = {}

    def new(self, drafts: Sequence[Draft]) -> str:
        """The lines to be appended to the value of the view; empty if nothing has changed."""
        return "".join(self._lines(drafts))

    def _lines(self, drafts: Sequence[Draft]) -> Iterator[str]:
        for number, draft in enumerate(drafts):
            before = self._shown.get(number, Draft(draft.seed))
            self._shown[number] = draft
            if draft.ended and not before.ended:
                yield _line({"draft": number, "finished": judgement(draft, self._gap, self._language)})
            elif len(draft.text) > len(before.text):
                yield _line({"draft": number, "more": draft.text[len(before.text) :]})


def _line(content: Mapping[str, Any]) -> str:
    # "<" is written as \u003c: what a model says can then never open a tag, wherever this text may end up.
    return json.dumps(content, separators=(",", ":")).replace("<", "\\u003c") + "\n"
