"""The recorded opening of the Image generation tab: samples, a walk, arithmetic and truncation."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from demos import recorded
from demos.sample_views import board_value, grid_sheet, grid_value, keep_samples, single_sheet, walk_value
from demos.sampling import Asked, Drawn, draw, draw_arithmetic, draw_truncations, draw_walk, facts_of
from demos.services import Services
from demos.sheets import Sheet, keep_film
from demos.truncation_table import Row, truncation_rows

OPENING = Asked("dcgan-faces", count=16, seed=1, label=None, truncation=1.0)
PICKS = [4, 13]
TERMS = {"a": [10, 13], "b": [5, 9], "c": [4]}
"""Faces with glasses, less faces without, plus one more face: it gets glasses."""


def opening_grid(opening: recorded.Recorded) -> dict[str, Any]:
    """The value of the `sample_grid`."""
    walk = walk_value(_sheet(opening, "walk"), opening.file("walk.webp"))
    picks = opening.settings["picks"]
    return grid_value(_asked(opening), _sheet(opening, "samples"), opening.file("samples.png"), picks, walk)


def opening_board(opening: recorded.Recorded) -> dict[str, Any]:
    """The value of the `arithmetic_board`."""
    samples, result = _sheet(opening, "samples"), _sheet(opening, "arithmetic")
    return board_value(_asked(opening), samples, opening.settings["terms"], result)


def opening_rows(opening: recorded.Recorded) -> list[Row]:
    """The rows of the table of truncations."""
    return [
        Row(row["factor"], Path(opening.file(row["file"])).read_bytes(), row["diversity"])
        for row in opening.facts["truncations"]
    ]


def record_opening(slug: str, services: Services) -> recorded.Recorded:
    """Draws everything anew and writes it to `assets/recorded/<slug>/`."""
    _drawn(draw(services, OPENING))  # the first run also pays for memory that later ones find ready
    samples = _drawn(draw(services, OPENING))
    walk = _drawn(draw_walk(services, OPENING, *PICKS))
    arithmetic = _drawn(draw_arithmetic(services, OPENING, *TERMS.values()))
    rows = truncation_rows(_drawn(draw_truncations(services, OPENING)))
    sheets = {
        "samples": grid_sheet(samples),
        "walk": single_sheet(walk),
        "arithmetic": single_sheet(arithmetic),
    }
    film = keep_film(walk.pictures, "walk.webp", {**facts_of(OPENING, walk), "walk": PICKS})
    files = {"samples.png": Path(keep_samples(OPENING, samples)), "walk.webp": Path(film)}
    for name, sheet in sheets.items():
        files |= {f"{name}-smooth.webp": Path(sheet.smooth), f"{name}-plain.png": Path(sheet.plain)}
    pictures = {f"truncation-{number}.webp": row.webp for number, row in enumerate(rows)}
    return recorded.save(
        slug,
        {name: path.read_bytes() for name, path in files.items()} | pictures,
        made_by=samples.made_by,
        seed=OPENING.seed,
        seconds=samples.took,
        settings={"asked": asdict(OPENING), "picks": PICKS, "terms": TERMS},
        facts={
            "sheets": {name: {"count": s.count, "columns": s.columns, **s.sides()} for name, s in sheets.items()},
            "truncations": [
                {"factor": row.factor, "file": name, "diversity": round(row.diversity, 4)}
                for name, row in zip(pictures, rows, strict=True)
            ],
        },
    )


def _asked(opening: recorded.Recorded) -> Asked:
    return Asked(**opening.settings["asked"])


def _sheet(opening: recorded.Recorded, name: str) -> Sheet:
    smooth, plain = opening.file(f"{name}-smooth.webp"), opening.file(f"{name}-plain.png")
    return Sheet(smooth=smooth, plain=plain, **opening.facts["sheets"][name])


def _drawn(steps: Iterator[Any]) -> Drawn:
    *_, drawn = steps
    assert isinstance(drawn, Drawn)
    return drawn
