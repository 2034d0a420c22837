"""What the Stroke painting tab shows: drawing and picture with the film between them, and the plot of the trade-off.

Both are drawn in the browser, words as text (assets/theme/stroke_view.js, trade_off.js).
"""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.data_classes import FileData
from PIL import Image

from demos.pictures import keep_bytes
from demos.stroke_painting import Asked, Compared, Film, Frames, Preview
from demos.text_drawing_view import data_uri, no_larger
from demos.theme import THEME_FOLDER

DRAWING_SHOWN = 256
"""Side in pixels of the drawing beside the picture."""

_STROKES = """
<div class="stroke-pair">
  <figure><img class="stroke-drawing" alt="The drawing"><figcaption>Your strokes</figcaption></figure>
  <figure><img class="stroke-picture" alt="The picture"><figcaption class="stroke-caption"></figcaption></figure>
</div>
<div class="film stroke-film">
  <div class="film-bar">
    <button type="button" class="film-play">Play</button>
    <input type="range" min="0" step="1" aria-label="Frame of adding and removing noise">
  </div>
  <div class="stroke-frames">
    <figure><canvas class="stroke-noisy" role="img" aria-label="What the model holds"></canvas>
      <figcaption><b>z<sub>s</sub></b> what it holds</figcaption></figure>
    <figure><canvas class="stroke-clean" role="img" aria-label="What the model foresees"></canvas>
      <figcaption><b>x̂</b> what it foresees</figcaption></figure>
    <div class="stroke-words"><output class="film-words"></output><p class="notice"></p>
      <a class="save-drawn">Save</a></div>
  </div>
</div>
"""
_TRADE_OFF = """
<div class="trade-pictures" role="group" aria-label="The drawing and its pictures, by strength"></div>
<svg class="trade-plot" role="img" viewBox="0 0 800 400"></svg>
<p class="trade-caption"></p>
"""


def stroke_view(value: dict[str, Any]) -> gr.HTML:
    """Draws drawing, picture and film; `value` comes from `painted_value` or `preview_value`."""
    return _view(value, _STROKES, "stroke_view.js", "stroke-view")


def trade_off_view(value: dict[str, Any]) -> gr.HTML:
    """Draws the pictures of several strengths and the plot; `value` comes from `trade_off_value`."""
    return _view(value, _TRADE_OFF, "trade_off.js", "trade-off")


def _view(value: dict[str, Any], template: str, script: str, name: str) -> gr.HTML:
    source = (THEME_FOLDER / script).read_text(encoding="utf-8")
    return gr.HTML(value, html_template=template, js_on_load=source, apply_default_css=False, elem_classes=name)


def painted_value(
    asked: Asked, drawing: Image.Image, picture: str, film: dict[str, Any], notice: str
) -> dict[str, Any]:
    """The value of a `stroke_view` with the finished picture in the file `picture`."""
    return {
        "prompt": asked.prompt,
        "strength": asked.strength,
        "drawing": drawing_shown(drawing),
        "picture": FileData(path=picture, orig_name=Path(picture).name).model_dump(),
        "film": film,
        "notice": notice,
    }


def preview_value(asked: Asked, drawing: Image.Image, step: Preview) -> dict[str, Any]:
    """The value while noise is being removed."""
    return {
        "prompt": asked.prompt,
        "strength": asked.strength,
        "drawing": drawing_shown(drawing),
        "live": {
            "done": step.done,
            "total": step.total,
            "noise": step.noise,
            "noisy": data_uri(Image.fromarray(step.noisy)),
            "clean": data_uri(Image.fromarray(step.clean)),
        },
    }


def drawing_shown(drawing: Image.Image) -> str:
    """The drawing as a small data URI."""
    return data_uri(drawing.resize((DRAWING_SHOWN, DRAWING_SHOWN), Image.Resampling.BOX))


def film_files(film: Film) -> dict[str, bytes]:
    """The film as two WebP pictures, `noisy` and `clean`: the frames below each other."""
    return {name: _below_each_other(frames) for name, frames in (("noisy", film.noisy), ("clean", film.clean))}


def film_facts(film: Film) -> dict[str, Any]:
    """What the browser has to know to show the frames."""
    return {
        "noise": [round(share, 4) for share in film.noise],
        "adding": film.adding,
        "side": film.noisy.shape[1],
    }


def film_value(facts: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    """The film for `painted_value`, from `film_facts` and the paths of `film_files`."""
    return {**facts, **{name: FileData(path=path).model_dump() for name, path in files.items()}}


def kept_film(film: Film) -> dict[str, Any]:
    """The film, its files written among the served ones."""
    files = {name: keep_bytes(content, f"{name}.webp") for name, content in film_files(film).items()}
    return film_value(film_facts(film), files)


def trade_off_value(asked: Asked, compared: Compared) -> dict[str, Any]:
    """The value of a `trade_off_view`."""
    return {
        "prompt": asked.prompt,
        "seed": asked.seed,
        "rows": [
            {
                "strength": row.strength,
                "picture": data_uri(no_larger(row.picture, DRAWING_SHOWN)),
                "distance": round(row.distance, 2),
                "surprise": round(row.surprise, 2),
            }
            for row in compared.rows
        ],
    }


def _below_each_other(frames: Frames) -> bytes:
    content = BytesIO()
    Image.fromarray(np.concatenate(list(frames))).save(content, "WEBP", quality=75, method=2)
    return content.getvalue()
