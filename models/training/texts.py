"""Jane Austen's six novels (1811 to 1818, in the public domain) as plain text: what the eras' language models read.

They come in the Debian package r-cran-janeaustenr, which holds the Project Gutenberg texts, in R's own format.
`python -m models.training.texts models/weights/austen-novels` writes what the gallery ships of them.
"""

import argparse
import lzma
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from models.errors import FetchError
from models.training.packages import debian_package

HELD_OUT = 0.05
"""The share of each novel, at its end, that no model learns from."""

_STRINGS = b"\x00\x00\x00\x10"
_HEADING = re.compile(r"(chapter|volume)\b.{0,12}|finis|the end", re.IGNORECASE)
_MARKS = str.maketrans("", "", "_*£")  # italics and footnotes; the one pound sign would be a letter without practice
_EDITORS_NOTE = "A NOTE ON THE TEXT"


def novels(cache: Path) -> list[str]:
    """The novels, one string each, a paragraph a line; titles, chapter headings and notes of editors are left out.

    The package is taken from `cache` or fetched into it. Raises `FetchError` if it cannot be had.
    """
    folder = debian_package("r-cran-janeaustenr", cache)
    database = folder / "usr/lib/R/site-library/janeaustenr/data/Rdata.rdb"
    texts = [_paragraphs(lines) for lines in _string_vectors(database)]
    if len(texts) != 6:
        raise FetchError(f"{folder} holds {len(texts)} texts where Jane Austen's six novels should be.")
    return texts


def split(texts: list[str]) -> tuple[str, str]:
    """What to learn from and what to be tested on: the beginning and the end of each text, joined by newlines."""
    cuts = [text.index("\n", int(len(text) * (1 - HELD_OUT))) for text in texts]
    learnt = "\n".join(text[:cut] for text, cut in zip(texts, cuts, strict=True))
    held_out = "\n".join(text[cut + 1 :] for text, cut in zip(texts, cuts, strict=True))
    return learnt, held_out


def _string_vectors(database: Path) -> Iterator[list[str]]:
    """The string vectors in an R lazy-load database: for each, its length, then zlib, then R's XDR serialisation."""
    rest = database.read_bytes()
    while rest:
        inflating = zlib.decompressobj()
        vector = inflating.decompress(rest[4:])
        rest = inflating.unused_data
        place = vector.index(_STRINGS) + len(_STRINGS)
        (count,) = struct.unpack_from(">I", vector, place)
        place += 4
        strings = []
        for _ in range(count):
            (length,) = struct.unpack_from(">4xI", vector, place)
            strings.append(vector[place + 8 : place + 8 + length].decode())
            place += 8 + length
        yield strings


def _paragraphs(lines: list[str]) -> str:
    paragraphs = [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", "\n".join(lines))]
    headings = [bool(_HEADING.fullmatch(paragraph)) for paragraph in paragraphs]
    first = headings.index(True)
    end = paragraphs.index(_EDITORS_NOTE) if _EDITORS_NOTE in paragraphs else len(paragraphs)
    kept = [
        paragraph.translate(_MARKS)
        for paragraph, heading in zip(paragraphs[first:end], headings[first:end], strict=True)
        if paragraph and not heading and paragraph[0] not in "*["
    ]
    return "\n".join(kept)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where to write learnt.txt.xz and held_out.txt.xz")
    parser.add_argument(
        "--cache", type=Path, default=Path.home() / ".cache/gallery-training", help="where the package is kept"
    )
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    parts = split(novels(arguments.cache / "packages"))
    for name, text in zip(("learnt", "held_out"), parts, strict=True):
        (arguments.folder / f"{name}.txt.xz").write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))


if __name__ == "__main__":
    main()
