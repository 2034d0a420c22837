"""Photographs as the colorizer sees them: CLIP's tokens of the grey picture, its lightness, its true colours.

Prepared once from a folder or tar file of photographs, then read from the disk as it is needed.
"""

import hashlib
import io
import os
import random
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from models.backends.clip_image_tower import SIDE, ClipImageTower
from models.backends.colorizer_network import COLOUR_SIDE, LIGHTNESS_SIDE, TOKEN_SIZE, TOKENS
from models.lab import grey_of, to_lab

CROPS = 4
"""Of each photograph for training; one, the middle, where it is held out."""
MIN_COLOUR = 6.0
"""Photographs whose colours lie nearer to grey on average (in units of ab) would teach greyness."""
HELD_OUT_SHARE = 0.06

Files = Iterator[tuple[str, Image.Image]]


@dataclass(frozen=True)
class Examples:
    """`tokens` [n, 197, 768], `lightness` [n, 112, 112] in [0, 100], `colours` [n, 56, 56, 2] in ab."""

    tokens: NDArray[np.float16]
    lightness: NDArray[np.uint8]
    colours: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.lightness)

    def at(self, rows: list[int], mirrored: list[bool]) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens [n, 197, 768], lightness [n, 1, 112, 112] as L / 50 - 1, colours [n, 2, 56, 56] in ab.

        The tokens were seen the right way round; those of the patches are mirrored with the rest.
        """
        flip = torch.tensor(mirrored)[:, None, None, None]
        tokens = torch.from_numpy(self.tokens[rows].astype(np.float32))
        patches = tokens[:, 1:].reshape(-1, 14, 14, TOKEN_SIZE)
        patches = torch.where(flip, patches.flip(2), patches).flatten(1, 2)
        lightness = torch.from_numpy(self.lightness[rows].astype(np.float32))[:, None] / 50 - 1
        colours = torch.from_numpy(self.colours[rows].astype(np.float32)).permute(0, 3, 1, 2)
        lightness = torch.where(flip, lightness.flip(3), lightness)
        colours = torch.where(flip, colours.flip(3), colours)
        return torch.cat([tokens[:, :1], patches], 1), lightness, colours


def prepared(photographs: Path, encoder: Path, folder: Path) -> tuple[Examples, Examples]:
    """Training and held-out examples of the pictures in `photographs` (a folder or a tar), made in `folder` if they
    are not there yet. `encoder` is CLIP's image tower (ONNX; its second output are the last hidden states)."""
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _prepare(photographs, encoder, folder)
        (folder / "done").touch()
    return _read(folder / "training"), _read(folder / "held-out")


def _prepare(photographs: Path, encoder: Path, folder: Path) -> None:
    tower = ClipImageTower(encoder, os.cpu_count() or 1)
    rows: dict[str, list[tuple[NDArray[np.float16], NDArray[np.uint8], NDArray[np.int8]]]] = {
        "training": [],
        "held-out": [],
    }
    for name, picture in _pictures(photographs):
        lab = to_lab(np.asarray(picture))
        if np.abs(lab[..., 1:]).mean() * 2**0.5 < MIN_COLOUR:
            continue
        # By the name, so that more photographs later do not turn held-out ones into training ones.
        digest = hashlib.sha256(Path(name).name.encode()).digest()
        held_out = digest[0] / 256 < HELD_OUT_SHARE
        draw = random.Random(digest)
        for _ in range(1 if held_out else CROPS):
            square = _crop(picture, None if held_out else draw)
            rows["held-out" if held_out else "training"].append(_example(tower, square))
    for part, examples in rows.items():
        for kind, arrays in zip(("tokens", "lightness", "colours"), zip(*examples, strict=True), strict=True):
            np.save(folder / f"{part}-{kind}.npy", np.stack(arrays))


def _read(stem: Path) -> Examples:
    tokens, lightness, colours = (
        np.load(f"{stem}-{kind}.npy", mmap_mode="r") for kind in ("tokens", "lightness", "colours")
    )
    assert tokens.shape[1:] == (TOKENS, TOKEN_SIZE)
    return Examples(tokens, lightness, colours)


def _pictures(source: Path) -> Files:
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"):
                yield path.name, Image.open(path).convert("RGB")
        return
    with tarfile.open(source) as tar:
        for member in sorted((m for m in tar if m.isfile()), key=lambda m: m.name):
            file = tar.extractfile(member)
            assert file is not None
            yield member.name, Image.open(io.BytesIO(file.read())).convert("RGB")


def _crop(picture: Image.Image, draw: random.Random | None) -> Image.Image:
    """A square at 224 pixels: anywhere, 60 to 100 % of the shorter side; the whole middle without `draw`."""
    side = min(picture.size)
    if draw is not None:
        side = round(side * draw.uniform(0.6, 1))
    left, top = ((length - side) * (draw.random() if draw else 0.5) for length in picture.size)
    box = (left, top, left + side, top + side)
    return picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box)


def _example(
    tower: ClipImageTower, square: Image.Image
) -> tuple[NDArray[np.float16], NDArray[np.uint8], NDArray[np.int8]]:
    lab = to_lab(np.asarray(square))
    lightness = _shrunk(lab[..., :1], LIGHTNESS_SIDE)[..., 0]
    colours = _shrunk(lab[..., 1:], COLOUR_SIDE)
    tokens = tower.tokens(grey_of(lab[..., 0]))
    return tokens.astype(np.float16), lightness.round().astype(np.uint8), colours.round().astype(np.int8)


def _shrunk(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """The mean of each of side x side equal squares of `values` [224, 224, channels]."""
    step = values.shape[0] // side
    means: NDArray[np.float32] = values.reshape(side, step, side, step, -1).mean((1, 3))
    return means
