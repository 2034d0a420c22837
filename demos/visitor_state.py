"""What the server keeps for each visitor between two events."""

from typing import Any

import gradio as gr

from demos.own_components import own


def visitor_state(value: Any) -> gr.State:
    """A `gr.State` that begins with `value`. Unlike Gradio's own, its description on the page names no function of the
    server and where that lies in memory."""
    return _State(value)


def _description(state: gr.State, *of: Any) -> dict[str, Any]:
    described: dict[str, Any] = gr.State.get_config(state, *of)  # type: ignore[no-untyped-call]
    return {name: what for name, what in described.items() if name != "delete_callback"}


_State = own(gr.State, get_config=_description)
