"""The work behind the Style transfer tab: one painting, or a contact sheet of every learnt style."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from demos.answering import Answer, answers
from demos.pictures import keep_bytes, keep_png, read_picture
from demos.services import Services
from demos.styles import LEARNT
from models.errors import BadInputError
from models.states import LoadProgress, MadeBy
from models.styling import LEARNT_STYLES, MIN_SIDE, StyleRequest, Stylised, Stylist, check_size
from models.tasks import Progress, Task

MAX_SIDE = 768
"""Pixels: larger photographs are reduced to this, so that a student on two cores waits a few seconds at most."""
SHEET_SIDE = 256
SHEET_COLUMNS = 9
_LABEL, _GAP = 26, 8


@dataclass(frozen=True)
class Painted:
    """What a model made of a photograph."""

    made_by: MadeBy
    image: Image.Image
    took: float


@dataclass(frozen=True)
class SheetTile:
    """A part of the contact sheet: the photograph in the style called `name`."""

    name: str
    painted: Painted


def read_photo(path: str | None) -> Image.Image:
    """The uploaded photograph, at most `MAX_SIDE` pixels wide and high. Raises `BadInputError`."""
    photo = read_picture(path, at_most=MAX_SIDE)
    check_size(photo)
    return photo


def paint(services: Services, request: StyleRequest, model: str) -> Iterator[LoadProgress | Progress | Painted]:
    """Runs one model on the request: progress first, the result last."""

    def ask(stylist: Stylist) -> Iterator[Progress | Stylised]:
        return stylist.stylise(request)

    for step in answers(services, Task.STYLE_TRANSFER, model, ask):
        yield Painted(step.made_by, step.value.image, step.took) if isinstance(step, Answer) else step


def paint_sheet(services: Services, photo: Image.Image) -> Iterator[LoadProgress | Progress | SheetTile]:
    """The photograph, `SHEET_SIDE` pixels on its longer side, in each learnt style; yields each as it is ready."""
    small = _reduced(photo)
    if min(small.size) < MIN_SIDE:
        raise BadInputError("This picture is too long and narrow for a contact sheet; please choose another one.")

    def ask(stylist: Stylist) -> Iterator[Progress | tuple[str, Stylised]]:
        for name in LEARNT_STYLES:
            for step in stylist.stylise(StyleRequest(small, ((name, 1.0),))):
                yield (name, step) if isinstance(step, Stylised) else step

    for step in answers(services, Task.STYLE_TRANSFER, LEARNT, ask):
        if isinstance(step, Answer):
            name, stylised = step.value
            yield SheetTile(name, Painted(step.made_by, stylised.image, step.took))
        else:
            yield step


def _reduced(photo: Image.Image) -> Image.Image:
    small = photo.copy()
    small.thumbnail((SHEET_SIDE, SHEET_SIDE), Image.Resampling.LANCZOS)
    return small


def keep_small(photo: Image.Image) -> str:
    """Writes the photograph among the served files, as large as it is on the contact sheet."""
    return keep_bytes(webp(_reduced(photo)), "photo.webp")


def keep_tile(tile: SheetTile) -> str:
    """Writes a part of the contact sheet among the served files, small enough for a hall full of phones."""
    return keep_bytes(webp(tile.painted.image), f"{tile.name.lower().replace(' ', '-')}.webp")


def webp(image: Image.Image) -> bytes:
    content = BytesIO()
    image.save(content, "WEBP", quality=85)
    return content.getvalue()


def keep_sheet(tiles: list[SheetTile], facts: dict[str, Any]) -> str:
    """Writes the whole contact sheet, with the names of the styles, as one PNG among the served files."""
    width, height = tiles[0].painted.image.size
    rows = math.ceil(len(tiles) / SHEET_COLUMNS)
    across, down = width + _GAP, height + _LABEL + _GAP
    sheet = Image.new("RGB", (SHEET_COLUMNS * across + _GAP, rows * down + _GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=17)
    for place, tile in enumerate(tiles):
        row, column = divmod(place, SHEET_COLUMNS)
        left, top = _GAP + column * across, _GAP + row * down
        sheet.paste(tile.painted.image, (left, top))
        draw.text((left, top + height + 2), tile.name, "black", font)
    return keep_png(sheet, "contact-sheet.png", facts)


def keep_painting(painted: Painted, words: str) -> str:
    """Writes the painting as PNG with its label; returns its path."""
    return keep_png(painted.image, f"{painted.made_by.spec.id}.png", facts_of(painted, words))


def facts_of(painted: Painted, words: str) -> dict[str, Any]:
    """What the file of a painting says about it."""
    spec = painted.made_by.spec
    return {
        "model": spec.id,
        "seed": None,
        "seconds": round(painted.took, 3),
        "licence": spec.licence,
        "request": words,
    }
