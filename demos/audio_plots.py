"""A picture of a sound, drawn with Pillow alone: the waveform above, the spectrogram below, one time axis for both.

Made for the last row of a lecture hall: few ticks, large figures, each with its unit. The colours are mako, which is
perceptually uniform; on a light page it runs the other way, so that silence always recedes into the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from models.audio import spectrogram

RANGE_DB = 80
"""Decibels from the loudest point of the picture to the colour of silence."""

# Every sixteenth step of mako (seaborn, BSD-3-Clause); interpolation stays within 3 of 255 levels.
_MAKO = np.array(
    [
        [11, 4, 5], [28, 16, 28], [43, 28, 53], [55, 40, 79], [62, 53, 107], [65, 67, 135],
        [59, 86, 152], [54, 105, 159], [53, 123, 163], [52, 140, 167], [53, 158, 170], [59, 175, 173],
        [73, 193, 173], [104, 209, 173], [150, 221, 181], [190, 232, 202], [222, 245, 229],
    ]
)  # fmt: skip


@dataclass(frozen=True)
class _Colours:
    page: str
    ink: str
    line: str
    wave: str


_LIGHT = _Colours(page="#ffffff", ink="#1c1b22", line="#8a8a94", wave="#0f766e")
_DARK = _Colours(page="#0b0d12", ink="#f1f1f4", line="#7c7c88", wave="#2dd4bf")


@dataclass(frozen=True)
class _Panel:
    """A rectangle of the picture, in pixels, whose width spans `seconds`."""

    left: int
    top: int
    right: int
    bottom: int
    seconds: float

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def x(self, second: float) -> float:
        return self.left + second / self.seconds * self.width


def draw_sound(
    sentences: Sequence[NDArray[np.float32]],
    sample_rate: int,
    *,
    dark: bool = False,
    size: tuple[int, int] = (1200, 760),
) -> Image.Image:
    """The sound of `sentences` one after another (mono, [-1, 1]) as an RGB picture of `size` pixels.

    Dashed lines and numbers mark where each sentence begins; there are none for a single one. No sound at all gives
    the empty axes of one second.
    """
    samples = np.concatenate([np.zeros(0, np.float32), *sentences])
    seconds = len(samples) / sample_rate or 1.0
    colours = _DARK if dark else _LIGHT
    picture = Image.new("RGB", size, colours.page)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(round(size[1] / 20))
    em = round(size[1] / 20)
    left, right = time_axis(size)
    wave = _Panel(left, round(1.6 * em), right, round(size[1] * 0.31), seconds)
    heat = _Panel(left, wave.bottom + round(1.4 * em), right, size[1] - round(1.7 * em), seconds)

    _draw_waveform(draw, wave, samples, colours, font)
    _paste_spectrogram(picture, heat, samples, sample_rate, dark)
    for kilohertz in _round_steps(sample_rate / 2000, at_most=4):
        y = heat.bottom - kilohertz / (sample_rate / 2000) * heat.height
        _tick(draw, (left, y), f"{kilohertz:g} kHz", colours, font)
    for second in _round_steps(seconds, at_most=6):
        x = wave.x(second)
        draw.line([(x, heat.bottom), (x, heat.bottom + em // 3)], colours.line, 3)
        draw.text((x, heat.bottom + em // 2), f"{second:g} s", colours.ink, font, anchor="ma")
    _mark_sentences(draw, wave, heat, [len(sentence) / sample_rate for sentence in sentences], colours, font)
    return picture


def time_axis(size: tuple[int, int]) -> tuple[int, int]:
    """Where the time axis of a picture of `size` begins and ends, in pixels from the left."""
    em = round(size[1] / 20)
    return round(3.7 * em), size[0] - round(1.5 * em)


def _draw_waveform(
    draw: ImageDraw.ImageDraw,
    panel: _Panel,
    samples: NDArray[np.float32],
    colours: _Colours,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    """The lowest and highest sample under each pixel column, with the scale that the loudest sample needs."""
    limit = next((limit for limit in (0.1, 0.2, 0.5) if np.abs(samples).max(initial=0) <= limit), 1.0)
    middle, half = (panel.top + panel.bottom) / 2, panel.height / 2
    for amplitude in (limit, 0.0, -limit):
        _tick(
            draw,
            (panel.left, middle - amplitude / limit * half),
            f"{amplitude:+g}" if amplitude else "0",
            colours,
            font,
        )
    draw.line([(panel.left, middle), (panel.right, middle)], colours.line, 1)
    if samples.size:
        edges = np.linspace(0, samples.size, panel.width, endpoint=False).astype(int)
        highest, lowest = np.maximum.reduceat(samples, edges), np.minimum.reduceat(samples, edges)
        for column, (low, high) in enumerate(zip(lowest.tolist(), highest.tolist(), strict=True), panel.left):
            draw.line(
                [(column, middle - high / limit * half - 1), (column, middle - low / limit * half + 1)], colours.wave
            )


def _paste_spectrogram(
    picture: Image.Image, panel: _Panel, samples: NDArray[np.float32], sample_rate: int, dark: bool
) -> None:
    decibels = spectrogram(samples, sample_rate).decibels
    loudest = float(decibels.max()) if samples.size else 0.0
    picture.paste(heat_map(decibels, (panel.width, panel.height), loudest=loudest, dark=dark), (panel.left, panel.top))


def heat_map(decibels: NDArray[np.float32], size: tuple[int, int], *, loudest: float, dark: bool) -> Image.Image:
    """A spectrogram [frequencies, frames] as an RGB picture of `size` without axes, low frequencies at the bottom.

    `loudest` decibels get the strongest colour and `RANGE_DB` less that of silence, so that pictures with the same
    `loudest` can be compared.
    """
    brightness = np.clip(1 + (decibels - loudest) / RANGE_DB, 0, 1)
    levels = Image.fromarray((brightness[::-1] * 255).astype(np.uint8)).resize(
        size, Image.Resampling.BOX if decibels.shape[1] > size[0] else Image.Resampling.BILINEAR
    )
    table = _colour_table() if dark else _colour_table()[::-1]
    return Image.fromarray(table[np.asarray(levels)])


def _colour_table() -> NDArray[np.uint8]:
    """256 colours in RGB, from dark to light."""
    steps = np.linspace(0, len(_MAKO) - 1, 256)
    channels = [np.interp(steps, np.arange(len(_MAKO)), channel) for channel in _MAKO.T]
    return np.round(np.stack(channels, axis=1)).astype(np.uint8)


def _mark_sentences(
    draw: ImageDraw.ImageDraw,
    wave: _Panel,
    heat: _Panel,
    durations: Sequence[float],
    colours: _Colours,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    if len(durations) < 2:
        return
    begin = 0.0
    for number, duration in enumerate(durations, 1):
        x = wave.x(begin)
        if number > 1:
            for y in range(wave.top, heat.bottom, 14):
                draw.line([(x, y), (x, y + 6)], colours.ink, 2)
        if wave.x(begin + duration) - x > 1.2 * draw.textlength(str(number), font):
            draw.text((x + 6, 0.55 * wave.top), str(number), colours.ink, font, anchor="lm")
        begin += duration


def _tick(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    label: str,
    colours: _Colours,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    x, y = at
    length = 0.3 * draw.textlength("m", font)
    draw.line([(x - length, y), (x, y)], colours.line, 3)
    draw.text((x - 1.6 * length, y), label, colours.ink, font, anchor="rm")


def _round_steps(end: float, *, at_most: int) -> list[float]:
    """0, then at most `at_most` more figures up to `end`, equally far apart, each a round number."""
    for step in (scale * unit for scale in (0.01, 0.1, 1, 10, 100, 1000) for unit in (1, 2, 4, 5)):
        if end / step <= at_most:
            return [round(count * step, 2) for count in range(int(end / step + 1e-9) + 1)]
    return [0.0, end]
