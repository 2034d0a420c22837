"""Texts that take a parser or a normalisation long while everybody else waits for the interpreter."""

from contextlib import suppress

from tests.attacks.attack import Outcome, attack
from tests.attacks.honest import png, small_requests
from tests.served_gallery import ServedGallery
from tests.visitor import Visitor

PATIENCE = 1.5
"""Seconds a small request may wait on a busy machine with two cores."""


def _held_up(gallery: ServedGallery, function: str | int, values: list[object]) -> Outcome:
    with Visitor(gallery.address) as visitor, small_requests(gallery.address) as waits:
        said = "no end in 60 s"
        with suppress(TimeoutError):
            answer = visitor.ask(function, values, within=60)
            said = str(answer.error)[:60] if answer.error else "it is worked on"
    return Outcome(said, waits.longest < PATIENCE, f"others waited {waits.longest:.1f} s")


def _hints(gallery: ServedGallery, hints: str) -> Outcome:
    with Visitor(gallery.address) as visitor:
        picture = visitor.upload(png(), "small.png")
    return _held_up(gallery, "colorize", [picture, "levin-2004", 0, hints, 0.38, False])


@attack(3)
def cubic_colour_hints(gallery: ServedGallery) -> Outcome:
    """A colour hint with 2,400 spaces and a line break: a regular expression tries every way to divide the spaces."""
    return _hints(gallery, "1,1," + " " * 2400 + "x\ny")


@attack(3)
def digits_in_a_colour(gallery: ServedGallery) -> Outcome:
    """A colour `rgb(1,1,111...` of 20,000 digits without its bracket, and a hint with as many points."""
    return _hints(gallery, "1,1,rgb(1,1," + "1" * 20_000)


@attack(3)
def long_number_in_a_colour(gallery: ServedGallery) -> Outcome:
    """A hundred hints with colours whose parts have 20,000 digits."""
    return _hints(gallery, ";".join(["1,1,rgb(" + "9" * 20_000 + ",1,1)"] * 100))


@attack(3)
def marks_to_normalise(gallery: ServedGallery) -> Outcome:
    """70,000 combining marks in turns for the Markov chain to learn: Unicode's normalisation sorts them in the square
    of their number."""
    with Visitor(gallery.address) as visitor:
        learns = next(
            function["id"]
            for function in visitor.functions
            for id in function["inputs"]
            if "empty for Jane Austen" in str(visitor.components[id]["props"].get("label"))
        )
        values = visitor.defaults(learns)
    values[2] = "a" + "\u0315\u0300" * 35_000
    return _held_up(gallery, learns, values)
