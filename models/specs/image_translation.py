"""Models that turn a picture of one kind into one of another."""

from models.spec import ModelSpec

IMAGE_TRANSLATION: tuple[ModelSpec, ...] = ()
