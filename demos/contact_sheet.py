"""The contact sheet on the page: one photograph in many styles; a click on one asks for it.

Its value is `{"tiles": [{"name", "picture", "style"}], "total": int, "chosen": str}`; the first tile is the photograph
itself, the others can be chosen, and `chosen` comes back with a `select` event. See assets/theme/contact_sheet.js.
"""

from collections.abc import Iterable
from typing import Any

import gradio as gr
from gradio.data_classes import FileData

from demos.theme import THEME_FOLDER


def contact_sheet(value: dict[str, Any]) -> gr.HTML:
    """Draws the sheet; `value` comes from `sheet_value`."""
    return gr.HTML(
        value,
        html_template="<div class='contact-sheet' role='group' aria-label='Contact sheet: choose a style'></div>",
        js_on_load=(THEME_FOLDER / "contact_sheet.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_id="contact-sheet",
    )


def sheet_value(photo: str, tiles: Iterable[tuple[str, str]], total: int) -> dict[str, Any]:
    """The value of a sheet that will have `total` styles; `tiles` are those that are ready: name and path."""
    named = [("The photograph", photo), *tiles]
    ready = [
        {"name": name, "picture": FileData(path=path).model_dump(), "style": place > 0}
        for place, (name, path) in enumerate(named)
    ]
    return {"tiles": ready, "total": total + 1, "chosen": ""}
