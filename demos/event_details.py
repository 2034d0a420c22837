"""What the browser says of an event, where a program may have said anything."""

from collections.abc import Mapping
from typing import Any

import gradio as gr


def detail(event: gr.EventData, name: str) -> Any:
    """What is told of the event under `name`; None if nothing of the kind is."""
    return event._data.get(name) if isinstance(event._data, Mapping) else None
