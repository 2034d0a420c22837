"""How well the text-to-image model draws what it was asked: `python -m models.training.text_to_image_retrieval FOLDER`.

Training captions are drawn with three seeds each; among the training pictures, the one with that caption should be the
nearest, by pixels (squared distance at 16 x 16) and by features (cosine of the image embeddings of CLIP ViT-B/16,
Radford et al. 2021, the encoder of the DeepFakes tab). Prints how often it is the nearest (top-1) and among the five
nearest (top-5).

`--captions N` draws N captions spread evenly over all, `--among M` looks for them among M pictures spread evenly; the
default is all. FOLDER keeps the embeddings and one JSON line for each picture drawn, so that it goes on where it
stopped.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d, normalize

from models.backends.fake_detector import FakeDetector
from models.catalog import CATALOG
from models.locations import default_cache
from models.registry import Registry
from models.store import WeightStore
from models.text_to_image import PictureFromText, Pixels, TextToImageRequest
from models.training.caption_dataset import CaptionDataset
from models.training.captioned_pictures import STYLES
from models.training.nearest_index import shown_captions

SEEDS = (1, 2, 3)


@dataclass(frozen=True)
class Retrieved:
    """A drawn caption by its place in the data, and how many training pictures are nearer than its own (0 is best)."""

    place: int
    seed: int
    pixel_rank: int
    feature_rank: int


def ranks(drawn: Tensor, bank: Tensor, wanted: Tensor) -> Tensor:
    """How many rows of `bank` [M, D] are nearer to each of `drawn` [B, D] than the row `wanted` [B] is."""
    distances = torch.cdist(drawn.float(), bank.float())
    return (distances < distances.gather(1, wanted[:, None])).sum(1)


def summary(results: Sequence[Retrieved]) -> dict[str, float]:
    """The shares of pictures whose own training picture is the nearest, or among the five nearest."""
    told: dict[str, float] = {"drawn": len(results)}
    for kind in ("pixel", "feature"):
        places = np.array([getattr(result, f"{kind}_rank") for result in results])
        told |= {f"{kind} top-1": float((places < 1).mean()), f"{kind} top-5": float((places < 5).mean())}
    return told


def pixel_rows(pictures: Tensor) -> Tensor:
    """[B, 3, 64, 64] uint8 as rows of 16 x 16 colours."""
    return avg_pool2d(pictures.float() / 255, 4).flatten(1)


def embedding(detector: FakeDetector, pixels: Pixels) -> Tensor:
    """[1, 512] of one picture (H, W, 3)."""
    return torch.from_numpy(detector.embed(Image.fromarray(pixels)))[None]


def spread(items: Sequence[int], count: int | None) -> list[int]:
    """`count` of the items, spread evenly."""
    if count is None or count >= len(items):
        return list(items)
    return [items[place * len(items) // count] for place in range(count)]


def embedded(detector: FakeDetector, data: CaptionDataset, places: Sequence[int], folder: Path) -> Tensor:
    """[M, 512], in the order of `places`; what is in `folder` is not computed again."""
    file = folder / "embeddings.pt"
    known: dict[int, Tensor] = torch.load(file, weights_only=True) if file.exists() else {}
    for number, place in enumerate(places):
        if place not in known:
            known[place] = embedding(detector, data.pictures[place].permute(1, 2, 0).numpy())
        if number % 200 == 199:
            print(f"{number + 1} of {len(places)} training pictures embedded", flush=True)
            torch.save(known, file)
    torch.save(known, file)
    return normalize(torch.cat([known[place] for place in places]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where results are kept")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/gallery-training")
    parser.add_argument("--captions", type=int)
    parser.add_argument("--among", type=int)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--guidance", type=float, default=3.0)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(2)
    data = CaptionDataset.prepared(arguments.cache / "text_to_image", arguments.cache / "packages")
    captions = shown_captions(data)
    bank = spread(list(captions), arguments.among)
    file = arguments.folder / "retrieved.jsonl"
    done = [Retrieved(**json.loads(line)) for line in file.read_text().splitlines()] if file.exists() else []
    registry = Registry(CATALOG, store=WeightStore(default_cache()))
    with registry.lease("clip-probe") as eyes, registry.lease("pixel-dit") as hands, file.open("a") as results:
        features = embedded(eyes.backend, data, bank, arguments.folder)
        pixels = pixel_rows(data.pictures[bank])
        painter: PictureFromText = hands.backend
        for place in spread(bank, arguments.captions):
            if any(result.place == place for result in done):
                continue
            prompts = (captions[place][0],) * len(SEEDS)
            *_, last = painter.draw(TextToImageRequest(prompts, SEEDS, arguments.steps, arguments.guidance))
            drawn = torch.from_numpy(last.noisy).permute(0, 3, 1, 2)
            seen = normalize(torch.cat([embedding(eyes.backend, picture) for picture in last.noisy]))
            wanted = torch.tensor([bank.index(place)] * len(SEEDS))
            both = zip(SEEDS, ranks(pixel_rows(drawn), pixels, wanted), ranks(seen, features, wanted), strict=True)
            for seed, by_pixel, by_feature in both:
                done.append(Retrieved(place, seed, int(by_pixel), int(by_feature)))
                results.write(json.dumps(asdict(done[-1])) + "\n")
            results.flush()
    styles = {place: data.captions[place][0].rsplit(", ", 1)[-1] for place in captions}
    for style in ("all", *STYLES):
        of_style = [result for result in done if style in ("all", styles[result.place])]
        if of_style:
            told = {name: round(value, 3) for name, value in summary(of_style).items()}
            print(json.dumps({"style": style, "among": len(bank), **told}))


if __name__ == "__main__":
    main()
