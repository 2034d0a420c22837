"""Sheets of pictures: many small pictures in one file, which the browser cuts apart again (assets/theme/sheets.js)."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

from gradio.data_classes import FileData
from PIL import Image

from demos.pictures import keep_bytes, keep_png
from models.generation import Pixels

LARGEST_SHEET = 1100
"""Side in pixels that an enlarged sheet stays under."""
LARGEST_TILE = 512
SHOWN_ALONE = 256
"""Side in pixels to which a picture that stands alone is enlarged."""
FRAME_MILLISECONDS = 60


@dataclass(frozen=True)
class Sheet:
    """`count` pictures, row by row in `columns`, in two files: to look at, enlarged with Lanczos' filter (`smooth`,
    tiles of `smooth_side` pixels), and as the network made them (`plain`, tiles of `plain_side`)."""

    count: int
    columns: int
    smooth: str
    smooth_side: int
    plain: str
    plain_side: int

    def value(self) -> dict[str, Any]:
        """As the browser gets it."""
        files = {name: FileData(path=path).model_dump() for name, path in self.files().items()}
        return {"count": self.count, "columns": self.columns, **files, **self.sides()}

    def files(self) -> dict[str, str]:
        return {"smooth": self.smooth, "plain": self.plain}

    def sides(self) -> dict[str, int]:
        return {"smooth_side": self.smooth_side, "plain_side": self.plain_side}


def columns_for(count: int) -> int:
    """Of a grid that is about square."""
    return math.ceil(math.sqrt(count))


def tiled(pictures: Pixels, columns: int, factor: int = 1) -> Image.Image:
    """(count, side, side, 3) in one picture, each enlarged `factor` times (Lanczos); empty places are white."""
    count, side = len(pictures), pictures.shape[1] * factor
    whole = Image.new("RGB", (columns * side, -(-count // columns) * side), "white")
    for place, pixels in enumerate(pictures):
        row, column = divmod(place, columns)
        whole.paste(enlarged(pixels, factor), (column * side, row * side))
    return whole


def enlarged(pixels: Pixels, factor: int) -> Image.Image:
    """One picture (side, side, 3), `factor` times as wide and high."""
    picture = Image.fromarray(pixels)
    if factor == 1:
        return picture
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.LANCZOS)


def enlargement(side: int, columns: int) -> int:
    """How many times the pictures of a grid are enlarged: few large, many not so large."""
    return max(1, min(LARGEST_SHEET // columns, LARGEST_TILE) // side)


def make_sheet(pictures: Pixels, plain: Pixels, columns: int, factor: int) -> Sheet:
    """Writes both files among the served ones. `plain` are the same pictures as the network made them: its own pixels,
    or the height maps behind reliefs. `factor` is the enlargement of the smooth ones. Large pictures need no second
    file: their pixels are too small to be looked at."""
    side = pictures.shape[1]
    smooth = keep_bytes(_webp(tiled(pictures, columns, factor)), "smooth.webp")
    if side >= SHOWN_ALONE and plain is pictures:
        return Sheet(len(pictures), columns, smooth, side * factor, smooth, side * factor)
    return Sheet(
        len(pictures),
        columns,
        smooth,
        side * factor,
        keep_png(tiled(plain, columns), "plain.png", {}),
        side,
    )


def enlarged_sheet(sheet: Sheet, pictures: Pixels) -> Sheet:
    """`sheet` with its smooth pictures replaced by `pictures`, the same ones made larger by other means."""
    smooth = keep_bytes(_webp(tiled(pictures, sheet.columns)), "enlarged.webp")
    return replace(sheet, smooth=smooth, smooth_side=pictures.shape[1])


def keep_film(pictures: Pixels, name: str, facts: Mapping[str, Any]) -> str:
    """Writes `pictures` there and back as an animated WebP that carries its label and `facts`; returns its path."""
    factor = SHOWN_ALONE // pictures.shape[1]
    there = [enlarged(pixels, factor) for pixels in pictures]
    exif = Image.Exif()
    exif[0x010E] = "AI-generated. " + json.dumps(dict(facts), ensure_ascii=True)
    exif[0x0131] = "Deep Generative Models gallery"
    content = BytesIO()
    there[0].save(
        content,
        "WEBP",
        save_all=True,
        append_images=there[1:] + there[-2:0:-1],
        duration=FRAME_MILLISECONDS,
        loop=0,
        quality=85,
        method=2,
        exif=exif,
    )
    return keep_bytes(content.getvalue(), name)


def _webp(picture: Image.Image) -> bytes:
    content = BytesIO()
    picture.save(content, "WEBP", quality=92, method=2)
    return content.getvalue()
