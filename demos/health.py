"""The Models tab: which models are ready, on their way or unavailable, and why; memory and devices."""

import html

import gradio as gr

from demos.page import on_open
from demos.services import Services
from models.states import ModelStatus
from models.units import gigabytes, millions

_STATE_MARKS = {
    "loaded": "● in memory",
    "loading": "◐ loading",
    "downloading": "◐ downloading",
    "on disk": "○ ready on disk",
    "not downloaded": "○ fetched when first used",
    "unavailable": "✕ unavailable",
}


_TITLE = """
<h2>Models</h2>
<p class='sentence'>What this gallery can run here and now, and what not.</p>
"""


_HEAD = """
<thead><tr>
<th>Application</th><th>Model</th><th>State</th><th class='number'>Parameters</th><th class='number'>Download</th>
<th class='number'>Memory</th><th>Licence</th>
</tr></thead>
"""


def build(services: Services) -> None:
    """Draws the tab. It refreshes when opened and on its button."""
    with gr.Column(elem_classes=["page", "family-plain"]):
        with gr.Row(elem_classes="page-head"):
            gr.HTML(_TITLE)
            refresh = gr.Button("Refresh", scale=0, min_width=120)
        with gr.Column(elem_classes="card"):
            table = gr.HTML(overview(services))
    on_open(table, lambda: overview(services))
    refresh.click(lambda: overview(services), None, table, queue=False, api_visibility="private")


def overview(services: Services) -> str:
    """The page's HTML: devices and memory, then a row for each model."""
    memory = services.registry.memory()
    devices = "".join(
        f"<p><b>{html.escape(device.name)}</b>: {device.threads} cores, computes in {device.precision}; "
        f"models hold {gigabytes(memory[device.kind][0])} of {gigabytes(memory[device.kind][1])}.</p>"
        for device in services.registry.devices
    )
    rows = "".join(_row(status) for status in services.registry.status())
    network = "<p>The gallery runs offline: nothing will be downloaded.</p>" if services.settings.offline else ""
    return (
        f"{devices}{network}<div class='table-scroll'><table class='facts'>{_HEAD}<tbody>{rows}</tbody></table></div>"
    )


def _row(status: ModelStatus) -> str:
    spec = status.spec
    state = _STATE_MARKS[status.state]
    if status.leases:
        state += f", {status.leases} in use"
    if status.why:
        state += f": {status.why}"
    # Where it cannot run: what it would need there, for whoever chooses a machine.
    needed = spec.memory[status.device.kind] if status.device else min(spec.memory.values())
    cells = [
        ("", ", ".join(spec.tasks)),
        ("", spec.title),
        ("", state),
        ("number", millions(spec.parameters) if spec.parameters else "none"),
        ("number", gigabytes(spec.weights.size) if spec.weights.size else "with the gallery"),
        ("number", gigabytes(needed)),
        ("", spec.licence),
    ]
    return "<tr>" + "".join(f"<td class='{kind}'>{html.escape(text)}</td>" for kind, text in cells) + "</tr>"
