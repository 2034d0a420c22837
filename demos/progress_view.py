"""What the progress strip shows: a row of enlarged pictures for each model with its figures, and the denoising film.

The pictures of a row are one small grey PNG, side by side; those of the film stand below each other, one row for each
step, so that the browser can scrub through all of them without asking again (see assets/theme/progress_strip.js).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image, PngImagePlugin

from demos.pictures import data_uri
from demos.theme import THEME_FOLDER
from models.small_pictures import SIDE, GreyPictures
from models.specs.progress import FIGURES_FOLDER
from models.states import MadeBy
from models.units import seconds

ENLARGED = 4
"""Screen pixels for each pixel of a picture in the downloaded sheet."""
NOTICE = "AI-generated, all but the first row."


@dataclass(frozen=True)
class Stage:
    """One model in the order of years: what it assumes, and what goes wrong with it."""

    model: str
    year: str
    name: str
    assumes: str
    wrong: str


STAGES = (
    Stage(
        "progress-mixture",
        "1977",
        "Gaussian mixture",
        "A picture is one of 60 blurred templates plus grain.",
        "Pixels know nothing of each other, so no edge is ever sharp.",
    ),
    Stage(
        "progress-pca",
        "1999",
        "Probabilistic PCA",
        "Pictures lie on a flat plane: a mean and 50 directions to mix.",
        "Half a shoe plus half a shirt is on the plane too: ghosts.",
    ),
    Stage(
        "progress-vae",
        "2014",
        "VAE",
        "A network bends the plane: 16 numbers become a picture.",
        "It is scored pixel by pixel, so where it is unsure it blurs.",
    ),
    Stage(
        "progress-gan",
        "2014",
        "GAN",
        "A second network must take its pictures for real ones.",
        "Sharp, but it leaves things out, and some come out broken.",
    ),
    Stage(
        "progress-diffusion",
        "2020",
        "Diffusion",
        "Removes a little noise from pure noise, again and again.",
        "Sharp and varied, but slow: 25 passes instead of one.",
    ),
)

_TEMPLATE = """
<div class="progress-rows"></div>
<p class="progress-note"></p>
<div class="film">
  <h4>Inside the diffusion model: all 25 steps, from noise to pictures</h4>
  <div class="film-bar">
    <button type="button" class="film-play">Play</button>
    <input type="range" min="0" step="1" aria-label="Denoising step">
    <output class="film-words"></output>
  </div>
  <div class="film-line"><p class="film-label"><b>x<sub>t</sub></b> what it holds: picture and noise</p>
    <div class="tiles film-noisy" role="img" aria-label="Eight noisy pictures"></div></div>
  <div class="film-line"><p class="film-label"><b>x̂<sub>0</sub></b> what it foresees: its guess of the clean one</p>
    <div class="tiles film-foreseen" role="img" aria-label="The pictures it foresees"></div></div>
</div>
"""


@dataclass(frozen=True)
class Film:
    """All steps of a denoising run: the share of noise, what the model holds and what it foresees."""

    noise: list[float]
    noisy: list[GreyPictures]
    foreseen: list[GreyPictures]


@dataclass(frozen=True)
class Drawn:
    """The pictures of one model, the seconds they took and, if it works in steps, the film of them."""

    made_by: MadeBy
    pictures: GreyPictures
    took: float
    film: Film | None = None


def progress_view(value: dict[str, Any]) -> gr.HTML:
    """Draws the rows and the film; `value` comes from `view_value`."""
    script = (THEME_FOLDER / "progress_strip.js").read_text(encoding="utf-8")
    return gr.HTML(
        value, html_template=_TEMPLATE, js_on_load=script, apply_default_css=False, elem_classes="progress-view"
    )


def view_value(data: str, seed: int, drawn: Sequence[Drawn]) -> dict[str, Any]:
    """The value of a `progress_view`: a row for each model; those that have not drawn yet have no pictures."""
    figures = released_figures()
    rows: list[dict[str, Any]] = [_real_row(data)]
    for number, stage in enumerate(STAGES):
        part = drawn[number] if number < len(drawn) else None
        own = figures[stage.model.removeprefix("progress-")][data]
        rows.append(
            {
                "year": stage.year,
                "name": stage.name,
                "words": [stage.assumes, stage.wrong],
                "tiles": _side_by_side(part.pictures) if part else "",
                "took": seconds(part.took).replace("under ", "< ") if part else "",
                "distance": own["distance"],
                "bits": own["bits"],
            }
        )
    film = drawn[-1].film if drawn else None
    return {"data": data, "seed": seed, "rows": rows, "film": _film_value(film) if film else None, "notice": NOTICE}


@cache
def released_figures() -> Mapping[str, Any]:
    """The figures on held-out pictures that came with the weights."""
    figures: Mapping[str, Any] = json.loads((FIGURES_FOLDER / "figures.json").read_text(encoding="utf-8"))
    return figures


def contact_sheet(drawn: Sequence[Drawn], asked: Mapping[str, Any]) -> bytes:
    """A PNG of all rows, enlarged, that says how it was made."""
    rows = [np.concatenate(list(part.pictures), 1) for part in drawn]
    sheet = Image.fromarray(np.concatenate(rows))
    text = PngImagePlugin.PngInfo()
    text.add_text("Software", "Deep Generative Models gallery")
    text.add_text("Comment", "AI-generated")
    facts = {"models": [part.made_by.spec.id for part in drawn], **asked}
    text.add_itxt("Parameters", json.dumps(facts))
    content = BytesIO()
    large = sheet.resize((sheet.width * ENLARGED, sheet.height * ENLARGED), Image.Resampling.NEAREST)
    large.save(content, "PNG", pnginfo=text)
    return content.getvalue()


def _real_row(data: str) -> dict[str, Any]:
    return {
        "year": "",
        "name": "Real pictures",
        "words": ["None of the models has seen these."],
        "tiles": data_uri((FIGURES_FOLDER / f"{data}-real.png").read_bytes()),
        "took": "",
        "distance": released_figures()["real"][data]["distance"],
        "bits": None,
    }


def _film_value(film: Film) -> dict[str, Any]:
    return {
        "noise": [round(share, 4) for share in film.noise],
        "noisy": _below_each_other(film.noisy),
        "foreseen": _below_each_other(film.foreseen),
    }


def _side_by_side(pictures: GreyPictures) -> str:
    return _png(np.concatenate(list(pictures), 1))


def _below_each_other(steps: Sequence[GreyPictures]) -> str:
    return _png(np.concatenate([np.concatenate(list(pictures), 1) for pictures in steps]))


def _png(pixels: GreyPictures) -> str:
    assert pixels.shape[0] % SIDE == 0
    content = BytesIO()
    Image.fromarray(pixels).save(content, "PNG", optimize=True)
    return data_uri(content.getvalue())
