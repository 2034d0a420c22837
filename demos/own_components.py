"""Gradio's components with some of their methods replaced by ours.

Not on the instance: whenever an event updates a component, Gradio makes a new one of its class for that visitor, which
would behave like Gradio's own again. And not by a class statement: Gradio writes an interface file beside its source.
"""

from abc import ABCMeta
from collections.abc import Callable
from typing import Any, TypeVar

from gradio.blocks import Block

Component = TypeVar("Component", bound=Block)


def own(component: type[Component], **methods: Callable[..., Any]) -> type[Component]:
    """A subclass of `component` with these `methods`, which goes by the same name on the page."""
    made: Any = ABCMeta.__new__(type(component), component.__name__, (component,), methods)
    return made  # type: ignore[no-any-return]
