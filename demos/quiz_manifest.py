"""What is known of the pictures of the quiz, in `assets/quiz/manifest.json`."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

QUIZ_FOLDER = Path(__file__).parent.parent / "assets" / "quiz"
PICTURES = QUIZ_FOLDER / "pictures"
"""All that the server gives out of the folder: the manifest beside it knows the answers."""
Difficulty = Literal["easy", "medium", "hard"]


@dataclass(frozen=True)
class Half:
    """One picture of a pair, as the visitor is told about it once the answer is given."""

    file: str
    credit: str
    licence: str
    model: str | None = None
    """Id of the model that made it; None for a real one."""
    seed: int | None = None


@dataclass(frozen=True)
class Pair:
    """A real and a generated picture of the same kind."""

    id: str
    subject: str
    """What both show, in words that do not tell which is which."""
    question: str
    difficulty: Difficulty
    """As judged by eye."""
    signs: str
    """What gives the generated one away, in one sentence."""
    real: Half
    generated: Half


def write_manifest(pairs: Sequence[Pair]) -> None:
    """Writes `manifest.json` and removes pictures that belong to no pair."""
    text = json.dumps([asdict(pair) for pair in pairs], ensure_ascii=False, indent=1)
    (QUIZ_FOLDER / "manifest.json").write_text(text + "\n", encoding="utf-8")
    used = {half.file for pair in pairs for half in (pair.real, pair.generated)}
    for picture in PICTURES.glob("*.webp"):
        if picture.name not in used:
            picture.unlink()


def read_manifest() -> tuple[Pair, ...]:
    """The pairs of the quiz."""
    rows = json.loads((QUIZ_FOLDER / "manifest.json").read_text(encoding="utf-8"))
    return tuple(Pair(**{**row, "real": Half(**row["real"]), "generated": Half(**row["generated"])}) for row in rows)
