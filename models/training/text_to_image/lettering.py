"""Letters and short words on boards, large enough to be read in 64 pixels."""

import random
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WORDS = ("OPEN", "SALE", "CAFE", "SHOP", "STOP", "EXIT", "BAR", "TEA", "ZOO", "PIZZA", "BANK", "HOTEL", "TAXI", "HI")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MARGIN = 2


def lettered(
    text: str, width: int, height: int, ink: str, board: str, draw: random.Random, fonts: Sequence[Path] = ()
) -> Image.Image:
    """A board (RGBA) with `text` as large as fits; colours as Pillow knows them, Pillow's own font without `fonts`."""
    font = draw.choice(fonts) if fonts else None
    # Drawn large, then shrunk to what is visible of it: fonts differ in how much of their height they use.
    size = 64
    face = ImageFont.truetype(str(font), size) if font else ImageFont.load_default(size)
    left, top, right, bottom = (round(edge) for edge in face.getbbox(text))
    letters = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(letters).text((-left, -top), text, fill=255, font=face)
    scale = min((width - 2 * MARGIN) / letters.width, (height - 2 * MARGIN) / letters.height)
    small = letters.resize(
        (max(1, round(letters.width * scale)), max(1, round(letters.height * scale))), Image.Resampling.LANCZOS
    )
    sign = Image.new("RGBA", (width, height), board)
    sign.paste(Image.new("RGBA", small.size, ink), ((width - small.width) // 2, (height - small.height) // 2), small)
    return sign
