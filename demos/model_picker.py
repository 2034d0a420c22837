"""Choice of the model: a native select, in which what cannot run here is greyed out and says why."""

from typing import Any

import gradio as gr

from demos.own_components import own
from demos.page import on_open
from models.registry import Registry
from models.tasks import Task

LONGEST_ID = 80
_TEMPLATE = """
<label>Model
  <select aria-label="Model">
    {{#each options}}
    <option value="{{id}}" {{#if selected}}selected{{/if}} {{#if why}}disabled{{/if}}>
      {{title}}{{#if why}} ({{why}}){{/if}}
    </option>
    {{/each}}
  </select>
</label>
"""
_ON_LOAD = """
element.addEventListener("change", (event) => { props.value = event.target.value; trigger("change"); });
watch("value", () => { const select = element.querySelector("select"); if (props.value) select.value = props.value; });
"""


def model_picker(registry: Registry, task: Task) -> gr.HTML:
    """Draws the picker; its value is a model id. Opening its tab brings the reasons up to date and starts to load the
    model, so that the first click finds it ready."""
    best = best_model(registry, task)
    picker = _Picker(
        best,
        html_template=_TEMPLATE,
        js_on_load=_ON_LOAD,
        elem_classes="model-picker",
        options=_options(registry, task, best),
    )

    def tab_opened(selected: str) -> Any:
        registry.warm_up(selected)
        return gr.update(options=_options(registry, task, selected))

    on_open(picker, tab_opened, [picker])
    return picker


def model_input(model_id: str) -> gr.Textbox:
    """The `model` of an endpoint."""
    return _Id(model_id, label="model", render=False)


def _id_from(_: gr.components.Component, value: object) -> str:
    """Whatever a program sends, as something that may be asked for: what is no model's id is known to nobody."""
    return value[:LONGEST_ID] if isinstance(value, str) else ""


_Picker, _Id = own(gr.HTML, preprocess=_id_from), own(gr.Textbox, preprocess=_id_from)


def best_model(registry: Registry, task: Task) -> str:
    """The id of the model to start with: the best that can run here, else the best that could on any machine."""
    models = registry.for_task(task)
    anywhere = next((spec for spec in models if "cpu" in spec.devices), models[0])
    return (registry.choose(task).spec or anywhere).id


def _options(registry: Registry, task: Task, selected: str) -> list[dict[str, Any]]:
    return [
        {"id": spec.id, "title": spec.title, "why": registry.why_not(spec.id), "selected": spec.id == selected}
        for spec in registry.for_task(task)
    ]
