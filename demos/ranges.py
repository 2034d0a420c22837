"""Values from visitors and programs, checked against what they may be."""

from collections.abc import Sequence
from typing import TypeVar

from models.errors import BadInputError

Choice = TypeVar("Choice")


def number_from(name: str, value: float | None, low: float, high: float) -> float:
    """`value` as a float. Raises `BadInputError`, with `name` in the sentence, for anything but a number in range."""
    # An API caller may send anything here, NaN, text and whole numbers of a thousand digits included.
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise BadInputError(f"{name} must be a number from {low:g} to {high:,.10g}; please correct it.")
    return float(value)


def whole_number_from(name: str, value: float | None, low: int, high: int) -> int:
    """The same for whole numbers."""
    number = number_from(name, value, low, high)
    if number != int(number):
        raise BadInputError(f"{name} must be a whole number; please correct it.")
    return int(number)


def one_of(what: Sequence[Choice], place: float | None) -> Choice:
    """The one that was clicked, by its place in `what`. Raises `BadInputError` for a place where there is none."""
    if isinstance(place, bool) or not isinstance(place, int) or not 0 <= place < len(what):
        raise BadInputError("There is no such example here; please click one of those that are shown.")
    return what[place]
