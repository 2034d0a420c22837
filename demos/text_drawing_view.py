"""What the Text to image tab shows: the pictures, the film of the denoising steps, the nearest training pictures, and
labelled sheets. All words of visitors travel as JSON and are drawn as text (assets/theme/text_drawing.js)."""

import base64
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.data_classes import FileData
from PIL import Image

from demos.pictures import keep_bytes
from demos.sheets import Sheet, tiled
from demos.text_drawing import Asked, Cells, Drawn, Film
from demos.theme import THEME_FOLDER
from models.text_to_image import Denoising, Neighbour, Pixels

COLUMNS = 2
LARGEST_CELL = 256
"""Side in pixels of the pictures in a labelled sheet, at most."""
UNKNOWN_BELOW = 0.6
"""Where the nearest caption is farther than this, the model has seen nothing of the kind: synonyms and parts of what is
asked for lie above, captions that share no thing with it below."""
UNKNOWN = "It has never been shown anything like this: what you see is its best try."

_DRAWING = """
<div class="text-drawing">
  <div class="drawn">
    <div class="sample-grid" role="group" aria-label="Pictures: choose one to see it alone"></div>
    <p class="notice"></p>
  </div>
  <div class="near">
    <h4>Nearest things it was trained on</h4>
    <p class="near-note" role="note"></p>
    <ol></ol>
    <div class="sample-tools">
      <button type="button" class="plain-switch" aria-pressed="false">Show raw pixels</button>
      <a class="save-drawn">Save</a>
    </div>
  </div>
</div>
<div class="film text-film">
  <div class="film-bar">
    <button type="button" class="film-play">Play</button>
    <input type="range" min="0" step="1" aria-label="Denoising step">
    <output class="film-words"></output>
  </div>
  <div class="film-pair">
    <figure><div class="film-tiles film-noisy" role="img" aria-label="What the model holds"></div>
      <figcaption><b>z<sub>t</sub></b> what it holds</figcaption></figure>
    <figure><div class="film-tiles film-clean" role="img" aria-label="What the model foresees"></div>
      <figcaption><b>x̂</b> the clean pictures it foresees</figcaption></figure>
  </div>
</div>
"""


def drawing_view(value: dict[str, Any]) -> gr.HTML:
    """Draws pictures, film and neighbours; `value` comes from `drawing_value` or `preview_value`."""
    scripts = [(THEME_FOLDER / file).read_text(encoding="utf-8") for file in ("sheets.js", "text_drawing.js")]
    return gr.HTML(
        value,
        html_template=_DRAWING,
        js_on_load="\n".join(scripts),
        apply_default_css=False,
        elem_classes="drawing-view",
    )


def drawing_value(
    asked: Asked, sheet: Sheet, film: dict[str, Any], near: list[dict[str, Any]], notice: str, download: str
) -> dict[str, Any]:
    """The value of a `drawing_view` with finished pictures."""
    return {
        "prompt": asked.prompt,
        "sheet": sheet.value(),
        "film": film,
        "near": near,
        "note": note_for(near),
        "notice": notice,
        "download": FileData(path=download, orig_name=Path(download).name).model_dump(),
    }


def preview_value(asked: Asked, step: Denoising) -> dict[str, Any]:
    """The value while pictures are still being drawn."""
    return {
        "prompt": asked.prompt,
        "live": {
            "noise": step.noise_share,
            "done": step.done,
            "total": step.total,
            "noisy": data_uri(tiled(step.noisy, COLUMNS)),
            "clean": data_uri(tiled(step.clean, COLUMNS)),
            "side": step.clean.shape[1],
            "columns": COLUMNS,
        },
    }


def note_for(near: Sequence[dict[str, Any]]) -> str:
    """What has to be said about a prompt that is far from all that the model knows; empty for others."""
    return UNKNOWN if near and near[0]["similarity"] < UNKNOWN_BELOW else ""


def near_value(neighbours: Sequence[Neighbour]) -> list[dict[str, Any]]:
    """Neighbours for `drawing_value`, pictures included."""
    return [
        {
            "caption": neighbour.caption,
            "similarity": round(neighbour.similarity, 3),
            "picture": data_uri(Image.fromarray(neighbour.thumbnail)),
        }
        for neighbour in neighbours
    ]


def film_sheets(film: Film) -> dict[str, bytes]:
    """The film as two WebP pictures, `noisy` and `clean`: a row for each step."""
    return {name: _webp(_rows(steps), 75) for name, steps in {"noisy": film.noisy, "clean": film.clean}.items()}


def film_value(noise: Sequence[float], side: int, files: dict[str, str]) -> dict[str, Any]:
    """The film for `drawing_value`, from the share of noise at each step and the files of `film_sheets`."""
    served = {name: FileData(path=path).model_dump() for name, path in files.items()}
    return {"noise": [round(share, 4) for share in noise], "side": side, **served}


def kept_film(drawn: Drawn) -> dict[str, Any]:
    """The film, its files written among the served ones."""
    files = {name: keep_bytes(content, f"{name}.webp") for name, content in film_sheets(drawn.film).items()}
    return film_value(drawn.film.noise, drawn.film.side, files)


_SHEET = "<div class='table-scroll'><table class='labelled-sheet'></table></div>"


def labelled_sheet(value: dict[str, Any], name: str) -> gr.HTML:
    """Draws a table of pictures with a label for each row and column; `value` comes from `sheet_value`."""
    script = (THEME_FOLDER / "labelled_sheet.js").read_text(encoding="utf-8")
    return gr.HTML(value, html_template=_SHEET, js_on_load=script, apply_default_css=False, elem_id=name)


def sheet_value(down: Sequence[str], across: Sequence[str], cells: Sequence[Cells], caption: str) -> dict[str, Any]:
    """The value of a `labelled_sheet`; later `cells` lie over earlier ones, places without any stay empty."""
    pictures: list[str | None] = [None] * (len(down) * len(across))
    for part in cells:
        for number, pixels in enumerate(part.pictures):
            pictures[part.first + number] = data_uri(no_larger(pixels, LARGEST_CELL))
    return {"down": list(down), "across": list(across), "pictures": pictures, "caption": caption}


def no_larger(pixels: Pixels, side: int) -> Image.Image:
    """The picture (S, S, 3), made smaller if it is larger than `side` pixels."""
    picture = Image.fromarray(pixels)
    return picture.resize((side, side), Image.Resampling.LANCZOS) if picture.width > side else picture


def data_uri(picture: Image.Image) -> str:
    return f"data:image/webp;base64,{base64.b64encode(_webp(picture, 85)).decode()}"


def _rows(steps: Sequence[Pixels]) -> Image.Image:
    return Image.fromarray(np.concatenate([np.concatenate(list(pictures), 1) for pictures in steps]))


def _webp(picture: Image.Image, quality: int) -> bytes:
    content = BytesIO()
    picture.save(content, "WEBP", quality=quality, method=2)
    return content.getvalue()
