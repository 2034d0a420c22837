"""Run and Stop: the primary button, Stop beside it, and the status line; one piece for every tab."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from contextvars import copy_context
from typing import Any

import gradio as gr

from demos import status
from demos.door.visitor import visitor_of
from demos.page import Page
from models.fair_line import VISITOR, Visitor
from models.units import seconds as in_seconds

Update = str | dict[Any, Any]
"""What a handler yields: words for the status line, or new values by component."""
_ENABLE = "() => ({__type__: 'update', interactive: true})"
Handler = Callable[..., Generator[Update, None, None]]


class Runner:
    """Draws the buttons where it is created. Ctrl+Enter and Esc press them (see assets/theme/gallery.js)."""

    def __init__(self, page: Page, verb: str) -> None:
        self._page = page
        with gr.Row(elem_classes="run-row"):
            self.run = gr.Button(verb, variant="primary", elem_classes="run-button", scale=4, min_width=120)
            self.stop = gr.Button("Stop", interactive=False, elem_classes="stop-button", scale=1, min_width=72)
        self.status = gr.HTML(status.done(""), elem_classes="status-line", min_height=28)
        self._events: list[dict[str, Any]] = []

    def on(
        self,
        triggers: Sequence[Any],
        handler: Handler,
        inputs: Sequence[gr.components.Component],
        outputs: Sequence[gr.components.Component],
    ) -> None:
        """Runs `handler` when any of `triggers` fires.

        The handler is a generator over the values of `inputs`; it yields words or `{component: value}` with components
        of `outputs`. A `ModelError` becomes the status line; nothing else on the page changes.
        """

        def run(request: gr.Request, *values: Any) -> Iterator[dict[Any, Any]]:
            at_most = in_seconds(self._page.task.deadline)
            yield {
                self.stop: gr.update(interactive=True),
                self.status: status.working(f"starting; each run may take {at_most}"),
            }
            last_words = ""
            try:
                with closing(steps_for(visitor_of(request), handler(*values))) as updates:
                    for update in updates:
                        if isinstance(update, str):
                            last_words = status.done(update)
                            yield {self.status: status.working(update)}
                        else:
                            yield {component: _kept(value) for component, value in update.items()}
            except Exception as error:  # noqa: BLE001 - the page shows a sentence for every fault, never a traceback
                last_words = status.problem(status.sentence_for(error))
            yield {self.stop: gr.update(interactive=False), self.status: last_words}

        # In the browser alone: who has to queue can stop waiting too.
        gr.on(triggers, None, None, self.stop, js=_ENABLE, api_visibility="private")
        event = gr.on(
            triggers,
            run,
            list(inputs),
            [self.stop, self.status, *outputs],
            api_visibility="private",
            concurrency_id=self._page.slug,
            concurrency_limit=self._page.at_once,
            show_progress="minimal",
            show_progress_on=[self.status],
            trigger_mode="once",
        )
        self._events.append(event)

    def wire_stop(self) -> None:
        """Lets Stop end everything bound so far. Call it once, after the last `on`."""
        # First cancel, then say so: what was already on its way to the page must not have the last word.
        self.stop.click(None, None, None, cancels=self._events, api_visibility="private").then(
            lambda: (gr.update(interactive=False), status.done("Stopped.")),
            None,
            [self.stop, self.status],
            queue=False,
            api_visibility="private",
        )


def _kept(value: Any) -> Any:
    """`value` as an update. Gradio's page applies what comes next to what came last, in place: of a bare file it would
    take the address away again, and a download button would do nothing."""
    return value if isinstance(value, dict) and value.get("__type__") == "update" else gr.update(value=value)


def steps_for(visitor: Visitor, updates: Generator[Update, None, None]) -> Generator[Update, None, None]:
    """`updates`, each step of which is work for `visitor`: Gradio takes every step in another context."""
    context = copy_context()
    context.run(VISITOR.set, visitor)
    try:
        while True:
            try:
                update = context.run(next, updates)
            except StopIteration:
                return
            yield update
    finally:
        context.run(updates.close)
