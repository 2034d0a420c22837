"""Public API endpoints: typed, with stable names, independent of what the tab looks like."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.context import LocalContext

from demos.caller import LEFT, CallerLeft, queued_call_has_left
from demos.door.visitor import visitor_of
from demos.page import Page
from demos.status import sentence_for
from models.fair_line import NOBODY, VISITOR
from models.units import seconds as in_seconds


def endpoint(
    page: Page,
    name: str,
    answer: Callable[..., tuple[Any, dict[str, Any]]],
    inputs: Sequence[Component],
    result: Component,
) -> None:
    """Publishes `answer` as `/name`, in the same queue as the tab `page`.

    `answer` takes the values of `inputs` and returns the main result and a JSON object with at least `model`, `seed`
    and `seconds`; its docstring is the endpoint's documentation. Create `inputs` and `result` with `render=False`; an
    input's value is its default. Errors reach the caller as one sentence.
    """

    @wraps(answer)  # the names of its parameters are those of the endpoint
    def call(*values: Any) -> tuple[Any, dict[str, Any]]:
        request = LocalContext.request.get(None)
        VISITOR.set(visitor_of(request) if request else NOBODY)
        LEFT.set(queued_call_has_left())
        try:
            return answer(*values)
        except CallerLeft:
            raise gr.Error("Cancelled.", print_exception=False) from None
        except Exception as error:  # noqa: BLE001 - the caller gets a sentence for every fault, never a traceback
            raise gr.Error(sentence_for(error), print_exception=False) from None

    with gr.Group(visible=False):
        for component in [*inputs, result]:
            component.render()  # type: ignore[no-untyped-call]
        facts = gr.JSON(label="Model, seed and seconds")
        gr.Button("Call").click(
            call,
            list(inputs),
            [result, facts],
            api_name=name,
            api_description=f"{answer.__doc__ or ''} Stopped after {in_seconds(page.task.deadline)} at the latest.",
            concurrency_id=page.slug,
            concurrency_limit=page.at_once,
        )
