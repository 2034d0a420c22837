"""Models that paint a picture in the style of another."""

from models.spec import ModelSpec

STYLE_TRANSFER: tuple[ModelSpec, ...] = ()
