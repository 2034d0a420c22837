"""The learnt styles to choose from: 26 swatches, cut from the recorded contact sheet."""

import base64
from collections.abc import Sequence
from io import BytesIO

import gradio as gr
from PIL import Image, ImageOps

SIDE = 72
"""Pixels of a swatch in the file; the page shows it smaller."""

_TEMPLATE = """
<div role="radiogroup" aria-label="Style" style="--sprite: url({{sprite}}); --count: {{count}}">
  {{#each styles}}
  <button type="button" role="radio" aria-checked="false" aria-label="{{name}}" title="{{name}}" data-style="{{name}}"
    style="--place: {{place}}"></button>
  {{/each}}
</div>
<p class="chosen-style">Style: <b></b></p>
"""
_ON_LOAD = """
const show = () => {
  for (const swatch of element.querySelectorAll("[data-style]")) {
    const chosen = swatch.dataset.style === props.value;
    swatch.setAttribute("aria-checked", String(chosen));
    swatch.tabIndex = chosen ? 0 : -1;
  }
  const name = element.querySelector(".chosen-style b");
  if (name) name.textContent = props.value;
};
const choose = (swatch) => { props.value = swatch.dataset.style; show(); trigger("select"); };
element.addEventListener("click", (event) => {
  const swatch = event.target.closest("[data-style]");
  if (swatch) choose(swatch);
});
element.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const swatches = [...element.querySelectorAll("[data-style]")];
  const place = swatches.indexOf(event.target);
  if (!step || place < 0) return;
  event.preventDefault();
  event.stopPropagation();
  swatches[(place + step + swatches.length) % swatches.length].focus();
});
watch("value", show);
show();
"""


def style_swatches(chosen: str, names: Sequence[str], tiles: Sequence[str]) -> gr.HTML:
    """Draws the swatches; the value is the name of the chosen style.

    `tiles` are paths of pictures, one for each name. A click is a `select` event.
    """
    return gr.HTML(
        chosen,
        html_template=_TEMPLATE,
        js_on_load=_ON_LOAD,
        elem_classes="style-swatches",
        styles=[{"name": name, "place": place} for place, name in enumerate(names)],
        sprite=_sprite(tiles),
        count=len(tiles),
    )


def _sprite(tiles: Sequence[str]) -> str:
    """All swatches side by side in one picture, as a data address: one request less for each of them."""
    strip = Image.new("RGB", (SIDE * len(tiles), SIDE))
    for place, path in enumerate(tiles):
        with Image.open(path) as tile:
            strip.paste(ImageOps.fit(tile.convert("RGB"), (SIDE, SIDE)), (place * SIDE, 0))
    content = BytesIO()
    strip.save(content, "WEBP", quality=80)
    return "data:image/webp;base64," + base64.b64encode(content.getvalue()).decode()
