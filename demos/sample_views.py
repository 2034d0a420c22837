"""The two views of samples: the grid with its latent walk, and the board for latent arithmetic.

Their values are JSON; what a visitor picks comes back in the same value (`picks`, `terms`) with a `submit` event. See
assets/theme/sample_grid.js and latent_arithmetic.js.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData

from demos.pictures import keep_png
from demos.sampling import MAX_PER_TERM, Asked, Drawn, facts_of
from demos.sheets import SHOWN_ALONE, Sheet, columns_for, enlargement, keep_film, make_sheet, tiled
from demos.theme import THEME_FOLDER
from models.generation import Pixels

NOTICES = {
    "dcgan-faces": "Nobody real; AI-generated",
    "omniart-eyes": "Nobody's eyes; AI-generated",
    "terrain-consistency": "No real place, each 12.8 m wide; AI-generated",
    "ldm-celebahq-256": "Nobody real; AI-generated",
    "ddpm-cat-256": "No real cats; AI-generated",
    "ncsnpp-celebahq-256": "Nobody real; AI-generated",
}
_HEIGHT_MAPS = ("terrain-consistency",)
"""Models whose pictures are drawn of something else, which is shown in their place and is not enlarged."""
_GRID = """
<div class="samples">
  <div class="sample-grid" role="group" aria-label="Samples: choose two to walk between"></div>
  <div class="walk">
    <p class="walk-title">Latent walk</p>
    <canvas class="walk-frame" role="img" aria-label="A picture of the walk"></canvas>
    <div class="walk-controls">
      <button type="button" class="walk-play" aria-label="Play the walk">▶</button>
      <span aria-hidden="true">A</span>
      <input type="range" min="0" value="0" aria-label="Place on the walk from A to B">
      <span aria-hidden="true">B</span>
    </div>
    <p class="walk-words"></p>
    <p class="notice"></p>
  </div>
</div>
<div class="sample-tools">
  <button type="button" class="plain-switch" aria-pressed="false"></button>
  <button type="button" class="enlarge" title="With Real-ESRGAN, picture by picture">Enlarge \u00d74</button>
  <a class="save-samples" download>Save PNG</a>
  <a class="save-walk" download>Save the walk</a>
</div>
"""
_ARITHMETIC = """
<div class="arithmetic">
  <div class="terms" role="radiogroup" aria-label="Samples chosen below go to"></div>
  <div class="sample-grid small" role="group" aria-label="Samples for the chosen term"></div>
  <div class="equation"></div>
</div>
"""


def sample_grid(value: dict[str, Any]) -> gr.HTML:
    """Draws the grid; `value` comes from `grid_value`. `submit` says that two samples were picked."""
    return _view(value, _GRID, "sample_grid.js", "sample-view")


def arithmetic_board(value: dict[str, Any]) -> gr.HTML:
    """Draws the board; `value` comes from `board_value`."""
    return _view(value, _ARITHMETIC, "latent_arithmetic.js", "arithmetic-view")


def _view(value: dict[str, Any], template: str, script: str, name: str) -> gr.HTML:
    scripts = [(THEME_FOLDER / file).read_text(encoding="utf-8") for file in ("sheets.js", script)]
    return gr.HTML(
        value, html_template=template, js_on_load="\n".join(scripts), apply_default_css=False, elem_classes=name
    )


def grid_value(
    asked: Asked, sheet: Sheet, download: str, picks: list[int] | None = None, walk: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The value of a `sample_grid`: samples, the file to download, and perhaps the walk between two `picks`."""
    return {
        "asked": asdict(asked),
        "sheet": sheet.value(),
        "download": _file(download),
        "notice": NOTICES.get(asked.model, "AI-generated"),
        "can_enlarge": asked.model not in _HEIGHT_MAPS and sheet.plain_side < SHOWN_ALONE,
        "plain_words": "plain height maps" if asked.model in _HEIGHT_MAPS else "raw pixels",
        "picks": picks or [],
        "walk": walk,
    }


def enlarged_value(asked: Asked, sheet: Sheet, download: str, model: str) -> dict[str, Any]:
    """What changes in the `grid_value` of samples when `model` has enlarged them."""
    notice = f"{NOTICES.get(asked.model, 'AI-generated')}; enlarged by {model}"
    return {"sheet": sheet.value(), "download": _file(download), "notice": notice, "can_enlarge": False}


def walk_value(sheet: Sheet, film: str) -> dict[str, Any]:
    """The walk for `grid_value`: its pictures in one sheet, and as a film to download."""
    return {"sheet": sheet.value(), "film": _file(film)}


def board_value(
    asked: Asked, sheet: Sheet, terms: Mapping[str, list[int]] | None = None, result: Sheet | None = None
) -> dict[str, Any]:
    """The value of an `arithmetic_board`: the samples to pick from, those picked by term, and the four pictures made of
    them."""
    return {
        "asked": asdict(asked),
        "sheet": sheet.value(),
        "terms": dict(terms or {}),
        "result": result.value() if result else None,
        "most": MAX_PER_TERM,
    }


def grid_sheet(drawn: Drawn) -> Sheet:
    """For the grid: about as many columns as rows."""
    side, columns = drawn.pictures.shape[1], columns_for(len(drawn.pictures))
    return make_sheet(drawn.pictures, drawn.plain, columns, enlargement(side, columns))


def single_sheet(drawn: Drawn) -> Sheet:
    """For pictures that are shown one at a time."""
    factor = SHOWN_ALONE // drawn.pictures.shape[1]
    return make_sheet(drawn.pictures, drawn.plain, columns_for(len(drawn.pictures)), factor)


def keep_enlarged(asked: Asked, drawn: Drawn, pictures: Pixels, model: str) -> str:
    """`pictures`, the samples enlarged by `model`, as a PNG that carries its label; returns its path."""
    facts = {**facts_of(asked, drawn), "enlarged": model}
    return keep_png(tiled(pictures, columns_for(asked.count)), f"{asked.model}-seed-{asked.seed}-large.png", facts)


def keep_samples(asked: Asked, drawn: Drawn) -> str:
    """The samples as an enlarged PNG that carries its label; returns its path."""
    columns = columns_for(asked.count)
    factor = enlargement(drawn.pictures.shape[1], columns)
    facts = {**facts_of(asked, drawn), "enlarged": f"{factor} times, Lanczos"}
    return keep_png(tiled(drawn.pictures, columns, factor), f"{asked.model}-seed-{asked.seed}.png", facts)


def kept_walk(asked: Asked, picks: list[int], drawn: Drawn) -> dict[str, Any]:
    """The walk for `grid_value`, its files written among the served ones."""
    film = keep_film(drawn.pictures, f"{asked.model}-walk.webp", {**facts_of(asked, drawn), "walk": picks})
    return walk_value(single_sheet(drawn), film)


def _file(path: str) -> dict[str, Any]:
    return FileData(path=path, orig_name=Path(path).name).model_dump()
