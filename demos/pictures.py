"""Pictures in and out: an upload becomes a clean RGB image; what a model made leaves as PNG with its label."""

import base64
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import ImageData
from PIL import Image, ImageOps, PngImagePlugin, UnidentifiedImageError

from models.errors import BadInputError

MAX_PIXELS = 50_000_000
_FORMATS = ("PNG", "JPEG", "WEBP")


def picture_input(value: str | None = None, **options: Any) -> gr.Image:
    """An image input whose handlers get the path of the uploaded file, untouched: `read_picture` does the checking, so
    that a bad file gets our sentence and not a decoder's."""
    picture = gr.Image(value, type="filepath", image_mode=None, **options)
    # Not a subclass: Gradio writes an interface file beside the source of every subclass of a component.
    picture.preprocess = _path_of  # type: ignore[method-assign]
    return picture


def _path_of(payload: ImageData | None) -> str | None:
    return payload.path if payload else None


def read_picture(source: str | BytesIO | None) -> Image.Image:
    """The uploaded picture as RGB: upright (EXIF rotation applied), transparency laid on white.

    Raises `BadInputError` if there is none, or if it is no PNG, JPEG or WebP, is damaged, or has over 50 megapixels.
    """
    return _on_white(open_picture(source))


def open_picture(source: str | BytesIO | None) -> Image.Image:
    """The same with its own colours and transparency."""
    if not source:
        raise BadInputError("Please give a picture first: upload one or click an example.")
    try:
        with Image.open(source, formats=_FORMATS) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise _too_large(f"{width * height / 1e6:.0f}")
            picture.load()
            return ImageOps.exif_transpose(picture)
    except UnidentifiedImageError:
        raise BadInputError("This file is not a PNG, JPEG or WebP picture; please choose one that is.") from None
    except Image.DecompressionBombError:  # so many that Pillow does not even open it
        raise _too_large(f"over {MAX_PIXELS // 10**6}") from None
    except (OSError, ValueError, SyntaxError):
        raise BadInputError("This picture is damaged and cannot be read; please try another one.") from None


def _too_large(megapixels: str) -> BadInputError:
    return BadInputError(
        f"This picture has {megapixels} megapixels; at most {MAX_PIXELS // 10**6} can be read. "
        "Please make it smaller first."
    )


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I") or picture.mode == "F":
        # 16-bit greys: Pillow's own conversion clips them to white.
        picture = picture.convert("I").point(lambda value: value / 256).convert("L")
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    picture = picture.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def cache_folder() -> Path:
    """Gradio's folder of served files. It deletes what is older than an hour (`delete_cache`)."""
    return Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()) / "gradio")


def keep_bytes(content: bytes, name: str) -> str:
    """Writes `content` among the served files and returns its path. Equal content shares one file."""
    path = cache_folder() / hashlib.sha256(content).hexdigest() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return str(path)


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


def data_uri(png: bytes) -> str:
    """The picture as an address that holds it whole, for HTML that shows many small ones."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
