"""The sound player: native controls, a picture with a playhead, sentences that light up as they are spoken.

It starts with the first sentence and takes up the rest, as it arrives, at the pauses in between. Gradio's own streaming
audio needs an ffmpeg on the machine, hides how long the sound is and cannot be wound back.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import gradio as gr
from gradio.data_classes import FileData

from demos.theme import THEME_FOLDER

# Nothing of the value stands in the template: Gradio would run what it finds there, and rebuild a sounding player.
_TEMPLATE = """
<figure class="player" hidden>
  <div class="player-picture"><div class="player-canvas">
    <img class="on-light" alt=""><img class="on-dark" alt="">
    <div class="player-axis"><div class="player-cues"></div><i class="playhead" hidden></i></div>
  </div></div>
  <div class="player-controls">
    <audio controls preload="auto" controlslist="nodownload noplaybackrate"></audio>
    <a class="player-download" download>Download</a>
  </div>
  <figcaption></figcaption>
  <ol class="player-sentences"></ol>
</figure>
"""


@dataclass(frozen=True)
class Cue:
    """A sentence in the sound: its text and phonemes, and from when to when it is heard, in seconds."""

    text: str
    phonemes: str
    start: float
    end: float


@dataclass(frozen=True)
class Playable:
    """What the player shows. `light` and `dark` are paths of the same picture of the sound for both modes."""

    sound: str
    """Path of the WAV file so far."""
    words: str
    """One line about the sound, under the controls."""
    cues: Sequence[Cue] = ()
    light: str = ""
    dark: str = ""
    """Without them the picture on screen, which shows another sound, fades away."""
    plot: tuple[float, float] = (0.0, 1.0)
    """Where the time axis of the pictures begins and ends, as parts of their width."""
    span: float = 0.0
    """Seconds that the time axis stands for, where it is not the end of the last cue."""
    run: str = ""
    """Playables of one run have the same: each holds the sound of the one before, and more."""
    play: bool = False
    """Starts to play by itself."""

    def value(self) -> dict[str, Any]:
        """The value of an `audio_player`."""
        files = {name: FileData(path=path).model_dump() for name, path in self._files().items() if path}
        facts = {"words": self.words, "plot": self.plot, "span": self.span, "run": self.run, "play": self.play}
        return {**facts, **files, "cues": [asdict(cue) for cue in self.cues]}

    def _files(self) -> dict[str, str]:
        return {"sound": self.sound, "light": self.light, "dark": self.dark}


def audio_player(playable: Playable | None = None, *, label: str, classes: str = "") -> gr.HTML:
    """Draws a player; give it `Playable.value()`. Nothing is seen of it before its first sound.

    `label` names it for those who cannot see it; `classes` "small" is for players side by side.
    """
    return gr.HTML(
        playable.value() if playable else None,
        html_template=_TEMPLATE,
        js_on_load=(THEME_FOLDER / "audio_player.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_classes=["audio-player", classes],
        label=label,
    )
