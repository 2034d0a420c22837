"""Where the gallery keeps what it downloads, and whether it may download at all."""

import os
from collections.abc import Mapping
from pathlib import Path


def default_cache(environment: Mapping[str, str] = os.environ) -> Path:
    """GALLERY_CACHE, or a folder of the gallery's own in the user's cache."""
    if chosen := environment.get("GALLERY_CACHE"):
        return Path(chosen).expanduser()
    return Path(environment.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "deep-generative-models-gallery"


def hub_caches(environment: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Where huggingface_hub keeps what it downloads: by its own variables, and the place in the user's home.

    `preload_from_hub` of a Space writes to the latter whatever HF_HOME says.
    """
    chosen = [environment.get("HF_HUB_CACHE"), environment.get("HF_HOME", "") and f"{environment['HF_HOME']}/hub"]
    return tuple(Path(folder).expanduser() for folder in [*chosen, "~/.cache/huggingface/hub"] if folder)


def offline_wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether GALLERY_OFFLINE forbids the network."""
    return environment.get("GALLERY_OFFLINE", "").lower() in ("1", "true", "yes")
