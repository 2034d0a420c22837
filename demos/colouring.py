"""The work behind the Colorization tab: one colouring, the colours a visitor places, and what there is to compare."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw

from demos.answering import Answer, answers
from demos.pictures import keep_png, read_picture
from demos.services import Services
from models.colorization import MAX_HINTS, Colorist, ColorizationRequest, Colorized, Hint
from models.errors import BadInputError
from models.lab import to_lab
from models.states import LoadProgress, MadeBy
from models.tasks import Progress, Task

MAX_SIDE = 1600
"""Pixels: larger photographs are reduced to this, so that a student on two cores waits a few seconds at most."""
ALTERNATIVE_SIDE = 480
OURS, LEVIN = "clip-colorizer", "levin-2004"
GREY, TRUTH, DOUBT = "Grey", "Its true colours", "Where the model is unsure"
_LONGEST_COLOUR, _LONGEST_HINT = 60, 100
"""Characters."""
_MOST_PARTS = 4 * MAX_HINTS
"""Between semicolons, with nothing in them perhaps: what follows counts as one."""
COLOURLESS = 3.0
"""A picture whose colours lie nearer to grey than this (units of ab, on average) has no true ones to compare with."""


@dataclass(frozen=True)
class Coloured:
    """What a model made of a grey picture."""

    made_by: MadeBy
    made: Colorized
    took: float

    @property
    def facts(self) -> dict[str, Any]:
        """What its file says about it."""
        spec = self.made_by.spec
        return {"model": spec.id, "seed": self.made.seed, "seconds": round(self.took, 3), "licence": spec.licence}

    @property
    def file(self) -> str:
        """The picture as a PNG among the served files."""
        return keep_png(self.made.image, f"{self.made_by.spec.id}.png", self.facts)


def read_photo(path: str | None) -> Image.Image:
    """The uploaded photograph, at most `MAX_SIDE` pixels wide and high. Raises `BadInputError`."""
    return read_picture(path, at_most=MAX_SIDE)


def colour(
    services: Services, request: ColorizationRequest, model: str
) -> Iterator[LoadProgress | Progress | Coloured]:
    """Runs one model on the request: progress between its pictures."""

    def ask(colorist: Colorist) -> Iterator[Progress | Colorized]:
        return colorist.colorize(request)

    for step in answers(services, Task.COLORIZATION, model, ask):
        yield Coloured(step.made_by, step.value, step.took) if isinstance(step, Answer) else step


def colour_from(text: object) -> tuple[int, int, int]:
    """Red, green and blue of "#rrggbb", "rgb(...)" or a colour's name. Raises `BadInputError`."""
    words = str(text or "").strip()
    try:
        if len(words) > _LONGEST_COLOUR:
            raise ValueError("no colour")
        colour = _of_numbers(words) or ImageColor.getrgb(words)[:3]
        red, green, blue = (round(min(max(number, 0), 255)) for number in colour)
    except ValueError:
        raise BadInputError(f"“{words[:40]}” is no colour; write it as #rrggbb.") from None
    return red, green, blue


def _of_numbers(words: str) -> list[float] | None:
    """What a browser writes for a colour, fractions and opacity included: "rgba(51.5, 102, 204, 0.9)"."""
    kind, opened, inside = words.partition("(")
    if kind not in ("rgb", "rgba") or not opened or "%" in inside:
        return None
    numbers = [float(number) for number in inside.removesuffix(")").split(",")]
    if not 3 <= len(numbers) <= 4 or not all(map(math.isfinite, numbers)):
        raise ValueError("no colour")
    return numbers[:3]


def hints_from(text: str) -> tuple[Hint, ...]:
    """The hints in a text such as "120,80,#3366cc; 40,10,#ffcc00". Raises `BadInputError`."""
    parts = [part.strip() for part in str(text or "").split(";", _MOST_PARTS) if part.strip()]
    if len(parts) > MAX_HINTS:
        raise BadInputError(f"At most {MAX_HINTS} colour hints can be used; please remove some.")
    return tuple(map(_hint_from, parts))


def _hint_from(part: str) -> Hint:
    x, y, colour = (*part[:_LONGEST_HINT].split(",", 2), "", "")[:3]
    if not (_is_place(x.strip()) and _is_place(y.strip()) and colour.strip()) or len(part) > _LONGEST_HINT:
        raise BadInputError(f"“{part[:40]}” is no hint; write x,y,#rrggbb, and a semicolon between hints.")
    return Hint(int(x), int(y), colour_from(colour))


def _is_place(digits: str) -> bool:
    return digits.isascii() and digits.isdigit() and len(digits) <= 6


def certain_hints(ours: Coloured, across: int = 5, down: int = 4) -> tuple[Hint, ...]:
    """The colours that the network gave to the place it is surest of in each of `across` x `down` parts."""
    assert ours.made.doubt is not None
    picture, doubt = np.asarray(ours.made.image), ours.made.doubt
    hints = []
    for rows in np.array_split(np.arange(doubt.shape[0]), down):
        for columns in np.array_split(np.arange(doubt.shape[1]), across):
            part = doubt[np.ix_(rows, columns)]
            row, column = np.unravel_index(part.argmin(), part.shape)
            y = int((rows[row] + 0.5) / doubt.shape[0] * picture.shape[0])
            x = int((columns[column] + 0.5) / doubt.shape[1] * picture.shape[1])
            red, green, blue = (int(value) for value in picture[y, x])
            hints.append(Hint(x, y, (red, green, blue)))
    return tuple(hints)


def marked(picture: Image.Image, hints: Sequence[Hint]) -> Image.Image:
    """A copy with a ring around each hint; the pixels of the hints themselves stay free."""
    copy = picture.copy()
    draw = ImageDraw.Draw(copy)
    radius = max(4, max(picture.size) // 80)
    for hint in hints:
        for grown, shade in ((2, "black"), (1, "white"), (-1, "black")):
            reach = radius + grown
            draw.ellipse((hint.x - reach, hint.y - reach, hint.x + reach, hint.y + reach), outline=shade)
    return copy


def grey(photo: Image.Image) -> Image.Image:
    """The photograph without its colours, equally light."""
    from models.backends.colorizer import coloured, lightness_of

    lightness = lightness_of(photo)
    return coloured(lightness, np.zeros((*lightness.shape, 2), np.float32), ())


def has_colours(photo: Image.Image) -> bool:
    """Whether it has colours of its own to compare with."""
    return float(np.linalg.norm(_ab(photo), axis=-1).mean()) > COLOURLESS


def colour_error(guess: Image.Image, truth: Image.Image) -> float:
    """The mean distance of two pictures' colours in ab, at reduced size."""
    return float(np.linalg.norm(_ab(guess) - _ab(truth), axis=-1).mean())


def doubt_map(doubt: NDArray[np.float32], picture: Image.Image) -> Image.Image:
    """The doubt over the grey picture: the redder, the less certain."""
    shares = Image.fromarray((np.clip(doubt * 1.2, 0, 1) * 255).astype(np.uint8)).resize(
        picture.size, Image.Resampling.BICUBIC
    )
    base = picture.convert("L").convert("RGB")
    return Image.composite(Image.blend(base, Image.new("RGB", base.size, "#d00000"), 0.75), base, shares)


def kept_views(photo: Image.Image, colourings: Sequence[Coloured]) -> dict[str, str]:
    """Files to compare by label: grey, each model's picture, where ours is unsure and, if there are any, the truth."""
    views = {GREY: keep_png(grey(photo), "grey.png", {}, generated=False)}
    for colouring in colourings:
        views[colouring.made_by.spec.title] = colouring.file
        if colouring.made.doubt is not None:
            shown = doubt_map(colouring.made.doubt, photo)
            views[DOUBT] = keep_png(shown, "doubt.png", colouring.facts)
    if has_colours(photo):
        views[TRUTH] = keep_png(photo, "truth.png", {}, generated=False)
    return views


def _ab(picture: Image.Image) -> NDArray[np.float32]:
    small = picture.resize((112, 112), Image.Resampling.BOX)
    return to_lab(np.asarray(small.convert("RGB")))[..., 1:]
