"""The captioned pictures that the text-to-image model learns from: four styles of small pictures on white.

3-D emoji and flat emoji share their names, clip art has titles and keywords, photo cut-outs a sentence each. What a
picture shows and the style it is in make its captions ("a cat, clip art"), so a word is learned in several styles.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from models.training.packages import debian_package, npm_package

SIZE = 64
MARGIN = 2
LARGEST_CUT_OUT = 96
SKIN_TONES = {
    "1F3FB": "light skin tone",
    "1F3FC": "medium-light skin tone",
    "1F3FD": "medium skin tone",
    "1F3FE": "medium-dark skin tone",
    "1F3FF": "dark skin tone",
}
STYLES = {
    "3d emoji": ("npm @lobehub/fluent-emoji-3d 1.1.0, named by emoji-datasource-google 16.0.0", "MIT"),
    "flat emoji": ("npm emoji-datasource-google 16.0.0 (Noto Emoji)", "Apache-2.0 pictures, MIT names"),
    "clip art": (
        "Debian openclipart-png, titles from openclipart-svg; drawings of tuxpaint-stamps-default",
        "public domain; GPL-2",
    ),
    "photo": ("Debian tuxpaint-stamps-default, photo cut-outs", "GPL-2"),
}
"""Each style word with its source and licence."""


@dataclass(frozen=True)
class Picture:
    """A picture on white (RGB, `SIZE` x `SIZE`), what it shows (best name first), how often to draw it (1: normal)."""

    image: Image.Image
    style: str
    names: tuple[str, ...]
    category: str = ""
    weight: float = 1.0

    @property
    def mirrors(self) -> bool:
        """Whether the mirror image shows the same thing: emoji point, wave and write, the others hardly do."""
        return self.style in ("clip art", "photo")

    @property
    def captions(self) -> tuple[str, ...]:
        """The texts it is learned with. A name without a style means the 3-D emoji: they are the default look."""
        first, *others = self.names
        texts = [f"{with_article(first)}, {self.style}", f"{first}, {self.style}"]
        if self.weight >= 0.2:
            texts += [f"{with_article(name)}, {self.style}" for name in others]
            texts += [f"{with_article(self.style)} of {with_article(first)}"]
            texts += [f"{self.category}: {first}, {self.style}"] * bool(self.category)
        if self.style == "3d emoji":
            texts += [first, with_article(first), *others]
        return tuple(dict.fromkeys(texts))


def with_article(name: str) -> str:
    """`name` with "a" or "an" before it, unless it is plural or has one."""
    if re.match(r"(a|an|the|two|three|some|pair) ", name) or re.search(r"[^s]s$", name.split(" ")[-1]):
        return name
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def collect_pictures(cache: Path) -> list[Picture]:
    """All pictures of all styles, near-duplicates weighed down. Packages that `cache` lacks are fetched into it."""
    clip_art = debian_package("openclipart-png", cache) / "usr/share/openclipart/png"
    titles = debian_package("openclipart-svg", cache) / "usr/share/openclipart/svg"
    pictures = [
        *emoji_pictures(cache, on_white),
        *_clip_art(clip_art, titles),
        *stamp_pictures(cache, on_white),
    ]
    # Drawings in white or in nothing at all are lost on white.
    visible = [picture for picture in pictures if picture.names and np.asarray(picture.image).min() < 200]
    return _share_weight_among_duplicates(visible)


def emoji_pictures(cache: Path, look: Callable[[Path], Image.Image], *, skin_tones: bool = True) -> Iterator[Picture]:
    """3-D and flat emoji, as `look` reads their files; with or without people's variants."""
    emoji = npm_package("emoji-datasource-google", "16.0.0", cache)
    fluent = npm_package("@lobehub/fluent-emoji-3d", "1.1.0", cache)
    for style, files in (("3d emoji", fluent / "assets"), ("flat emoji", emoji / "img/google/64")):
        found = {_code_points(path.stem): path for path in files.iterdir()}
        yield from _emoji_pictures(emoji / "emoji.json", style, found, look, skin_tones)


def stamp_pictures(cache: Path, look: Callable[[Path], Image.Image]) -> Iterator[Picture]:
    """Tux Paint's stamps, as `look` reads their files."""
    yield from _stamps(debian_package("tuxpaint-stamps-default", cache) / "usr/share/tuxpaint/stamps", look)


def cut_out(path: Path) -> Image.Image:
    """The picture cut to what is visible of it (RGBA), at most `LARGEST_CUT_OUT` pixels a side."""
    with Image.open(path) as file:
        picture = file.convert("RGBA")
    picture = picture.crop(picture.getchannel("A").point(lambda alpha: 255 * (alpha > 8)).getbbox())
    scale = min(1, LARGEST_CUT_OUT / max(picture.size))
    return resized(picture, scale)


def resized(picture: Image.Image, scale: float) -> Image.Image:
    """RGBA in another size."""
    width, height = (max(1, round(side * scale)) for side in picture.size)
    # Premultiplied while shrinking, or the colour of invisible pixels bleeds into the edges.
    return picture.convert("RGBa").resize((width, height), Image.Resampling.LANCZOS).convert("RGBA")


def on_white(path: Path) -> Image.Image:
    """The picture cut to what is visible of it, on a white square with `MARGIN` pixels to spare."""
    with Image.open(path) as file:
        picture = file.convert("RGBA")
    picture = picture.crop(picture.getchannel("A").point(lambda alpha: 255 * (alpha > 8)).getbbox())
    picture = resized(picture, (SIZE - 2 * MARGIN) / max(picture.size))
    canvas = Image.new("RGBA", (SIZE, SIZE), "white")
    canvas.alpha_composite(picture, ((SIZE - picture.width) // 2, (SIZE - picture.height) // 2))
    return canvas.convert("RGB")


def _code_points(text: str) -> tuple[str, ...]:
    return tuple(code for code in text.upper().split("-") if code != "FE0F")


def _emoji_pictures(
    table: Path,
    style: str,
    files: dict[tuple[str, ...], Path],
    look: Callable[[Path], Image.Image],
    skin_tones: bool,
) -> Iterator[Picture]:
    for emoji in json.loads(table.read_text()):
        if emoji["category"] in ("Flags", "Component"):
            continue
        short_names = [re.sub(r"[_-]+", " ", re.sub(r"\d$", "", name)) for name in emoji["short_names"]]
        names = list(dict.fromkeys([emoji["name"].lower(), *(name.strip() for name in short_names if name.strip())]))
        symbol = emoji["category"] == "Symbols" and emoji["subcategory"] not in ("zodiac", "religion")
        category = emoji["subcategory"].replace("-", " ")
        variants = {emoji["unified"]: ""}
        for tones, variant in emoji.get("skin_variations", {}).items() if skin_tones else ():
            variants[variant["unified"]] = ", " + " and ".join(dict.fromkeys(SKIN_TONES[t] for t in tones.split("-")))
        for unified, tone in variants.items():
            if path := files.get(_code_points(unified)):
                weight = 0.12 if tone else 0.4 if symbol else 1.0
                yield Picture(look(path), style, tuple(name + tone for name in names[:3]), category, weight)


DROPPED_CLIP_ART = re.compile(
    r"flag|arrow|icons?\b|stars/|/led|button|special|road_?sign|aiga|cards|dice|stickmen|logos|signs_and_symbols|shapes"
    r"|etiquette|creation_day|contour|antenna"
    r"|geography/(?!astro)|CD_Player|weapons|pantyhose|diagrams|connectors|network|knot|boating_rules|decorations"
    r"|letter|text|bb_|yoga|hummer|_bw|silhouette|outline"
)
GENERIC_KEYWORDS = set(
    "hash unsorted clip_art clipart shape shapes symbol symbols people food menu animal animals mammal tool tools toy "  # noqa: SIM905
    "recreation office education transport vehicle festive household entertainment equipment holiday hobby media icon "
    "electronics electronic black white red blue green yellow colour color art design various bw sign nature plant "
    "technical computer building unchecked geography".split()
)


LARGEST_FILE = 1 << 20  # a few posters of 200 megapixels would take longer than all the rest


def _clip_art(pngs: Path, svgs: Path) -> Iterator[Picture]:
    for path in sorted(pngs.rglob("*.png")):
        folder = path.relative_to(pngs).as_posix()
        svg = (svgs / folder).with_suffix(".svg")
        if (
            path.is_symlink()
            or DROPPED_CLIP_ART.search(folder)
            or not svg.exists()
            or path.stat().st_size > LARGEST_FILE
        ):
            continue
        names = _clip_art_names(svg.read_text(errors="replace"), path)
        if names:
            yield Picture(on_white(path), "clip art", names[:3], path.parent.name.replace("_", " ").lower())


NOT_A_TITLE = ("illustration", "ganson", "symbol", "clipart", "openclipart", "drawn", "svg", "tp", "theme")


def _clip_art_names(svg: str, path: Path) -> tuple[str, ...]:
    title = re.search(r"<dc:title>([^<]*)</dc:title>", svg)
    words = title[1].split(" - ")[-1] if title else ""
    if "various" in words.lower() or "by " in words.lower():
        words = path.stem
    words = re.sub(r"\(.*?\)|[^a-zA-Z' ]+", " ", re.sub(r"([a-z])([A-Z])", r"\1 \2", words)).lower()
    words = " ".join(word for word in words.split() if word not in NOT_A_TITLE)
    keywords = [keyword.strip().lower() for keyword in re.findall(r"<rdf:li>([^<]*)</rdf:li>", svg)]
    specific = [
        k for k in dict.fromkeys(keywords) if k.isascii() and k.isalpha() and k not in GENERIC_KEYWORDS and len(k) < 16
    ]
    italian = "archit" in path.stem  # one prolific author titled his drawings in Italian; his keywords are English
    names = specific if italian else [words, *specific] if 2 < len(words) < 32 else specific
    return tuple(dict.fromkeys(names))


DRAWN_STAMPS = ("cartoon", "clothes", "seasonal", "people")


def _stamps(folder: Path, look: Callable[[Path], Image.Image]) -> Iterator[Picture]:
    for path in sorted(folder.rglob("*.png")):
        parts = path.relative_to(folder).parts
        if (
            path.stem.endswith(("_mirror", "_mirror_flip"))
            or parts[0] in ("symbols", "military")
            or {"roadsigns", "flags"} & set(parts)
        ):
            continue
        style = "clip art" if set(DRAWN_STAMPS) & set(parts) else "photo"
        yield Picture(look(path), style, _stamp_names(path), parts[-2])


def _stamp_names(path: Path) -> tuple[str, ...]:
    sentences = path.with_suffix(".txt")
    words = sentences.read_text(errors="replace").splitlines()[0].rstrip(". ") if sentences.exists() else ""
    file_name = re.sub(r"[^a-z]+", " ", path.stem.lower()).strip()
    # Some captions talk to the child ("Eat your broccoli!"): the file name then says what is to be seen.
    talks = not re.match(r"(A|An|Some|Two) [^!?]+$", words) or re.search(r" (is|are|can|has|was)\b", words)
    names = [file_name] if talks else [re.sub(r"^(a|an|some) |\(.*\)|[“”]", "", words.lower()).strip(), file_name]
    return tuple(dict.fromkeys(name for name in names if name))


def _share_weight_among_duplicates(pictures: list[Picture]) -> list[Picture]:
    """Pictures of one style that look alike at 16x16 share the weight of one."""
    signatures = [np.asarray(p.image.resize((16, 16), Image.Resampling.BOX)).ravel() for p in pictures]
    weights = np.ones(len(pictures))
    for style in STYLES:
        members = [index for index, picture in enumerate(pictures) if picture.style == style]
        if not members:
            continue
        table = np.stack([signatures[index] for index in members]).astype(np.float32) / 255
        squares = (table**2).sum(1)
        distance = np.maximum(squares[:, None] + squares[None] - 2 * table @ table.T, 0) / table.shape[1]
        weights[members] = 1 / (distance < 0.001).sum(1)
    return [replace(p, weight=p.weight * max(w, 0.1)) for p, w in zip(pictures, weights, strict=True)]


def data_card(pictures: list[Picture]) -> dict[str, object]:
    """Counts, sources and licences, for the model's card."""
    counts = Counter(picture.style for picture in pictures)
    effective = {style: round(sum(p.weight for p in pictures if p.style == style)) for style in STYLES}
    return {
        style: {"pictures": counts[style], "different": effective[style], "source": source, "licence": licence}
        for style, (source, licence) in STYLES.items()
    }
