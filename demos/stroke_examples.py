"""The stroke paintings that the Stroke painting tab offers: flat shapes in a few colours, as anybody would draw them.

`python -m demos.stroke_examples` draws them again into `assets/examples/`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from demos.examples import EXAMPLES_FOLDER, example

SIDE = 512
"""Pixels of the canvas, and of each example."""
_FINER = 4
"""Drawn so many times larger, then reduced: smooth edges."""

RED, ORANGE, YELLOW, GREEN = "#d92b2b", "#f08a24", "#f7c928", "#3f9b46"
BLUE, SKY, PURPLE, PINK = "#2f62c9", "#6fbdf0", "#7d4bb3", "#f39ab5"
BROWN, BLACK, GREY, WHITE = "#7a4a26", "#262626", "#9aa0a8", "#ffffff"
PALETTE = (RED, ORANGE, YELLOW, GREEN, BLUE, SKY, PURPLE, PINK, BROWN, BLACK, GREY, WHITE)
"""The colours of the brush."""


class Sheet:
    """A transparent canvas; places and widths are in hundredths of its side."""

    def __init__(self) -> None:
        self._image = Image.new("RGBA", (SIDE * _FINER, SIDE * _FINER))
        self._draw = ImageDraw.Draw(self._image)

    def disc(self, colour: str, x: float, y: float, across: float, down: float | None = None) -> None:
        """An ellipse around (x, y), `across` wide and `down` (or as much) high."""
        half, tall = across / 2, (across if down is None else down) / 2
        self._draw.ellipse(self._scaled((x - half, y - tall, x + half, y + tall)), colour)

    def shape(self, colour: str, *corners: float) -> None:
        """A polygon: x, y, x, y, ..."""
        self._draw.polygon(self._scaled(corners), colour)

    def stroke(self, colour: str, width: float, *points: float) -> None:
        """A line with round ends through the points x, y, x, y, ..."""
        scaled = self._scaled(points)
        self._draw.line(scaled, colour, round(width * SIDE * _FINER / 100), "curve")
        for x, y in zip(points[::2], points[1::2], strict=True):
            self.disc(colour, x, y, width)

    def picture(self) -> Image.Image:
        """`SIDE` pixels wide and high, RGBA."""
        return self._image.resize((SIDE, SIDE), Image.Resampling.BOX)

    def _scaled(self, places: Sequence[float]) -> list[float]:
        return [place * SIDE * _FINER / 100 for place in places]


def _apple(sheet: Sheet) -> None:
    sheet.disc(RED, 38, 58, 44, 62)
    sheet.disc(RED, 62, 58, 44, 62)
    sheet.stroke(BROWN, 5, 50, 36, 52, 24, 58, 14)
    sheet.shape(GREEN, 56, 24, 66, 12, 84, 10, 76, 22, 66, 27)


def _house(sheet: Sheet) -> None:
    sheet.shape("#f0dcae", 22, 46, 78, 46, 78, 88, 22, 88)
    sheet.shape(RED, 12, 48, 50, 14, 88, 48)
    sheet.shape(BROWN, 44, 62, 58, 62, 58, 88, 44, 88)
    sheet.shape(SKY, 27, 56, 38, 56, 38, 68, 27, 68)
    sheet.shape(SKY, 64, 56, 74, 56, 74, 68, 64, 68)
    sheet.shape(GREEN, 6, 86, 94, 86, 94, 94, 6, 94)


def _rocket(sheet: Sheet) -> None:
    sheet.shape(ORANGE, 26, 58, 42, 74, 14, 86)
    sheet.shape(RED, 34, 44, 20, 48, 14, 66, 32, 60)
    sheet.shape(RED, 56, 66, 52, 80, 34, 86, 40, 68)
    sheet.shape("#b3bccb", 30, 58, 60, 24, 84, 14, 86, 16, 76, 40, 42, 70)
    sheet.shape(RED, 66, 20, 88, 12, 80, 34)
    sheet.disc(BLUE, 60, 40, 14)


def _cat(sheet: Sheet) -> None:
    sheet.shape(ORANGE, 18, 12, 46, 30, 20, 52)
    sheet.shape(ORANGE, 82, 12, 54, 30, 80, 52)
    sheet.disc(ORANGE, 50, 56, 72, 64)
    sheet.disc(WHITE, 50, 70, 34, 26)
    sheet.disc(BLACK, 35, 50, 9, 13)
    sheet.disc(BLACK, 65, 50, 9, 13)
    sheet.shape(PINK, 45, 61, 55, 61, 50, 67)
    sheet.stroke(BLACK, 1.6, 42, 73, 46, 76, 50, 72, 54, 76, 58, 73)


def _sunflower(sheet: Sheet) -> None:
    sheet.stroke(GREEN, 5, 50, 50, 51, 72, 49, 94)
    sheet.shape(GREEN, 50, 84, 62, 70, 80, 70, 70, 82)
    for x, y in ((50, 12), (68, 18), (77, 36), (68, 54), (50, 61), (32, 54), (23, 36), (32, 18)):
        sheet.disc(YELLOW, x, y, 23)
    sheet.disc(BROWN, 50, 36, 31)


def _fish(sheet: Sheet) -> None:
    sheet.shape(YELLOW, 64, 50, 92, 26, 92, 76)
    sheet.shape(YELLOW, 34, 34, 50, 16, 62, 36)
    sheet.disc(BLUE, 42, 50, 66, 42)
    sheet.stroke(YELLOW, 7, 48, 33, 50, 50, 48, 67)
    sheet.disc(WHITE, 24, 45, 11)
    sheet.disc(BLACK, 23, 45, 6)


def _mushroom(sheet: Sheet) -> None:
    sheet.shape("#e3c497", 40, 50, 60, 50, 66, 88, 34, 88)
    sheet.disc(RED, 50, 40, 76, 56)
    sheet.shape("#e3c497", 10, 54, 90, 54, 66, 62, 34, 62)
    for x, y, size in ((34, 34, 14), (56, 24, 12), (70, 42, 13), (48, 46, 9)):
        sheet.disc(WHITE, x, y, size)


def _car(sheet: Sheet) -> None:
    sheet.shape(RED, 26, 50, 38, 28, 68, 28, 78, 50)
    sheet.shape(SKY, 34, 48, 42, 34, 52, 34, 52, 48)
    sheet.shape(SKY, 56, 48, 56, 34, 65, 34, 71, 48)
    sheet.shape(RED, 8, 50, 92, 50, 92, 72, 8, 72)
    for x in (28, 72):
        sheet.disc(BLACK, x, 72, 22)
        sheet.disc(GREY, x, 72, 10)


@dataclass(frozen=True)
class StrokePainting:
    """An example and the prompt that goes with it."""

    name: str
    prompt: str
    paint: Callable[[Sheet], None]

    @property
    def path(self) -> str:
        """Its file: RGBA, transparent where nothing is painted."""
        return example(f"strokes-{self.name}.png")


PAINTINGS = (
    StrokePainting("house", "a house", _house),
    StrokePainting("apple", "a red apple", _apple),
    StrokePainting("cat", "a cat face", _cat),
    StrokePainting("rocket", "a rocket", _rocket),
    StrokePainting("sunflower", "a sunflower", _sunflower),
    StrokePainting("fish", "a tropical fish", _fish),
    StrokePainting("mushroom", "a mushroom", _mushroom),
    StrokePainting("car", "a red car", _car),
)

if __name__ == "__main__":
    for painting in PAINTINGS:
        sheet = Sheet()
        painting.paint(sheet)
        sheet.picture().save(EXAMPLES_FOLDER / f"strokes-{painting.name}.png", optimize=True)
