"""What a visitor draws: the canvas to draw on, and its value as a plain picture or as a picture with a mask.

The value of a `drawing_canvas` is a dict: `background` (what was uploaded, or None), `layers` (what the brush left,
with transparency) and `composite` (all of it).
"""

from collections.abc import Mapping
from functools import partial
from io import BytesIO
from typing import Any

import gradio as gr
import numpy as np
from gradio.components.image_editor import EditorData
from numpy.typing import NDArray
from PIL import Image

from demos.pictures import open_picture, read_picture
from models.errors import BadInputError

Mask = NDArray[np.bool_]
"""(height, width), true where the brush has been."""
MAX_LAYERS = 8
LARGEST_DRAWING = 1024
"""Pixels of the longer side: what an upload onto the canvas has more is never looked at."""


def drawing_canvas(value: Any = None, **options: Any) -> gr.ImageEditor:
    """A canvas whose handlers get the files as they came, untouched: reading them checks them, so that a bad file gets
    our sentence and not a decoder's."""
    editor = gr.ImageEditor(value, type="filepath", format="png", layers=False, **options)
    # Not a subclass: Gradio writes an interface file beside the source of every subclass of a component.
    editor.preprocess = partial(_files_of, editor)  # type: ignore[method-assign, assignment]
    return editor


def read_drawing(value: object) -> Image.Image:
    """The whole drawing as RGB, transparency laid on white.

    Raises `BadInputError` if there is none, if it is blank, and for files that `read_picture` refuses.
    """
    composite = _part(value, "composite")
    if composite is None:
        raise BadInputError("The canvas is blank; please draw something first, or click an example.")
    picture = read_picture(composite, at_most=LARGEST_DRAWING)
    if not np.ptp(np.asarray(picture), axis=(0, 1)).any():
        raise BadInputError("The canvas has one colour only; please draw something first, or click an example.")
    return picture


def read_mask(value: object) -> tuple[Image.Image, Mask]:
    """The picture under the paint as RGB, and where the paint is, on any layer, however thin.

    Raises `BadInputError` if there is no picture, if the paint does not fit it, and for files that `read_picture`
    refuses. No paint at all is an empty mask.
    """
    picture = read_picture(_part(value, "background"))
    painted = np.zeros((picture.height, picture.width), np.bool_)
    layers = value.get("layers") if isinstance(value, Mapping) else None
    for layer in _several(layers):
        paint = open_picture(layer)
        if paint.size != picture.size:
            raise BadInputError(
                "The painted mask and the picture differ in size; please clear the mask and paint it anew."
            )
        painted |= np.asarray(paint.convert("RGBA").getchannel("A")) > 0
    return picture, painted


def _part(value: object, name: str) -> str | BytesIO | None:
    part = value.get(name) if isinstance(value, Mapping) else None
    return _source(part)


def _several(layers: object) -> list[str | BytesIO]:
    sources = [_source(layer) for layer in layers] if isinstance(layers, list) else []
    present = [source for source in sources if source is not None]
    if len(present) > MAX_LAYERS:
        raise BadInputError(f"At most {MAX_LAYERS} layers can be read; please merge them.")
    return present


def _source(part: object) -> str | BytesIO | None:
    if isinstance(part, bytes) and part:
        return BytesIO(part)
    return part if isinstance(part, str) and part else None


def _files_of(editor: gr.ImageEditor, payload: EditorData | None) -> dict[str, Any]:
    """Paths of what came as files, bytes of what the page sent apart from the event (its usual way)."""
    if payload is None:
        return {"background": None, "layers": [], "composite": None}
    if payload.id is not None:
        sent = editor.blob_storage.pop(payload.id, None)
        if sent is None:
            return {"background": None, "layers": [], "composite": None}
        return {"background": sent.background, "layers": list(sent.layers), "composite": sent.composite}
    return {
        "background": payload.background and payload.background.path,
        "layers": [layer.path for layer in payload.layers],
        "composite": payload.composite and payload.composite.path,
    }
