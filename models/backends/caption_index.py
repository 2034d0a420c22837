"""What a text-to-image model was trained on, small enough to ship: captions, their embeddings and thumbnails.

Three files: `neighbours.json` (sources with their licences, the captions of each thumbnail), `neighbours.safetensors`
(sentence embeddings of the captions, as whole numbers from -127 to 127) and `neighbours.webp` (the thumbnails).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import load_file, save_file

from models.backends.pixel_dit import TextStates
from models.text_to_image import Neighbour

THUMBNAIL = 32
"""Side in pixels."""
COLUMNS = 64
_LARGEST = 127


def sentence_embeddings(text: TextStates) -> NDArray[np.float32]:
    """[B, text_width]: the mean of a caption's token states, at length 1."""
    counted = text.mask[..., None].float()
    pooled = (text.states.float() * counted).sum(1) / counted.sum(1)
    embeddings: NDArray[np.float32] = (pooled / pooled.norm(dim=1, keepdim=True)).cpu().numpy()
    return embeddings


@dataclass(frozen=True)
class CaptionIndex:
    """`captions` of each of the `thumbnails` [M, 32, 32, 3], and the `embeddings` [N, text_width] (length 1) of all of
    them in that order."""

    captions: Sequence[Sequence[str]]
    embeddings: NDArray[np.float32]
    thumbnails: NDArray[np.uint8]

    def nearest(self, embedding: NDArray[np.float32], count: int) -> tuple[Neighbour, ...]:
        """The `count` pictures with the captions nearest to `embedding` [text_width] (length 1), best first."""
        similarities = self.embeddings @ embedding
        rows = [(place, caption) for place, captions in enumerate(self.captions) for caption in captions]
        found: dict[int, Neighbour] = {}
        for row in np.argsort(-similarities, kind="stable"):
            if len(found) == count:
                break
            place, caption = rows[row]
            found.setdefault(place, Neighbour(caption, float(similarities[row]), self.thumbnails[place]))
        return tuple(found.values())

    def save(self, folder: Path, sources: Mapping[str, object]) -> None:
        """Writes the three files. `sources` says where the pictures come from and under which licences."""
        codes = np.round(self.embeddings / np.abs(self.embeddings).max(1, keepdims=True) * _LARGEST).astype(np.int8)
        save_file({"embeddings": codes}, folder / "neighbours.safetensors")
        (folder / "neighbours.safetensors").chmod(0o644)
        rows = -(-len(self.thumbnails) // COLUMNS)
        sheet = Image.new("RGB", (COLUMNS * THUMBNAIL, rows * THUMBNAIL), "white")
        for place, pixels in enumerate(self.thumbnails):
            row, column = divmod(place, COLUMNS)
            sheet.paste(Image.fromarray(pixels), (column * THUMBNAIL, row * THUMBNAIL))
        sheet.save(folder / "neighbours.webp", quality=70, method=6)
        told = {"sources": dict(sources), "captions": self.captions}
        (folder / "neighbours.json").write_text(json.dumps(told) + "\n")

    @classmethod
    def load(cls, folder: Path) -> "CaptionIndex":
        captions = json.loads((folder / "neighbours.json").read_text())["captions"]
        codes = load_file(folder / "neighbours.safetensors")["embeddings"].astype(np.float32)
        with Image.open(folder / "neighbours.webp") as sheet:
            pixels = np.asarray(sheet.convert("RGB"))
        rows = len(pixels) // THUMBNAIL
        cells = pixels.reshape(rows, THUMBNAIL, COLUMNS, THUMBNAIL, 3).swapaxes(1, 2)
        thumbnails = cells.reshape(-1, THUMBNAIL, THUMBNAIL, 3)[: len(captions)]
        return cls(captions, codes / np.linalg.norm(codes, axis=1, keepdims=True), thumbnails)
