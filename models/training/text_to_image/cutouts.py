"""Things to compose pictures of: emoji and stamps without their background, with the names that captions use."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from PIL import Image

from models.training.captioned_pictures import cut_out, emoji_pictures, stamp_pictures, with_article
from models.training.text_to_image.colours import COLOURS, Floats, scaled

LONGEST_NAME = 3
"""Words. A longer name leaves no room for what is composed with it."""
STYLE_SHARES = {"3d emoji": 0.55, "flat emoji": 0.25, "photo": 0.12, "clip art": 0.08}
HEADWEAR = ("top hat", "tophat", "crown", "graduation cap", "billed cap", "military helmet", "womans hat")


@dataclass(frozen=True)
class Cutout:
    """A thing cut to what is visible of it (RGBA), its names (best first), style and kind ("animal mammal")."""

    image: Image.Image
    names: tuple[str, ...]
    style: str
    category: str = ""

    @property
    def wears_hats(self) -> bool:
        return self.category in ("animal mammal", "animal bird", "cat face", "monkey face", "face smiling", "animals")

    @property
    def is_hat(self) -> bool:
        return self.names[0] in HEADWEAR

    @property
    def is_edible(self) -> bool:
        return self.category.startswith(("food", "fruit"))

    @cached_property
    def pixels(self) -> Floats:
        """[H, W, 4] in 0 to 1."""
        return scaled(self.image)

    @property
    def uncoloured_names(self) -> tuple[str, ...]:
        """Those that say no colour."""
        return tuple(name for name in self.names if not set(name.split()) & set(COLOURS))


@dataclass(frozen=True)
class Cutouts:
    """All things to compose with, by style: the parts of a picture share one."""

    by_style: dict[str, list[Cutout]]

    @classmethod
    def of(cls, things: Sequence[Cutout]) -> "Cutouts":
        by_style: dict[str, list[Cutout]] = defaultdict(list)
        for thing in things:
            by_style[thing.style].append(thing)
        return cls(dict(by_style))

    @classmethod
    def collected(cls, cache: Path) -> "Cutouts":
        """Those of the packages in (or fetched into) `cache`."""
        return cls.of(list(_collected(cache)))

    def style(self, draw: random.Random) -> str:
        styles = list(self.by_style)
        return draw.choices(styles, [STYLE_SHARES[style] for style in styles])[0]

    def pick(self, draw: random.Random, style: str, wanted: Callable[[Cutout], bool] = lambda _: True) -> Cutout | None:
        """Any `wanted` thing of the style, none if there is none."""
        fitting = [thing for thing in self.by_style[style] if wanted(thing)]
        return draw.choice(fitting) if fitting else None


def _collected(cache: Path) -> Iterator[Cutout]:
    for picture in (*emoji_pictures(cache, cut_out, skin_tones=False), *stamp_pictures(cache, cut_out)):
        names = tuple(n for n in picture.names if n.isascii() and "," not in n and len(n.split()) <= LONGEST_NAME)
        symbol = picture.weight < 1
        # A plural or "two hearts" would say a wrong number of things.
        countable = names and with_article(names[0]) != names[0]
        if not countable or symbol or not picture.image.getbbox():
            continue
        if names[0] == "chair":
            names = (*names, "armchair")
        yield Cutout(picture.image, names, picture.style, picture.category)
