"""Models that say whether a picture was generated."""

from models.spec import ModelSpec

DETECTION: tuple[ModelSpec, ...] = ()
