"""Text as people type, paste and dictate it, made safe for a model: shared by every tab that takes text."""

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from models.errors import BadInputError

# Control characters, invisible formatting (direction overrides, tags that hide a prompt) and halves of UTF-16 pairs.
_UNWANTED = {"Cc", "Cf", "Cs"}
# Joiners belong to the spelling of emoji families and of Persian and Indic words.
_KEPT = {"\n", "\u200c", "\u200d"}
_LINE_BREAKS = ("\r\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029")
MOST_MARKS = 30
"""Combining marks in a row: as many as Unicode's stream-safe text has (UAX #15, D3), more than any language needs."""


def clean_text(text: str | None, *, max_characters: int) -> str:
    """The same text in Unicode NFC, without control characters and without space around it.

    Line breaks of every kind become newlines, tabs become spaces, other control and invisible formatting characters and
    lone surrogates go, and so do combining marks after the thirtieth in a row. Cleaning twice changes nothing more.

    Raises `BadInputError` if nothing is left, or if more than `max_characters` are.
    """
    cleaned = optional_text(text, max_characters=max_characters)
    if not cleaned:
        raise BadInputError("Type some text first: there is nothing here yet.")
    return cleaned


def optional_text(text: str | None, *, max_characters: int) -> str:
    """The same for text that may be left out: empty where nothing is left."""
    text = text if isinstance(text, str) else ""
    # What is cleaned away, or joined to a letter before it, does not count: a text may come as four times its length.
    if len(text) > 4 * max_characters:
        raise _too_long(len(text), max_characters)
    for line_break in _LINE_BREAKS:
        text = text.replace(line_break, "\n")
    kept = (char for char in text.replace("\t", " ") if char in _KEPT or unicodedata.category(char) not in _UNWANTED)
    # Normalising sorts the marks of a letter, in the square of their number.
    cleaned = unicodedata.normalize("NFC", "".join(_few_marks(kept))).strip()
    if len(cleaned) > max_characters:
        raise _too_long(len(cleaned), max_characters)
    return cleaned if cleaned.strip("\u200c\u200d") else ""


def _few_marks(characters: Iterator[str]) -> Iterator[str]:
    run = 0
    for char in characters:
        marks = 0 if char.isascii() else _marks(char)
        run = run + marks if marks else 0
        if run <= MOST_MARKS:
            yield char


@lru_cache(maxsize=4096)
def _marks(char: str) -> int:
    """How many combining marks a character is; 0 if it is anything else. Some are several, and do not say so."""
    spelt = unicodedata.normalize("NFD", char)
    return len(spelt) if all(map(unicodedata.combining, spelt)) else 0


def _too_long(characters: int, max_characters: int) -> BadInputError:
    return BadInputError(
        f"This text has {characters:,} characters and the limit is {max_characters:,}: please shorten it."
    )
