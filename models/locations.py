"""Where the gallery keeps what it downloads, and whether it may download at all."""

import os
from collections.abc import Mapping
from pathlib import Path


def default_cache(environment: Mapping[str, str] = os.environ) -> Path:
    """GALLERY_CACHE, or a folder of the gallery's own in the user's cache."""
    if chosen := environment.get("GALLERY_CACHE"):
        return Path(chosen).expanduser()
    return Path(environment.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "deep-generative-models-gallery"


def offline_wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether GALLERY_OFFLINE forbids the network."""
    return environment.get("GALLERY_OFFLINE", "").lower() in ("1", "true", "yes")
