"""What became of a call, told from where it is answered to the middleware that sees the status code."""

from dataclasses import dataclass
from typing import Any

KEY = "gallery.outcome"


@dataclass
class Outcome:
    """`is_bug`: the fault was ours, and has an id in the log."""

    is_bug: bool = False


def outcome_of(request: Any) -> Outcome | None:
    """The outcome of the call behind a `gradio.Request`; None for calls that came by another way."""
    starlette = getattr(request, "request", None)
    return starlette.scope.get(KEY) if starlette is not None else None
