"""Photographs to learn from: a folder or a tar of them, random squares, and the share that is held out."""

import hashlib
import io
import random
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HELD_OUT_SHARE = 0.06


def photographs(source: Path) -> Iterator[tuple[str, Image.Image]]:
    """Name and picture (RGB) of each photograph in `source`, a folder or a tar, in the order of their names."""
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"):
                yield path.name, Image.open(path).convert("RGB")
        return
    with tarfile.open(source) as tar:
        for member in sorted((m for m in tar if m.isfile()), key=lambda m: m.name):
            file = tar.extractfile(member)
            assert file is not None
            yield Path(member.name).name, Image.open(io.BytesIO(file.read())).convert("RGB")


def is_held_out(name: str) -> bool:
    """By the name, so that more photographs later do not turn held-out ones into training ones."""
    return hashlib.sha256(name.encode()).digest()[0] / 256 < HELD_OUT_SHARE


def random_square(photograph: Image.Image, side: int, draw: random.Random) -> NDArray[np.uint8]:
    """A square of the photograph, 50 to 100 % of its shorter side, anywhere in it, mirrored half of the time, as
    [side, side, 3]."""
    length = min(photograph.size) * draw.uniform(0.5, 1)
    left, top = ((size - length) * draw.random() for size in photograph.size)
    square = photograph.resize((side, side), Image.Resampling.BILINEAR, (left, top, left + length, top + length))
    pixels = np.asarray(square)
    return pixels[:, ::-1] if draw.random() < 0.5 else pixels


def middle_square(photograph: Image.Image, side: int) -> Image.Image:
    """The largest square in the middle, at `side` x `side` pixels."""
    length = min(photograph.size)
    left, top = ((size - length) / 2 for size in photograph.size)
    return photograph.resize((side, side), Image.Resampling.LANCZOS, (left, top, left + length, top + length))
