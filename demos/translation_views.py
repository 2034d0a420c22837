"""Two tables that the browser draws from JSON: decodings side by side, and where a decoder looked (attention)."""

import json
from typing import Any

import gradio as gr

from demos.theme import THEME_FOLDER
from models.tasks import Token, Translation


def decoding_table(value: str) -> gr.HTML:
    """Draws the comparison; `value` comes from `demos.translating.comparison_table`."""
    return _json_view("decoding_table", "decoding-table", value)


def attention_map() -> gr.HTML:
    """Draws the place of the heat map, hidden until a model that has attention between two texts has run."""
    return _json_view("attention_map", "attention-map", "", visible=False)


def attention_update(tokens: tuple[Token, ...], translation: Translation) -> Any:
    """The heat map of `translation`, whose tokens are, with the forced ones before them, `tokens`."""
    if translation.attention is None:
        return gr.update(value="", visible=False)
    content = {
        "source": translation.source_tokens,
        "target": [token.text for token in tokens],
        "weights": translation.attention.round(4).tolist(),
    }
    return gr.update(value=json.dumps(content), visible=True)


def _json_view(script: str, name: str, value: str, *, visible: bool = True) -> gr.HTML:
    return gr.HTML(
        value,
        html_template="<div class='table-scroll'><table></table></div>",
        js_on_load=(THEME_FOLDER / f"{script}.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_classes=name,
        visible=visible,
    )
