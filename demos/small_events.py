"""Events without a Run button: a picker that changes, a click into a picture. Faults reach the page as one sentence."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import gradio as gr

from demos.status import sentence_for


def told(handler: Callable[..., Any]) -> Callable[..., Any]:
    """`handler`, whose every fault becomes a `gr.Error` with a sentence; what is a bug stands in the log."""

    @wraps(handler)  # Gradio looks at the parameters to see what a handler wants to know
    def call(*values: Any) -> Any:
        try:
            return handler(*values)
        except Exception as error:  # noqa: BLE001 - the page shows a sentence for every fault, never a traceback
            raise gr.Error(sentence_for(error), print_exception=False) from None

    return call


def detail(event: gr.EventData, name: str) -> Any:
    """What the browser tells of an event under `name`; None if it tells nothing of the kind."""
    return event._data.get(name) if isinstance(event._data, Mapping) else None
