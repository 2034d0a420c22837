"""Detection: p(real | image), the task of telling photographs from generated pictures."""

from dataclasses import dataclass
from typing import Protocol

from PIL import Image


@dataclass(frozen=True)
class Guess:
    """What a detector thinks of a picture: `real` is the probability, in [0, 1], that a camera took it."""

    real: float

    @property
    def generated(self) -> float:
        """The probability that a model made it."""
        return 1 - self.real


class Detector(Protocol):
    """p(real | image)."""

    def guess(self, image: Image.Image) -> Guess:
        """Looks at an RGB picture of any size. Raises `BadInputError` if it has no pixels."""
        ...
