"""Pictures in and out: an upload becomes a clean RGB image; what a model made leaves as PNG with its label."""

import base64
import errno
import hashlib
import json
import logging
import os
import secrets
import tempfile
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from io import BytesIO
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import ImageData
from PIL import Image, PngImagePlugin

from demos.decoding import decode
from demos.own_components import own
from demos.uploads import open_upload
from models.errors import BadInputError, ModelError

log = logging.getLogger(__name__)

_STRIP_PIXELS = 2**20


def picture_input(value: str | None = None, **options: Any) -> gr.Image:
    """An image input whose handlers get the path of the uploaded file, untouched: `read_picture` does the checking, so
    that a bad file gets our sentence and not a decoder's."""
    return _Picture(value, type="filepath", image_mode=None, **options)


def _path_of(_: gr.Image, payload: ImageData | None) -> str | None:
    return payload.path if payload else None


_Picture = own(gr.Image, preprocess=_path_of)


def read_picture(source: str | BytesIO | None, *, at_most: int | None = None) -> Image.Image:
    """The uploaded picture as RGB, upright (EXIF rotation applied), transparency laid on white; if `at_most` is given,
    reduced to so many pixels on the longer side, which spares memory.

    Raises `BadInputError` if there is none, for files that `open_upload` refuses, and what `decode` raises.
    """
    return _decoded(source, on_white, at_most)


def open_picture(source: str | BytesIO | None) -> Image.Image:
    """The same with its own colours and transparency."""
    return _decoded(source, lambda picture: picture, None)


def _decoded(
    source: str | BytesIO | None, finish: Callable[[Image.Image], Image.Image], at_most: int | None
) -> Image.Image:
    if not source:
        raise BadInputError("Please give a picture first: upload one or click an example.")
    with open_upload(source) if isinstance(source, str) else nullcontext(source) as file:
        return decode(file, finish, at_most=at_most)


def on_white(picture: Image.Image) -> Image.Image:
    """The picture as RGB, transparency laid on white."""
    whole = Image.new("RGB", picture.size)
    # Strip by strip: what is held in between is small, also for the deepest colours.
    height = max(1, _STRIP_PIXELS // picture.width)
    for top in range(0, picture.height, height):
        strip = picture.crop((0, top, picture.width, min(top + height, picture.height)))
        whole.paste(_strip_on_white(strip), (0, top))
    return whole


def _strip_on_white(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I") or picture.mode == "F":
        # 16-bit greys: Pillow's own conversion clips them to white.
        return picture.convert("I").point(lambda value: value / 256).convert("L").convert("RGB")
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    picture = picture.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def cache_folder() -> Path:
    """Gradio's folder of served files. It deletes what is older than an hour (`delete_cache`)."""
    return Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()) / "gradio")


def keep_bytes(content: bytes, name: str) -> str:
    """Writes `content` among the served files and returns its path. Equal content shares one file, which is there as a
    whole or not at all: somebody may be downloading it.

    Raises `ModelError` if the disk is full.
    """
    path = cache_folder() / hashlib.sha256(content).hexdigest() / name
    try:
        os.utime(path)  # the clean-up of the cache goes by this
    except FileNotFoundError:
        _write(path, content)
    return str(path)


def _write(path: Path, content: bytes) -> None:
    beside = path.with_name(f"{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        log.error("No room for %s", path, exc_info=error)
        raise ModelError(
            "The server's disk is full, so this result cannot be kept; please tell whoever runs this gallery."
        ) from None


def keep_png(picture: Image.Image, name: str, facts: Mapping[str, Any], *, generated: bool = True) -> str:
    """Writes `picture` as PNG that carries `facts` (model, seed, parameters) as text; returns its path.

    `generated` says that a learned model made it: only such a picture is labelled as AI-generated.
    """
    return keep_bytes(encode_png(picture, facts, generated=generated), name)


def encode_png(picture: Image.Image, facts: Mapping[str, Any], *, generated: bool = True) -> bytes:
    """The bytes of the file that `keep_png` writes."""
    text = PngImagePlugin.PngInfo()
    text.add_text("Software", "Deep Generative Models gallery")
    if generated:
        text.add_text("Comment", "AI-generated")
    text.add_itxt("Parameters", json.dumps(dict(facts), ensure_ascii=False))
    content = BytesIO()
    picture.save(content, "PNG", pnginfo=text, compress_level=3)
    return content.getvalue()


def two_of(left: str, right: str, made: Mapping[str, str]) -> tuple[str, str]:
    """Files for a slider, by the labels of two of the views that were `made`. Raises `BadInputError` for others."""
    if not {str(left), str(right)} <= made.keys():
        raise BadInputError("There is no such picture to compare; please choose two of those that are offered.")
    return made[str(left)], made[str(right)]


def data_uri(png: bytes) -> str:
    """The picture as an address that holds it whole, for HTML that shows many small ones."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
