"""Whether the values of a call are such as the page itself would send: checked before anything is done with them."""

import math
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from demos.pictures import cache_folder
from demos.uploads import REFUSED
from models.errors import BadInputError

DEEPEST = 16
"""Lists and objects in one another."""
LARGEST_NUMBER = 1e15
MISFIT = "These values do not fit this page; please load the page again."


def check_values(components: Sequence[Any], values: Sequence[Any]) -> None:
    """Raises `BadInputError` unless there is a value of the right kind for each of `components`, and every file among
    them was uploaded to or made by this gallery."""
    if len(components) != len(values):
        raise BadInputError(f"This call has {len(values)} values and needs {len(components)}.")
    for component, value in zip(components, values, strict=True):
        check_files(value)
        if value is not None and not _fits(component, value):
            raise BadInputError(f"“{component.label or component.get_block_name()}”: {MISFIT}")


def check_files(value: Any) -> None:
    """Raises `BadInputError` if a file anywhere in the value is not one of this gallery's, or lies too deep."""
    for part in _parts(value):
        if isinstance(part, dict) and isinstance(part.get("path"), str) and not _is_ours(part["path"]):
            raise BadInputError(REFUSED)


def _parts(value: Any) -> Iterator[Any]:
    """The value and all that is in it. Raises `BadInputError` for what is nested too deep."""
    level = [value]
    for _ in range(DEEPEST):
        yield from level
        level = [
            inner
            for part in level
            if isinstance(part, dict | list)
            for inner in (part.values() if isinstance(part, dict) else part)
        ]
        if not level:
            return
    raise BadInputError(MISFIT)


def _is_ours(path: str) -> bool:
    """Whether it is a regular file below the folder of served files, all links followed. Opens nothing."""
    try:
        real = os.path.realpath(path)
        return Path(real).is_relative_to(os.path.realpath(cache_folder())) and stat.S_ISREG(os.lstat(real).st_mode)
    except (OSError, ValueError):  # ValueError: a zero byte, half of a character
        return False


def _fits(component: Any, value: Any) -> bool:
    match component:
        case gr.Number() | gr.Slider():
            return _is_number(value)
        case gr.Textbox() | gr.Markdown() | gr.Code():
            return isinstance(value, str)
        case gr.Checkbox():
            return isinstance(value, bool)
        case gr.Radio() | gr.Dropdown():
            return isinstance(value, str | int | float | list)
        case gr.Dataset():
            return type(value) is int and 0 <= value < len(component.samples)
        case gr.Image() | gr.Audio() | gr.ImageEditor() | gr.UploadButton() | gr.File():
            return isinstance(value, dict | list)
    return True


def _is_number(value: Any) -> bool:
    # Not `abs`: an integer of four hundred digits is no float.
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value if isinstance(value, float) else 0)
        and -LARGEST_NUMBER <= value <= LARGEST_NUMBER
    )
