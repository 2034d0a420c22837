"""Cuts an axis into pieces that overlap: so a picture of any size passes through a network in bounded memory."""

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Span:
    """A piece of an axis: the pixels `start` to `stop` are its own; it is looked at together with its neighbours, which
    reach from `first` to `last` (ends excluded)."""

    start: int
    stop: int
    first: int
    last: int

    @property
    def seen(self) -> slice:
        """Its own pixels and their neighbours, in the input."""
        return slice(self.first, self.last)

    def own(self, scale: int) -> slice:
        """Its own pixels in the output, which is `scale` times as long."""
        return slice(self.start * scale, self.stop * scale)

    def own_of_seen(self, scale: int) -> slice:
        """Its own pixels in what became of `seen`."""
        return slice((self.start - self.first) * scale, (self.stop - self.first) * scale)


def split(length: int, size: int, overlap: int) -> tuple[Span, ...]:
    """Cuts `length` pixels into the fewest pieces of at most `size`, all about as long as each other.

    Each piece sees `overlap` pixels of its neighbours on both sides, fewer at the ends of the axis.
    """
    count = -(-length // size)
    cuts = [piece * length // count for piece in range(count + 1)]
    return tuple(
        Span(start, stop, max(start - overlap, 0), min(stop + overlap, length)) for start, stop in pairwise(cuts)
    )
