"""What a demo says about itself, and the frame that every tab is drawn in."""

import html
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import gradio as gr

from models.tasks import Task

Family = Literal["images", "sound", "language", "history"]


@dataclass(frozen=True)
class HowItWorks:
    """The panel beside the title: three sentences, the formula (LaTeX), the paper, and the code that does it."""

    sentences: str
    formula: str
    paper: str
    """Markdown, with a link."""
    code: str


@dataclass(frozen=True)
class Page:
    """One application of the lecture."""

    slug: str
    """In the address `/?demo=slug`, lower case with hyphens."""
    title: str
    family: Family
    task: Task
    formula: str
    """What the model is a distribution of, such as "p(full image | mask)"."""
    sentence: str
    """What happens here, for a first-year student."""
    how: HowItWorks
    tab: str = ""
    """Its name in the row of tabs, where the title is too long for that."""
    at_once: int = 4
    """Requests of this tab that are let in at the same time, to run or to line up for a model; further ones wait in the
    queue."""

    @property
    def tab_name(self) -> str:
        """What the row of tabs calls it."""
        return self.tab or self.title


@contextmanager
def frame(page: Page) -> Iterator[None]:
    """The tab's title, formula chip and sentence, "How it works" beside them; the `with` block draws what follows."""
    with gr.Column(elem_classes=["page", f"family-{page.family}"]):
        with gr.Row(elem_classes="page-head"):
            with gr.Column(scale=3, min_width=320):
                gr.HTML(
                    f"<h2>{html.escape(page.title)} <span class='formula'>{html.escape(page.formula)}</span></h2>"
                    f"<p class='sentence'>{html.escape(page.sentence)}</p>"
                )
            with (
                gr.Column(scale=1, min_width=200, elem_classes="beside"),
                gr.Accordion("How it works", open=False, elem_classes="how-it-works"),
            ):
                gr.Markdown(
                    f"{page.how.sentences}\n\n$$ {page.how.formula} $$\n\n{page.how.paper}\n\n"
                    f"```python\n{page.how.code.strip()}\n```",
                    latex_delimiters=[{"left": "$$", "right": "$$", "display": True}],
                )
        yield


@contextmanager
def question() -> Iterator[None]:
    """The left card: what the visitor gives."""
    with gr.Column(scale=5, min_width=320, elem_classes=["card", "question"]):
        yield


@contextmanager
def answer() -> Iterator[None]:
    """The right card: what the model makes of it."""
    with gr.Column(scale=6, min_width=320, elem_classes=["card", "answer"]):
        yield


def on_open(component: gr.components.Component, refresh: Callable[..., Any], inputs: list[Any] | None = None) -> None:
    """Calls `refresh` for the new value of `component` whenever the tab that it stands in is opened."""
    block: Any = component.parent
    while block is not None and not isinstance(block, gr.Tab):
        block = block.parent
    if block is not None:
        block.select(refresh, inputs, component, queue=False, show_progress="hidden", api_visibility="private")
