"""The model strip under a result, and the card behind it. Made from the spec alone, so that no label can drift."""

import html

import gradio as gr

from models.devices import Device
from models.spec import ModelSpec
from models.units import gigabytes, millions, seconds


def strip(spec: ModelSpec, *, device: str, took: float, recorded: str = "") -> str:
    """HTML of one line: model, year, parameters, licence, training data, device, seconds. A click opens the card.

    `recorded` is the date of a recorded result, which is then marked as such; empty for a live one.
    """
    badge = f"<span class='badge'>recorded {html.escape(recorded)}</span>" if recorded else ""
    facts = [
        str(spec.year),
        f"{millions(spec.parameters)} parameters" if spec.parameters else "no learned parameters",
        spec.licence,
        f"trained on {spec.trained_on}" if spec.trained_on else "not trained",
        f"{device}, {seconds(took)}",
    ]
    line = f"{badge}<b>{html.escape(spec.title)}</b> · " + " · ".join(html.escape(fact) for fact in facts)
    return f"<details><summary>{line}</summary>{card(spec)}</details>"


def card(spec: ModelSpec) -> str:
    """HTML list of everything the spec says."""
    rows = {
        "Method": f"<a href='{html.escape(spec.paper.url)}'>{html.escape(str(spec.paper))}</a>",
        "Weights": f"<a href='{html.escape(spec.homepage)}'>{html.escape(spec.homepage)}</a>, "
        f"{gigabytes(spec.weights.size)}, checked by sha256",
        "Licence": html.escape(spec.licence),
        "Trained on": html.escape(spec.trained_on or "nothing: a fixed formula"),
        "Known limits": html.escape(spec.limits),
        "Runs on": ", ".join(f"{kind.upper()} ({gigabytes(size)})" for kind, size in spec.memory.items()),
        "Model id": f"<code>{html.escape(spec.id)}</code>",
    }
    return "<dl>" + "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows.items()) + "</dl>"


def device_name(device: Device) -> str:
    """A device as the strip shows it: "CPU, 2 cores" or the graphics card's name."""
    return f"CPU, {device.threads} cores" if device.kind == "cpu" else device.name


def model_strip(value: str) -> gr.HTML:
    """Draws the strip; `value` comes from `strip`."""
    return gr.HTML(value, elem_classes="model-strip")
