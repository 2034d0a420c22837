"""The work behind the Inpainting tab: photographs and masks in, filled photographs and views of them out."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from demos.answering import Answer, answers
from demos.drawing import read_mask
from demos.mask_examples import PAINT
from demos.pictures import keep_bytes, keep_png, on_white, open_picture
from demos.services import Services
from models.errors import BadInputError
from models.inpainting import Draft, Inpainted, Inpainter, InpaintingRequest, Mask
from models.states import LoadProgress, MadeBy
from models.tasks import Progress, Task

CANVAS = (800, 600)
"""Width and height in pixels. The photograph is shown in the middle, as large as it fits; its mask is scaled back. On a
canvas that changed its size with the photograph, Gradio 6.31 would put ready masks in the wrong place."""
SHOWN_SIDE = 1600
"""Pixels: the slider shows at most this; the download has them all."""
OPAQUE_ENOUGH = 128
SAME_SHAPE = 0.03
"""How much width / height of a mask may differ from that of its photograph."""


@dataclass
class Filled:
    """What a model made of a request."""

    made_by: MadeBy
    request: InpaintingRequest
    image: Image.Image
    took: float
    draws: bool
    """Whether anything in it was drawn at random."""

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What its file says about it. The seed is null if nothing was drawn at random."""
        spec = self.made_by.spec
        facts = {
            "model": spec.id,
            "seed": self.request.seed if self.draws else None,
            "seconds": round(self.took, 3),
            "licence": spec.licence,
            "size": list(self.image.size),
            "masked": round(float(self.request.mask.mean()), 4),
        }
        if self.request.prompt and not spec.reads_prompts:
            facts["prompt"] = f"ignored: {spec.title} reads no prompts"
        elif self.request.prompt:
            facts["prompt"] = self.request.prompt
        return facts

    @cached_property
    def file(self) -> str:
        """The picture at full size as a PNG among the served files, written once."""
        spec = self.made_by.spec
        return keep_png(self.image, f"{spec.id}.png", self.facts, generated=spec.parameters > 0)


def fill(
    services: Services, request: InpaintingRequest, model: str
) -> Iterator[LoadProgress | Progress | Draft | Filled]:
    """Runs one model on the request: progress and drafts first, the result last."""
    draws = False

    def ask(inpainter: Inpainter) -> Iterator[Progress | Draft | Inpainted]:
        nonlocal draws
        draws = inpainter.draws
        return inpainter.inpaint(request)

    steps: Iterator[LoadProgress | Progress | Answer[Draft | Inpainted]]
    steps = answers(services, Task.INPAINTING, model, ask)
    for step in steps:
        if not isinstance(step, Answer):
            yield step
        elif isinstance(step.value, Inpainted):
            yield Filled(step.made_by, request, step.value.image, step.took, draws)
        else:
            yield step.value


def painted_mask(canvas: object, size: tuple[int, int]) -> Mask:
    """The mask painted on the canvas, for a photograph of `size` (width, height). May be empty."""
    mask = read_mask(canvas)[1]
    if mask.shape != (CANVAS[1], CANVAS[0]):
        raise BadInputError("This canvas was left by another page; please load the page again.")
    left, top, right, bottom = _on_canvas(size)
    return _scaled(mask[top:bottom, left:right], size)


def _on_canvas(size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Where a photograph of `size` stands on the canvas: left, top, right, bottom."""
    scale = min(CANVAS[0] / size[0], CANVAS[1] / size[1])
    width, height = (max(1, round(length * scale)) for length in size)
    left, top = (CANVAS[0] - width) // 2, (CANVAS[1] - height) // 2
    return left, top, left + width, top + height


def uploaded_mask(path: str | None, size: tuple[int, int]) -> Mask:
    """The mask in a picture file, for a photograph of `size`: what is white, or painted on a transparent ground.

    Raises `BadInputError` for files that are no pictures and for masks of another shape than the photograph.
    """
    picture = open_picture(path)
    if abs(picture.width * size[1] / (picture.height * size[0]) - 1) > SAME_SHAPE:
        raise BadInputError(
            f"The mask has {picture.width} x {picture.height} pixels, the picture {size[0]} x {size[1]}; please use a "
            "mask of the same shape."
        )
    seen_through = picture.convert("RGBA").getchannel("A")
    opaque = np.asarray(seen_through) >= OPAQUE_ENOUGH
    if not opaque.all():
        return _scaled(opaque, size)
    return _scaled(np.asarray(on_white(picture).convert("L")) >= OPAQUE_ENOUGH, size)


def _scaled(mask: Mask, size: tuple[int, int]) -> Mask:
    if mask.shape == (size[1], size[0]):
        return mask
    grey = Image.fromarray(mask.astype(np.uint8) * 255)
    # Generous: a line thinner than a pixel of the larger picture must not vanish where the mask was larger.
    return np.asarray(grey.resize(size, Image.Resampling.BILINEAR)) > 64


def canvas_value(photograph: Image.Image, mask: Mask | None = None) -> dict[str, Any]:
    """The value of the canvas: the photograph under the paint of `mask`."""
    left, top, right, bottom = _on_canvas(photograph.size)
    inside = (right - left, bottom - top)
    sheet = Image.new("RGBA", CANVAS)
    sheet.paste(photograph.resize(inside, Image.Resampling.LANCZOS), (left, top))
    background = _keep(sheet, "photograph.webp", quality=90)
    layers = []
    if mask is not None and mask.any():
        layer = Image.new("RGBA", CANVAS, (*PAINT, 0))
        layer.paste((*PAINT, 255), (left, top), Image.fromarray(_scaled(mask, inside)))
        layers.append(_keep(layer, "mask.png"))
    return {"background": background, "layers": layers, "composite": background}


def outlined(photograph: Image.Image, mask: Mask) -> Image.Image:
    """The photograph, at most `SHOWN_SIDE` large, with a line around what is masked."""
    shown = _reduced(photograph, SHOWN_SIDE)
    grey = Image.fromarray(_scaled(mask, shown.size).astype(np.uint8) * 255)
    wide = max(1, max(shown.size) // 400)
    around = np.asarray(grey.filter(ImageFilter.MaxFilter(2 * wide + 1))) > np.asarray(grey)
    shown.paste(PAINT, (0, 0), Image.fromarray(around))
    return shown


def views(filled: Filled) -> tuple[str, str]:
    """Files for the slider: the photograph with the hole outlined, and the filled one."""
    return (
        _keep(outlined(filled.request.image, filled.request.mask), "hole.webp", quality=92),
        _keep(_reduced(filled.image, SHOWN_SIDE), "filled.webp", quality=92),
    )


def keep_draft(picture: Image.Image, name: str) -> str:
    """A small view among the served files."""
    return _keep(_reduced(picture, 400), name, quality=90)


def _reduced(picture: Image.Image, side: int) -> Image.Image:
    reduced = picture.copy()
    reduced.thumbnail((side, side), Image.Resampling.LANCZOS)
    return reduced


def _keep(picture: Image.Image, name: str, **options: int) -> str:
    content = BytesIO()
    picture.save(content, Path(name).suffix[1:], **options)
    return keep_bytes(content.getvalue(), name)
