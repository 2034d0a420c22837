"""The game of the DeepFakes tab: whose turn shows which pair and what an answer scores."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from demos.quiz_manifest import Pair
from models.errors import BadInputError

Side = Literal["left", "right"]
SIDES: tuple[Side, Side] = ("left", "right")


@dataclass(frozen=True)
class Turn:
    """A pair (its number in the quiz) and the side on which the real picture stands."""

    pair: int
    real: Side


@dataclass(frozen=True)
class Play:
    """One visitor's game. It lives on the server: the page never holds what has not been answered yet."""

    turns: tuple[Turn, ...]
    """Every pair once, in the order drawn for this visitor."""
    place: int = 0
    picked: Side | None = None
    """The answer of this turn; None while it is open."""
    answered: int = 0
    right: int = 0
    streak: int = 0
    best: int = 0

    @property
    def turn(self) -> Turn:
        return self.turns[self.place]

    def pick(self, side: object) -> "Play":
        """The play after the answer `side`; the same one if it has been answered. Raises `BadInputError` for neither
        left nor right."""
        if side not in SIDES:
            raise BadInputError("Pick the left or the right picture.")
        if self.picked is not None:
            return self
        is_right = side == self.turn.real
        streak = self.streak + 1 if is_right else 0
        return replace(
            self,
            picked="left" if side == "left" else "right",
            answered=self.answered + 1,
            right=self.right + is_right,
            streak=streak,
            best=max(self.best, streak),
        )

    def next(self) -> "Play":
        """The play at the next pair; the same one if this pair is still open. After the last pair all come again."""
        if self.picked is None:
            return self
        if self.place + 1 < len(self.turns):
            return replace(self, place=self.place + 1, picked=None)
        return replace(self, turns=draw_turns(len(self.turns), not_first=self.turn.pair), place=0, picked=None)


def new_play(pairs: int, opening: Turn) -> Play:
    """A game over `pairs` pairs that begins with `opening`; the others follow in an order of its own."""
    others = [turn for turn in draw_turns(pairs) if turn.pair != opening.pair]
    return Play((opening, *others))


def draw_turns(pairs: int, not_first: int | None = None) -> tuple[Turn, ...]:
    """Every pair once in random order, the real one on a random side. `not_first` is the pair that was seen last."""
    order = random.sample(range(pairs), pairs)
    if order[0] == not_first and pairs > 1:
        order[0], order[-1] = order[-1], order[0]
    return tuple(Turn(pair, random.choice(SIDES)) for pair in order)


@dataclass(frozen=True)
class PairGuess:
    """What the detector thinks of the two pictures of a pair: the probability of each to be real."""

    real: float
    generated: float

    @property
    def is_right(self) -> bool:
        """Whether it would pick the real one of the two."""
        return self.real > self.generated


def accuracy(guesses: Sequence[PairGuess]) -> tuple[int, int]:
    """How many pairs the detector gets right, and how many single pictures, when it calls whatever it finds at least
    50% likely to be real a photograph."""
    pictures = sum((guess.real >= 0.5) + (guess.generated < 0.5) for guess in guesses)
    return sum(guess.is_right for guess in guesses), pictures


def number_of(pairs: Sequence[Pair], pair_id: str) -> int:
    """The place of the pair of that id."""
    return next(number for number, pair in enumerate(pairs) if pair.id == pair_id)
