"""What an attack is, and the list that each module of this package adds its own to."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.served_gallery import ServedGallery


@dataclass(frozen=True)
class Outcome:
    """What came of an attack."""

    happened: str
    shut: bool
    figure: str = ""


Run = Callable[[ServedGallery], Outcome]


@dataclass(frozen=True)
class Attack:
    """One thing that somebody who can reach the port may try."""

    name: str
    point: int
    """Of the list in which the hole was first described."""
    alone: bool
    """Whether what it leaves behind would spoil the next one's figures: it gets a gallery of its own."""
    run: Run

    @property
    def what(self) -> str:
        return " ".join((self.run.__doc__ or "").split())


ATTACKS: dict[str, Attack] = {}


def attack(point: int, *, alone: bool = False) -> Callable[[Run], Run]:
    """Adds a function to the list; its name and its docstring are those of the attack."""

    def add(run: Run) -> Run:
        name = run.__name__.replace("_", "-")
        ATTACKS[name] = Attack(name, point, alone, run)
        return run

    return add
