"""What a host may have hidden from a public hall: words of a list, in the text that models write.

A word reaches the page when it is finished and not on the list, never before: the word that still grows, and what may
become a phrase of the list, are held back. What is hidden shows as `MARK`. The list is the one with which the training
text of T5 was cleaned (Raffel et al. 2020), less the words that ordinary sentences need; see assets/LICENCES.md.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path

from models.tasks import Token

MARK = "▇▇▇"
NOTE = f"{MARK}: filtered by the host"

_LISTS = Path(__file__).parent.parent / "assets" / "filter"
# Hidden in the middle of a word as well, and with it the whole word.
_ANYWHERE = ("fuck", "faggot", "nigger", "nigga")
# A letter of a script that puts spaces between its words.
_LETTER = r"[^\W\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
_OF_A_WORD = re.compile(rf"{_LETTER}|['\u2019-]")


@dataclass(frozen=True)
class OutputFilter:
    """Hides the words of the list where it is `on`; else everything passes."""

    on: bool = False

    def text(self, written: str, *, finished: bool, before: str = "") -> str:
        """What may be shown of `written`, a text that follows `before` and grows until it is `finished`."""
        if not self.on:
            return written
        known = _tail(before)
        spans, certain = _judge(known + written, finished)
        spans = [(start - len(known), end - len(known)) for start, end in spans]
        return _masked(written[: max(certain - len(known), 0)], spans, MARK)

    def tokens(self, written: Sequence[Token], *, finished: bool, before: str = "") -> tuple[Token, ...]:
        """As `text`, for tokens: those of a hidden word keep their ids and probabilities and spell `MARK`, and so do
        alternatives that would have made one."""
        if not self.on:
            return tuple(written)
        known = _tail(before).encode()
        spelled = known + b"".join(token.raw for token in written)
        spans, certain = _judge_bytes(spelled, finished)
        shown: list[Token] = []
        place = len(known)
        for token in written:
            end = place + len(token.raw)
            if end > certain:
                break
            raw = _masked_bytes(token.raw, place, spans)
            recent = spelled[max(place - 4 * _longest(), 0) : place]
            alternatives = tuple(
                # The same piece stands among the alternatives, where it alone may look harmless.
                replace(other, raw=raw if other.id == token.id else _as_alternative(recent, other.raw))
                for other in token.alternatives
            )
            shown.append(replace(token, raw=raw, alternatives=alternatives))
            place = end
        return tuple(shown)


def hides_something(text: str) -> bool:
    """Whether `text`, as it is shown, has lost a word."""
    return MARK in text


def note_for(text: str) -> str:
    """What a line of words on `text`, as it is shown, ends with: empty unless it has lost a word."""
    return f"; {NOTE}" if hides_something(text) else ""


@lru_cache(maxsize=20_000)
def _as_alternative(before: bytes, raw: bytes) -> bytes:
    spans, _ = _judge_bytes(before + raw, finished=True)
    return _masked_bytes(raw, len(before), spans)


def _judge_bytes(spelled: bytes, finished: bool) -> tuple[list[tuple[int, int]], int]:
    # Each byte of an unfinished character becomes a character of its own, so no place is lost.
    text = spelled.decode("utf-8", "surrogateescape")
    spans, certain = _judge(text, finished)

    def place(character: int) -> int:
        return len(text[:character].encode("utf-8", "surrogateescape"))

    return [(place(start), place(end)) for start, end in spans], place(certain)


def _judge(text: str, finished: bool) -> tuple[list[tuple[int, int]], int]:
    """The places in `text` to be hidden, and up to where that is certain, whatever may follow."""
    spans = [found.span() for found in _hidden().finditer(text)]
    if finished:
        return spans, len(text)
    certain = len(text)
    while certain and _OF_A_WORD.match(text[certain - 1]):
        certain -= 1
    lower = text.lower()
    for start in range(max(0, len(text) - _longest()), certain):
        inside = start and re.match(_LETTER, text[start]) and re.match(_LETTER, text[start - 1])
        if lower[start:] in _beginnings() and not inside:
            certain = start
            break
    # A word is shown or hidden as a whole.
    return spans, min([certain, *(start for start, end in spans if start < certain < end)])


def _masked(text: str, spans: list[tuple[int, int]], mark: str) -> str:
    for start, end in reversed(spans):
        if end > 0 and start < len(text):
            text = text[: max(start, 0)] + mark + text[end:]
    return text


def _masked_bytes(raw: bytes, place: int, spans: list[tuple[int, int]]) -> bytes:
    for start, end in reversed(spans):
        if end > place and start < place + len(raw):
            raw = raw[: max(start - place, 0)] + MARK.encode() + raw[end - place :]
    return raw


def _tail(before: str) -> str:
    """As much of the end of `before` as may be the beginning of something hidden."""
    return before[-_longest() :]


@cache
def _listed() -> tuple[str, ...]:
    words = {word.lower() for word in (*_lines("en"), *_lines("zh"))} - set(_lines("ordinary"))
    # A single Chinese character is part of too many words.
    return tuple(sorted(word for word in words if len(word) > 1 or word > "\uffff"))


def _lines(name: str) -> list[str]:
    return (_LISTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()


@cache
def _hidden() -> re.Pattern[str]:
    words = sorted((word for word in _listed() if re.match(_LETTER, word)), key=len, reverse=True)
    others = sorted((word for word in _listed() if not re.match(_LETTER, word)), key=len, reverse=True)
    whole = rf"(?<!{_LETTER})(?:{'|'.join(map(re.escape, words))})(?:s|(?<=[hsxz])es)?(?!{_LETTER})"
    # From the beginning of a word alone: tried at each of its letters, a long one would take the square of its length.
    containing = rf"(?<!{_LETTER}){_LETTER}*(?:{'|'.join(_ANYWHERE)}){_LETTER}*"
    return re.compile(f"{containing}|{whole}|{'|'.join(map(re.escape, others))}", re.IGNORECASE)


@cache
def _beginnings() -> frozenset[str]:
    return frozenset(word[:length] for word in _listed() for length in range(1, len(word)))


@cache
def _longest() -> int:
    return max(map(len, _listed())) + 2
