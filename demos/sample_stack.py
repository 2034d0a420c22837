"""The look inside WaveNet: what the next sample sees of the past, and what was foreseen for it."""

import json
from typing import Any

import gradio as gr

from demos.theme import THEME_FOLDER
from models.specs.wavenet import CARD
from models.wavenet import DILATIONS, SAMPLE_RATE

_TEMPLATE = """
<div class="stack">
  <div class="stack-sliders"></div>
  <p class="stack-words" role="status"></p>
  <div class="stack-plots">
    <figure><svg class="stack-past" role="img"></svg>
      <figcaption>The sound before this sample; what it sees is lit</figcaption></figure>
    <figure><svg class="stack-tree" role="img"></svg>
      <figcaption>The last 32 samples through the lowest blocks</figcaption></figure>
    <figure><svg class="stack-chances" role="img"></svg>
      <figcaption>What is foreseen for this sample: 256 loudnesses</figcaption></figure>
    <figure><svg class="stack-bits" role="img"></svg><figcaption></figcaption></figure>
  </div>
</div>
"""


def sample_stack(window: str, *, depth: int, place: int) -> gr.HTML:
    """Draws the view of `window` (from `look_inside`). Its value is "blocks,place"; its `change` event asks for another
    window."""
    return gr.HTML(
        f"{depth},{place}",
        html_template=_TEMPLATE,
        js_on_load=(THEME_FOLDER / "sample_stack.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_classes="sample-stack",
        window=window,
        facts=json.dumps({"dilations": DILATIONS, "rate": SAMPLE_RATE, **_bits()}),
    )


def _bits() -> dict[str, Any]:
    """Bits per sample of held-out speech, measured after training."""
    card = json.loads(CARD.read_text(encoding="utf-8"))
    names = ("markov_bits", "receptive_fields", "bits_by_depth", "bits_by_depth_conditioned")
    return {name: card[name] for name in names}
