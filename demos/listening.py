"""Listening tests: versions of one sound with their spectrograms; switching keeps the place and the loudness."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import gradio as gr
from gradio.data_classes import FileData

from demos.theme import THEME_FOLDER

# Nothing of the value stands in the template: Gradio would run what it finds there.
_TEMPLATE = """
<div class="listening" hidden>
  <div class="listening-tracks" role="group" aria-label="Versions: click one to hear it"></div>
  <div class="listening-controls">
    <button type="button" class="listening-play" aria-label="Play the chosen version">▶</button>
    <input type="range" min="0" max="1" step="0.001" value="0" aria-label="Place in the sound">
    <span class="listening-time"></span>
    <a class="player-download" download>Download</a>
  </div>
</div>
"""


@dataclass(frozen=True)
class Track:
    """One version: what it is called, one line about it, its WAV file, and its spectrogram for both modes."""

    title: str
    words: str
    sound: str
    light: str
    dark: str
    volume: float
    """0 to 1: makes all versions equally loud."""

    def value(self) -> dict[str, Any]:
        """As the page gets it."""
        files = {name: FileData(path=getattr(self, name)).model_dump() for name in ("sound", "light", "dark")}
        return asdict(self) | files


def tracks_value(tracks: Sequence[Track], *, run: str, chosen: int, seconds: float, cut_hz: float) -> dict[str, Any]:
    """The value of `listening_test`: `tracks` of `seconds`, of which number `chosen` is heard first. A line marks
    `cut_hz` in the spectrograms, which reach to 8 kHz. A new `run` starts at the beginning."""
    return {
        "tracks": [track.value() for track in tracks],
        "run": run,
        "chosen": chosen,
        "seconds": seconds,
        "cut": cut_hz,
    }


def listening_test(value: dict[str, Any] | None, *, label: str) -> gr.HTML:
    """Draws the listening test."""
    return gr.HTML(
        value,
        html_template=_TEMPLATE,
        js_on_load=(THEME_FOLDER / "listening.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_classes="listening-test",
        label=label,
    )
