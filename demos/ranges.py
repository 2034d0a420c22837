"""Numbers from visitors and programs, checked against their range."""

from models.errors import BadInputError


def number_from(name: str, value: float | None, low: float, high: float) -> float:
    """`value` as a float. Raises `BadInputError`, with `name` in the sentence, for anything but a number in range."""
    # An API caller may send anything here, NaN and text included.
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise BadInputError(f"{name} must be a number from {low:g} to {high:,.10g}; please correct it.")
    return float(value)


def whole_number_from(name: str, value: float | None, low: int, high: int) -> int:
    """The same for whole numbers."""
    number = number_from(name, value, low, high)
    if number != int(number):
        raise BadInputError(f"{name} must be a whole number; please correct it.")
    return int(number)
