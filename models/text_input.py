"""Text as people type, paste and dictate it, made safe for a model: shared by every tab that takes text."""

import unicodedata

from models.errors import BadInputError

# Control characters, invisible formatting (direction overrides, tags that hide a prompt) and halves of UTF-16 pairs.
_UNWANTED = {"Cc", "Cf", "Cs"}
# Joiners belong to the spelling of emoji families and of Persian and Indic words.
_KEPT = {"\n", "\u200c", "\u200d"}
_LINE_BREAKS = ("\r\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029")


def clean_text(text: str | None, *, max_characters: int) -> str:
    """The same text in Unicode NFC, without control characters and without space around it.

    Line breaks of every kind become newlines, tabs become spaces, other control and invisible formatting characters and
    lone surrogates go. Cleaning twice changes nothing more.

    Raises `BadInputError` if nothing is left, or if more than `max_characters` are.
    """
    text = text or ""
    # Normalising takes time in the square of a run of combining marks, so a flood of text is turned away unread.
    if len(text) > 4 * max_characters:
        raise _too_long(len(text), max_characters)
    for line_break in _LINE_BREAKS:
        text = text.replace(line_break, "\n")
    kept = (char for char in text.replace("\t", " ") if char in _KEPT or unicodedata.category(char) not in _UNWANTED)
    cleaned = unicodedata.normalize("NFC", "".join(kept)).strip()
    if not cleaned.strip("\u200c\u200d"):
        raise BadInputError("Type some text first: there is nothing here yet.")
    if len(cleaned) > max_characters:
        raise _too_long(len(cleaned), max_characters)
    return cleaned


def _too_long(characters: int, max_characters: int) -> BadInputError:
    return BadInputError(
        f"This text has {characters:,} characters and the limit is {max_characters:,}: please shorten it."
    )
