"""What a visitor draws: the canvas to draw on, and its value as a plain picture or as a picture with a mask.

The value of a `drawing_canvas` is a dict: `background` (what was uploaded, or None), `layers` (what the brush left,
with transparency) and `composite` (all of it).
"""

from collections.abc import Mapping
from http import HTTPStatus
from io import BytesIO
from typing import Any

import gradio as gr
import numpy as np
from fastapi import HTTPException
from gradio.components.base import server
from gradio.components.image_editor import EditorData
from numpy.typing import NDArray
from PIL import Image

from demos.blobs import MAX_LAYERS, Blobs
from demos.own_components import own
from demos.pictures import open_picture, read_picture
from models.errors import BadInputError

Mask = NDArray[np.bool_]
"""(height, width), true where the brush has been."""
blobs = Blobs()
"""Of all canvases and visitors."""
LARGEST_DRAWING = 1024
"""Pixels of the longer side: what an upload onto the canvas has more is never looked at."""


def drawing_canvas(value: Any = None, **options: Any) -> gr.ImageEditor:
    """A canvas whose handlers get the files as they came, untouched: reading them checks them, so that a bad file gets
    our sentence and not a decoder's."""
    return _Canvas(value, type="filepath", format="png", layers=False, **options)


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


def _files_of(_: gr.ImageEditor, payload: EditorData | None) -> dict[str, Any]:
    """Paths of what came as files, bytes of what the page sent apart from the event (its usual way)."""
    sent = blobs.take(payload.id) if payload is not None and payload.id is not None else None
    if sent is not None:
        return {
            "background": sent.background,
            "layers": [sent.layers[number] for number in sorted(sent.layers)],
            "composite": sent.composite,
        }
    if payload is None or payload.id is not None:
        return {"background": None, "layers": [], "composite": None}
    return {
        "background": payload.background and payload.background.path,
        "layers": [layer.path for layer in payload.layers],
        "composite": payload.composite and payload.composite.path,
    }


def accept_blobs(_: gr.ImageEditor, data: Any) -> None:
    """Keeps what the page sends. Gradio's own way keeps any number of them for ever, and makes room for any layer."""
    told, files = getattr(data, "data", None), getattr(data, "files", None)
    try:
        if not isinstance(told, Mapping) or not files:
            raise BadInputError("A drawing consists of pictures; please draw it again.")
        blobs.put(told.get("id"), told.get("type"), told.get("index"), files[0][1])
    except BadInputError as error:
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None


_Canvas = own(gr.ImageEditor, preprocess=_files_of, accept_blobs=server(accept_blobs))  # type: ignore[no-untyped-call]
