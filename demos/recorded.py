"""Recorded results: what each tab shows when it opens, made by `python -m demos record` on the real models."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from demos.model_card import device_name, strip
from models.registry import Registry
from models.states import MadeBy

RECORDED_FOLDER = Path(__file__).parent.parent / "assets" / "recorded"


@dataclass(frozen=True)
class Recorded:
    """A recorded result: the model and settings that made it, and its files in `assets/recorded/<slug>/`."""

    slug: str
    model: str
    seed: int | None
    seconds: float
    device: str
    date: str
    """Day of the recording, such as "23 November 2026"."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The request: what was asked of the model."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What else the tab shows of the result."""

    def file(self, name: str) -> str:
        """Path of one of its files."""
        return str(RECORDED_FOLDER / self.slug / name)

    def strip(self, registry: Registry) -> str:
        """The model strip, marked as recorded."""
        return strip(registry[self.model], device=self.device, took=self.seconds, recorded=self.date)


def load(slug: str) -> Recorded:
    """The recorded result of the tab `slug`."""
    return Recorded(**json.loads((RECORDED_FOLDER / slug / "result.json").read_text(encoding="utf-8")))


def save(
    slug: str,
    files: Mapping[str, bytes],
    *,
    made_by: MadeBy,
    seed: int | None,
    seconds: float,
    settings: Mapping[str, Any],
    facts: Mapping[str, Any],
) -> Recorded:
    """Writes a result of the tab `slug`, made just now, to `assets/recorded/<slug>/`."""
    folder = RECORDED_FOLDER / slug
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    date = datetime.now(UTC).strftime("%-d %B %Y")
    device = device_name(made_by.device)
    recorded = Recorded(slug, made_by.spec.id, seed, round(seconds, 3), device, date, dict(settings), dict(facts))
    text = json.dumps(asdict(recorded), ensure_ascii=False, indent=1)
    (folder / "result.json").write_text(text + "\n", encoding="utf-8")
    return recorded
