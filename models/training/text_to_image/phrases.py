"""Ways to say what a composed picture shows."""

import random

SMALL = ("tiny", "small", "little", "very small")
BIG = ("big", "large", "huge", "giant")
NUMBERS = {2: ("two", "2", "a pair of"), 3: ("three", "3"), 4: ("four", "4")}
LEFT = ("{a} left of {b}", "{a} to the left of {b}", "{a} on the left and {b} on the right")
RIGHT = ("{a} right of {b}", "{a} to the right of {b}", "{a} on the right and {b} on the left")
ABOVE = ("{a} above {b}", "{a} over {b}")
BELOW = ("{a} below {b}", "{a} under {b}", "{a} beneath {b}")
ON = ("{a} on {b}", "{a} on top of {b}", "{a} standing on {b}")
BESIDE = ("{a} and {b}", "{a} next to {b}", "{a} beside {b}", "{b} with {a}")
WEARING = ("{a} wearing {b}", "{a} with {b} on its head", "{a} in {b}")
SHAPE = ("{a} in the shape of {b}", "{a} shaped like {b}", "{a} that looks like {b}", "{b} that is {a}")
MADE_OF = ("{a} made of {material}", "{a} made from {material}", "{a} of {material}")
HOLE = ("a {colour} square with a hole in the shape of {a}", "the white outline of {a} in a {colour} square")
SAYING = ("{a} with the word {word} on it", "{a} that says {word}", "{a} reading {word}")

_IRREGULAR = {
    "mouse": "mice",
    "goose": "geese",
    "man": "men",
    "woman": "women",
    "person": "people",
    "foot": "feet",
    "tooth": "teeth",
    "child": "children",
    "leaf": "leaves",
    "wolf": "wolves",
    "knife": "knives",
    "ox": "oxen",
    "scarf": "scarves",
    "loaf": "loaves",
    "shelf": "shelves",
    "potato": "potatoes",
    "tomato": "tomatoes",
    "mango": "mangoes",
    "fish": "fish",
    "sheep": "sheep",
    "deer": "deer",
    "squid": "squid",
    "shrimp": "shrimp",
    "cactus": "cacti",
    "bus": "buses",
    "quiz": "quizzes",
}


def plural(name: str) -> str:
    """More than one of what `name` ("slice of pizza", "cat face") says."""
    for joint in (" of ", " with ", " in "):
        if joint in name:
            head, rest = name.split(joint, 1)
            return plural(head) + joint + rest
    *before, last = name.split(" ")
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    elif last.endswith(("s", "x", "ch", "sh", "z")):
        last += "es"
    elif last.endswith("y") and last[-2:-1] not in ("", *"aeiou"):
        last = last[:-1] + "ies"
    else:
        last += "s"
    return " ".join([*before, last])


def said(ways: tuple[str, ...], draw: random.Random, **parts: str) -> str:
    """One of `ways`, the first as often as all others."""
    way = ways[0] if len(ways) == 1 or draw.random() < 0.5 else draw.choice(ways[1:])
    return way.format(**parts)
