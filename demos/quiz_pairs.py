"""The pairs of the quiz: which squares of which photographs, how hard they are and what gives the generated one away.

Difficulty and signs were judged by eye, on the pictures at their full size.
"""

from dataclasses import dataclass

from demos import quiz_sources as sources
from demos.quiz_manifest import Difficulty
from demos.quiz_sources import Photograph

Box = tuple[int, int, int]
"""Left, top and side of a square in a photograph, in pixels."""


@dataclass(frozen=True)
class Rebuilt:
    """A pair by super-resolution: the square `real` of a photograph, and the square `fake` of the same photograph
    rebuilt by Real-ESRGAN from a sixteenth of its pixels. Equal squares make it the same scene twice."""

    id: str
    subject: str
    photograph: Photograph
    real: Box
    fake: Box
    difficulty: Difficulty
    signs: str


REBUILT: tuple[Rebuilt, ...] = (
    Rebuilt(
        "stream",
        "a stream in a forest",
        sources.STREAM,
        (1000, 350, 1400),
        (1000, 350, 1400),
        "easy",
        "The rocks are smooth as if polished, and the leaves on the bank have melted into brush strokes.",
    ),
    Rebuilt(
        "stream-two",
        "a stream in a forest",
        sources.STREAM,
        (0, 500, 1100),
        (1900, 700, 1100),
        "easy",
        "The stone is smeared: no grain, no moss, and the ground under the tree has no leaves that one could count.",
    ),
    Rebuilt(
        "autumn",
        "a hill in autumn",
        sources.AUTUMN,
        (1700, 450, 1100),
        (1700, 450, 1100),
        "medium",
        "The needles of the fir are clumps with hard edges, and the far hillside has no texture at all.",
    ),
    Rebuilt(
        "autumn-two",
        "trees in autumn",
        sources.AUTUMN,
        (1000, 600, 900),
        (100, 700, 900),
        "medium",
        "The branches are inked like a drawing and end in the air, and the foliage is one orange pattern.",
    ),
    Rebuilt(
        "peaks",
        "mountains",
        sources.MOUNTAIN,
        (1500, 600, 1200),
        (1500, 600, 1200),
        "medium",
        "The rock is soft as clay and has lost its fine cracks, while its outlines are sharp.",
    ),
    Rebuilt(
        "path",
        "a mountain meadow",
        sources.MOUNTAIN,
        (200, 1200, 1200),
        (1300, 1200, 1200),
        "medium",
        "The grass is felt: an even nap in which no blade and no shadow can be told apart.",
    ),
    Rebuilt(
        "sunset",
        "a rocky summit",
        sources.SUNSET,
        (300, 1500, 1300),
        (2700, 1500, 1300),
        "medium",
        "The carved ring on the stone turns to scribble, where one would expect letters and lines.",
    ),
    Rebuilt(
        "dogs",
        "dogs at a window",
        sources.DOGS,
        (480, 350, 1100),
        (480, 350, 1100),
        "hard",
        "It is the sharper one: the camera missed the focus, and the model drew crisp curls and a wet nose anyway.",
    ),
    Rebuilt(
        "fig",
        "half a fig",
        sources.FIG,
        (690, 560, 1000),
        (690, 560, 1000),
        "medium",
        "The seeds run into each other like glass beads, and the grain of the plate is gone.",
    ),
    Rebuilt(
        "brushes",
        "paint brushes",
        sources.BRUSHES,
        (100, 50, 1000),
        (100, 50, 1000),
        "medium",
        "The single bristles are missing: the hair of the brush is a smooth mass with a few invented strands.",
    ),
    Rebuilt(
        "drum",
        "a drum on a beanbag",
        sources.DRUM,
        (200, 2200, 1500),
        (200, 2200, 1500),
        "hard",
        "The cords of the drum lose their twist, and the noise that every camera leaves on plain cloth is missing.",
    ),
    Rebuilt(
        "dandelion",
        "a dandelion",
        sources.DANDELION,
        (900, 150, 1600),
        (900, 150, 1600),
        "easy",
        "The parachutes have turned to fluff: none of the little stars of hairs is left whole.",
    ),
    Rebuilt(
        "leaves",
        "leaves",
        sources.LEAVES,
        (1200, 800, 1400),
        (1200, 800, 1400),
        "easy",
        "The wing of the dragonfly has lost its net of veins, which no model can guess from a few pixels.",
    ),
    Rebuilt(
        "lamp",
        "a lamp",
        sources.LAMP,
        (900, 800, 1200),
        (900, 800, 1200),
        "medium",
        "The coil of the spring is gone: a smooth rod has taken its place.",
    ),
    Rebuilt(
        "bark",
        "the bark of a tree",
        sources.BARK,
        (700, 200, 1500),
        (900, 1800, 1500),
        "hard",
        "Its ridges are drawn with the same hard edge everywhere, near and far, where a lens has one plane of focus.",
    ),
    Rebuilt(
        "nuthatch",
        "a nuthatch on a tree",
        sources.BARK,
        (1500, 900, 1800),
        (1500, 900, 1800),
        "hard",
        "The plumage is painted in strokes, and the bird has lost the fine barbs of its feathers.",
    ),
    Rebuilt(
        "galaxies",
        "galaxies",
        sources.GALAXIES,
        (20, 20, 512),
        (20, 20, 512),
        "medium",
        "The sky between the galaxies is empty: the faintest ones and the noise have been swept away as dirt.",
    ),
    Rebuilt(
        "galaxies-two",
        "galaxies",
        sources.GALAXIES,
        (450, 340, 512),
        (20, 350, 512),
        "hard",
        "No faint galaxies and no noise between the bright ones, and a few have turned into specks of one colour.",
    ),
    Rebuilt(
        "eyeground",
        "the back of an eye",
        sources.EYEGROUND,
        (350, 350, 700),
        (350, 350, 700),
        "hard",
        "The finest vessels are gone or end in the middle of nowhere; a doctor must never look at this one.",
    ),
    Rebuilt(
        "moose",
        "a moose",
        sources.MOOSE,
        (250, 60, 560),
        (250, 60, 560),
        "medium",
        "The fur of the forehead is smooth leather, and the flowers behind it are blots.",
    ),
    Rebuilt(
        "polar-bear",
        "a polar bear",
        sources.POLAR_BEAR,
        (250, 120, 600),
        (250, 120, 600),
        "hard",
        "The fur is a white surface without a hair, and the bushes behind are hard black lines.",
    ),
    Rebuilt(
        "chameleon",
        "a chameleon",
        sources.CHAMELEON,
        (200, 20, 640),
        (200, 20, 640),
        "easy",
        "The scales have grown together: rows that stop, and bumps in place of tiles.",
    ),
    Rebuilt(
        "crocodile",
        "a crocodile",
        sources.CROCODILE,
        (260, 20, 500),
        (260, 20, 500),
        "easy",
        "The scales of the flank are a blur of spots, and the foot in the mud has no toes.",
    ),
    Rebuilt(
        "dragon",
        "a Komodo dragon",
        sources.DRAGON,
        (150, 0, 600),
        (150, 0, 600),
        "easy",
        "The beads of its skin are missing, and the sand around it is swept clean.",
    ),
    Rebuilt(
        "koala",
        "a koala",
        sources.KOALA,
        (80, 150, 620),
        (80, 150, 620),
        "medium",
        "The fur is brushed into strands with a hard edge, and the nose shines like plastic.",
    ),
    Rebuilt(
        "lemur",
        "lemurs",
        sources.LEMUR,
        (300, 0, 600),
        (300, 0, 600),
        "medium",
        "The fur lies in smooth strokes, and the leaves behind have lost the noise that a camera leaves.",
    ),
)

TERRAINS: tuple[tuple[tuple[int, int], int, str], ...] = (
    ((0, 270), 13, "difficulty 75"),
    ((210, 135), 15, "difficulty 25"),
    ((210, 270), 16, "difficulty 100"),
)
"""Top and left of a square in the measured heights; seed and kind of the generated ones."""
TERRAIN_SIGNS = (
    "No river has ever flowed there: in real ground valleys join like the branches of a tree, here are bumps and grain."
)
