"""Composes pictures with captions that combine: colour, number, place, size, what is worn, shape, material, words.

Every scene follows from its seed alone, so pictures are not reused and a run can be repeated.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.training.captioned_pictures import SIZE, resized, with_article
from models.training.packages import debian_package
from models.training.text_to_image import held_out, phrases
from models.training.text_to_image.colours import COLOURS, SYNONYMS, Floats, recoloured, scaled
from models.training.text_to_image.cutouts import Cutout, Cutouts
from models.training.text_to_image.lettering import LETTERS, WORDS, lettered
from models.training.text_to_image.materials import MATERIALS, stretched, surfaced, tiled

SHARES = {
    "colour": 0.22,
    "number": 0.2,
    "place": 0.26,
    "size": 0.09,
    "wearing": 0.06,
    "shape": 0.06,
    "material": 0.05,
    "hole": 0.02,
    "word": 0.04,
}
"""How often each kind of scene is composed."""
LONGEST_CAPTION = 11
"""Words. The network reads 14 tokens, and some words are two or three."""
TINTED = 0.6
"""How often a part of a scene about something else has a colour, too: two attributes at once."""
TURN = 12.0
"""Things lean up to this many degrees to either side, now and then."""
MIRRORED_STYLES = ("photo", "clip art")
INKS = {"white": ("red", "blue", "green", "black", "purple"), "black": ("white", "yellow", "orange")}
"""Ink and the boards it can be read on."""


@dataclass(frozen=True)
class Scene:
    """A composed picture [SIZE, SIZE, 3] in sRGB, what it shows and which kind of composition it is."""

    pixels: NDArray[np.uint8]
    caption: str
    kind: str


@dataclass(frozen=True)
class Part:
    """A thing as it goes into a scene: the look it got and how it is said (without an article)."""

    image: Image.Image
    said: str
    names: tuple[str, ...]


class _Unsuitable(Exception):
    """What was drawn can't be composed, or is held out: draw again."""


@dataclass(frozen=True)
class Composer:
    """Makes scenes out of `cutouts`, words in `fonts` (Pillow's own without any)."""

    cutouts: Cutouts
    fonts: Sequence[Path] = field(default=())

    @classmethod
    def collected(cls, packages: Path) -> "Composer":
        """Composes of all cut-outs in the packages, which are fetched if need be, in the fonts of DejaVu."""
        fonts = debian_package("fonts-dejavu-core", packages) / "usr/share/fonts/truetype/dejavu"
        return cls(Cutouts.collected(packages), sorted(fonts.glob("*-Bold.ttf")))

    def scene(self, seed: int) -> Scene:
        """The scene of this seed."""
        draw = random.Random(seed)
        while True:
            kind = draw.choices(list(SHARES), list(SHARES.values()))[0]
            style = self.cutouts.style(draw)
            try:
                picture, caption = _KINDS[kind](self, draw, style)
            except _Unsuitable:
                continue
            if style != "3d emoji" or draw.random() < 0.15:
                caption += f", {style}"
            if len(caption.split()) <= LONGEST_CAPTION:
                return Scene(np.asarray(picture.convert("RGB")), caption, kind)

    def part(
        self,
        draw: random.Random,
        style: str,
        colour: str | None = None,
        wanted: Callable[[Cutout], bool] = lambda _: True,
    ) -> Part:
        """Any wanted thing, leaning or mirrored now and then, in `colour` if one is given."""
        thing = self.cutouts.pick(draw, style, wanted)
        if thing is None:
            raise _Unsuitable
        colours = {colour} if colour else held_out.words(thing.names) & set(COLOURS)
        if any(held_out.is_held_out(shown, thing.names, held_out.COLOURS) for shown in colours):
            raise _Unsuitable
        # A red apple that has become blue is an apple, not a "blue red apple".
        names = thing.uncoloured_names if colour else thing.names
        if not names:
            raise _Unsuitable
        image = _image(recoloured(thing.pixels, colour)) if colour else thing.image
        if style in MIRRORED_STYLES and draw.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if draw.random() < 0.3:
            image = _turned(image, draw.uniform(-TURN, TURN))
        name = names[0] if draw.random() < 0.7 else draw.choice(names)
        return Part(image, f"{_say_colour(colour, draw)} {name}" if colour else name, thing.names)

    def any_part(self, draw: random.Random, style: str, wanted: Callable[[Cutout], bool] = lambda _: True) -> Part:
        """As `part`, in a colour as often as `TINTED` says."""
        return self.part(draw, style, draw.choice(list(COLOURS)) if draw.random() < TINTED else None, wanted)


def _colour(composer: Composer, draw: random.Random, style: str) -> tuple[Image.Image, str]:
    part = composer.part(draw, style, draw.choice(list(COLOURS)))
    return _alone(part, draw.randint(50, 60)), with_article(part.said)


def _size(composer: Composer, draw: random.Random, style: str) -> tuple[Image.Image, str]:
    part = composer.any_part(draw, style)
    kind, ways, side = draw.choice((("small", phrases.SMALL, (14, 24)), ("big", phrases.BIG, (60, 63))))
    if held_out.is_held_out(kind, part.names, held_out.SIZES):
        raise _Unsuitable
    canvas, image = _white(), _fitted(part.image, *(2 * [draw.randint(*side)]))
    # What is small can be anywhere near the middle.
    reach = (SIZE - max(image.size)) / 4
    _put(canvas, image, SIZE / 2 + draw.uniform(-reach, reach), SIZE / 2 + draw.uniform(-reach, reach))
    return canvas, with_article(f"{draw.choice(ways)} {part.said}")


def _number(composer: Composer, draw: random.Random, style: str) -> tuple[Image.Image, str]:
    part = composer.any_part(draw, style)
    count = draw.choice((2, 2, 3, 3, 4))
    if held_out.is_held_out(count, part.names, held_out.NUMBERS):
        raise _Unsuitable
    canvas = _white()
    for x, y, side in draw.choice(_ARRANGEMENTS[count]):
        _put(canvas, _fitted(part.image, side, side), x + draw.uniform(-1, 1), y + draw.uniform(-1, 1))
    return canvas, f"{phrases.said(phrases.NUMBERS[count], draw)} {phrases.plural(part.said)}"


def _place(composer: Composer, draw: random.Random, style: str) -> tuple[Image.Image, str]:
    first, second = _two(composer, draw, style)
    relation = draw.choice((phrases.BESIDE, phrases.LEFT, phrases.RIGHT, phrases.ABOVE, phrases.BELOW, phrases.ON))
    canvas = _white()
    if relation in (phrases.BESIDE, phrases.LEFT, phrases.RIGHT):
        xs = (16, 48) if relation is phrases.LEFT else (48, 16) if relation is phrases.RIGHT else draw.choice(_EITHER)
        y = SIZE / 2 + draw.uniform(-5, 5)
        for part, x in zip((first, second), xs, strict=True):
            _put(canvas, _fitted(part.image, 30, draw.randint(38, 46)), x, y)
    else:
        upper, lower = (second, first) if relation is phrases.BELOW else (first, second)
        above = _fitted(upper.image, 42, 30)
        below = _fitted(lower.image, 54, 31)
        ground = SIZE - 1 - below.height
        gap = -3 if relation is phrases.ON else draw.randint(0, 2)
        _put(canvas, below, SIZE / 2, ground + below.height / 2)
        _put(canvas, above, SIZE / 2 + draw.uniform(-4, 4), max(0, ground - gap - above.height) + above.height / 2)
    return canvas, phrases.said(relation, draw, a=with_article(first.said), b=with_article(second.said))


def _wearing(composer: Composer, draw: random.Random, style: str) -> tuple[Image.Image, str]:
    wearer = composer.any_part(draw, style, lambda thing: thing.wears_hats)
    hat = composer.any_part(draw, style, lambda thing: thing.is_hat)
    body = _fitted(wearer.image, 52, 46)
    left, top = (SIZE - body.width) / 2, SIZE - 1 - body.height
    # The head is what reaches highest: the hat sits on its middle and is as wide as it.
    seen = np.asarray(body)[..., 3] > 60
    rows, columns = np.nonzero(seen)
    if not len(rows):
        raise _Unsuitable
    head = columns[rows < rows.min() + max(3, body.height // 4)]
    image = _fitted(hat.image, int(np.clip(np.ptp(head) * 0.9, 18, 34)), 22)
    canvas = _white()
    _put(canvas, body, SIZE / 2, top + body.height / 2)
    _put(canvas, image, left + head.mean(), max(0, top - image.height * 0.65) + image.height / 2)
    return canvas, phrases.said(phrases.WEARING, draw, a=with_article(wearer.said), b=with_article(hat.said))


def _shape(composer: Composer, draw: random.Random, style: str) -> tuple[Image.Image, str]:
    thing, model = _two(composer, draw, style, tinted=False)
    pixels = scaled(thing.image)
    mixed = surfaced(pixels, stretched(scaled(model.image), *pixels.shape[:2]))
    caption = phrases.said(phrases.SHAPE, draw, a=with_article(thing.said), b=with_article(model.said))
    return _alone(Part(_image(mixed), "", ()), draw.randint(54, 61)), caption


def _material(composer: Composer, draw: random.Random, style: str) -> tuple[Image.Image, str]:
    thing = composer.part(draw, style, wanted=lambda other: other.names == other.uncoloured_names)
    pixels = scaled(thing.image)
    height, width = pixels.shape[:2]
    if draw.random() < 0.5:
        name = draw.choice(list(MATERIALS))
        surface = MATERIALS[name](height, width, draw)
    else:
        food = composer.part(draw, style, wanted=lambda other: other.is_edible)
        if food.names == thing.names or held_out.must_not_meet(thing.names, food.names):
            raise _Unsuitable
        name, surface = food.said, tiled(scaled(food.image), height, width)
    caption = phrases.said(phrases.MADE_OF, draw, a=with_article(thing.said), material=name)
    return _alone(Part(_image(surfaced(pixels, surface)), "", ()), draw.randint(54, 61)), caption


def _hole(composer: Composer, draw: random.Random, style: str) -> tuple[Image.Image, str]:
    """Negative space: the thing is what the square lacks."""
    part = composer.part(draw, style)
    colour = draw.choice([name for name in COLOURS if name != "white"])
    square = np.ones((56, 56, 4), np.float32)
    square[..., :3] = 0.6
    canvas, outline = _white(), _fitted(part.image, 44, 44)
    _put(canvas, _image(recoloured(square, colour)), SIZE / 2, SIZE / 2)
    white = Image.new("RGBA", outline.size, "white")
    white.putalpha(outline.getchannel("A"))
    _put(canvas, white, SIZE / 2, SIZE / 2)
    return canvas, phrases.said(phrases.HOLE, draw, a=with_article(part.said), colour=colour)


def _word(composer: Composer, draw: random.Random, style: str) -> tuple[Image.Image, str]:
    """A board alone, or over the door of a shop."""
    ink = draw.choice(list(INKS))
    board = draw.choice(INKS[ink])
    paint = {name: _hex(name) for name in (ink, board)}
    canvas = _white()
    kind = draw.choice(("letter", "sign", "front"))
    if kind == "letter":
        letter = draw.choice(LETTERS)
        sign = lettered(letter, 50, 50, paint[board], "white", draw, composer.fonts)
        _put(canvas, sign, SIZE / 2, SIZE / 2)
        return canvas, f"the {board} letter {letter}"
    word = draw.choice(WORDS)
    if kind == "sign":
        sign = lettered(word, 60, draw.randint(24, 36), paint[ink], paint[board], draw, composer.fonts)
        _put(canvas, sign, SIZE / 2, SIZE / 2)
        return canvas, phrases.said(phrases.SAYING, draw, a=f"a {board} sign", word=word)
    shop = composer.part(draw, style, wanted=lambda thing: bool({"store", "shop"} & held_out.words(thing.names)))
    _put(canvas, _fitted(shop.image, 58, 58), SIZE / 2, SIZE / 2)
    sign = lettered(word, 54, 18, paint[ink], paint[board], draw, composer.fonts)
    _put(canvas, sign, SIZE / 2, 14)
    return canvas, phrases.said(phrases.SAYING, draw, a=draw.choice(("a store front", "a shop")), word=word)


_KINDS: dict[str, Callable[[Composer, random.Random, str], tuple[Image.Image, str]]] = {
    "colour": _colour,
    "number": _number,
    "place": _place,
    "size": _size,
    "wearing": _wearing,
    "shape": _shape,
    "material": _material,
    "hole": _hole,
    "word": _word,
}
_ARRANGEMENTS: dict[int, tuple[tuple[tuple[int, int, int], ...], ...]] = {
    2: (((16, 32, 29), (48, 32, 29)), ((32, 16, 29), (32, 48, 29)), ((17, 19, 29), (47, 45, 29))),
    3: (((32, 16, 28), (16, 48, 28), (48, 48, 28)), ((16, 16, 28), (48, 16, 28), (32, 48, 28))),
    4: (((16, 16, 28), (48, 16, 28), (16, 48, 28), (48, 48, 28)),),
}
"""For each number some ways to lay out as many: the middle of each and the side of its square."""
_EITHER = ((16, 48), (48, 16))


def _two(composer: Composer, draw: random.Random, style: str, tinted: bool = True) -> tuple[Part, Part]:
    """Two different things that may meet."""
    first, second = (composer.any_part(draw, style) if tinted else composer.part(draw, style) for _ in range(2))
    if set(first.names) & set(second.names) or held_out.must_not_meet(first.names, second.names):
        raise _Unsuitable
    return first, second


def _say_colour(colour: str, draw: random.Random) -> str:
    others = SYNONYMS.get(colour, ())
    return draw.choice(others) if others and draw.random() < 0.12 else colour


def _hex(colour: str) -> str:
    one = np.full((1, 1, 4), 0.5, np.float32)
    one[..., 3] = 1
    return "#" + bytes(_bytes(recoloured(one, colour))[0, 0, :3]).hex()


def _alone(part: Part, side: int) -> Image.Image:
    canvas = _white()
    _put(canvas, _fitted(part.image, side, side), SIZE / 2, SIZE / 2)
    return canvas


def _white() -> Image.Image:
    return Image.new("RGBA", (SIZE, SIZE), "white")


def _fitted(image: Image.Image, width: int, height: int) -> Image.Image:
    return resized(image, min(width / image.width, height / image.height))


def _put(canvas: Image.Image, image: Image.Image, x: float, y: float) -> None:
    """`image` with its middle at (x, y), moved inside where it would be cut."""
    corner = (round(x - image.width / 2), round(y - image.height / 2))
    left, top = (max(0, min(side - own, at)) for side, own, at in zip(canvas.size, image.size, corner, strict=True))
    canvas.alpha_composite(image, (left, top))


def _turned(image: Image.Image, degrees: float) -> Image.Image:
    turned = image.convert("RGBa").rotate(degrees, Image.Resampling.BILINEAR, expand=True).convert("RGBA")
    return turned.crop(turned.getchannel("A").getbbox())


def _bytes(pixels: Floats) -> NDArray[np.uint8]:
    return (pixels.clip(0, 1) * 255).round().astype(np.uint8)


def _image(pixels: Floats) -> Image.Image:
    return Image.fromarray(_bytes(pixels))
