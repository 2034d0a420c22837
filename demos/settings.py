"""Settings of the gallery: environment variables first, command line over them."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.locations import default_cache, offline_wanted

_OFF = ("", "0", "false", "no", "off")


@dataclass(frozen=True)
class Settings:
    """How one gallery is run. See `app.py --help` for what each setting means."""

    host: str
    port: int
    cache: Path
    memory_gb: float | None
    max_queue: int
    demos: tuple[str, ...]
    offline: bool
    filter: bool
    hosted: bool = False
    compile: bool = False
    frame_ancestors: tuple[str, ...] = ()


def read_settings(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from `arguments` (default: the command line) over `environment`. A wrong value ends the program, as
    argparse does, with a sentence."""
    parser = argparse.ArgumentParser(
        prog="app.py",
        description="A live gallery of deep generative models.",
        epilog="Each option can also be set as an environment variable: GALLERY_HOST, GALLERY_PORT, GALLERY_CACHE, "
        "GALLERY_MEMORY_GB, GALLERY_MAX_QUEUE, GALLERY_DEMOS, GALLERY_OFFLINE, GALLERY_FILTER, GALLERY_HOSTED, "
        "GALLERY_COMPILE, GALLERY_FRAME_ANCESTORS.",
    )

    def setting(name: str, default: str) -> str:
        return environment.get(f"GALLERY_{name}", default)

    # On a Space, which sets SPACE_ID, whoever opens the page is a stranger.
    hosted = setting("HOSTED", environment.get("SPACE_ID", "")).lower() not in _OFF
    # Spaces and container hosts tell Gradio by its own variables where to listen.
    parser.add_argument(
        "--host",
        default=setting("HOST", environment.get("GRADIO_SERVER_NAME", "0.0.0.0" if hosted else "127.0.0.1")),
        help="address to listen on; 0.0.0.0 lets the whole network in (default: %(default)s)",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=setting("PORT", environment.get("GRADIO_SERVER_PORT", "7860")),
        help="port to listen on (default: %(default)s)",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=default_cache(environment),
        help="folder for downloaded weights (default: %(default)s)",
    )
    parser.add_argument(
        "--memory-gb",
        type=float,
        default=setting("MEMORY_GB", "") or None,
        help="gigabytes that loaded models may take; idle ones are unloaded beyond that "
        "(default: half of the main memory, nine tenths of a graphics card)",
    )
    parser.add_argument(
        "--max-queue",
        type=int,
        default=setting("MAX_QUEUE", "300"),
        help="requests that may wait at the same time; further ones are asked to come back (default: %(default)s)",
    )
    parser.add_argument(
        "--demos",
        default=setting("DEMOS", ""),
        help="comma-separated names of the tabs to show, such as speech,language (default: all)",
    )
    parser.add_argument(
        "--offline",
        action="store_true",
        default=offline_wanted(environment),
        help="never use the network: run what has been downloaded, say so for the rest",
    )
    parser.add_argument(
        "--filter",
        action="store_true",
        default=setting("FILTER", "").lower() not in _OFF,
        help="hide coarse words in what the language models write",
    )
    parser.add_argument(
        "--hosted",
        action=argparse.BooleanOptionalAction,
        default=hosted,
        help="for a public address: models of the hub run only at a pinned revision (default: on a Space)",
    )
    parser.add_argument(
        "--compile",
        action="store_true",
        default=setting("COMPILE", "").lower() not in _OFF,
        help="compile the networks that denoise on a graphics card, for quicker pictures later on: the first one of a "
        "model, and of another size or number of pictures, waits for the compiler (ignored on ZeroGPU)",
    )
    parser.add_argument(
        "--frame-ancestors",
        default=setting("FRAME_ANCESTORS", ""),
        help="comma-separated addresses of pages that may show the gallery in a frame, such as "
        "https://lms.example.edu (Hugging Face Spaces always may)",
    )
    chosen = parser.parse_args(arguments)
    if chosen.max_queue < 1:
        parser.error("--max-queue must be at least 1")
    return Settings(
        chosen.host,
        chosen.port,
        chosen.cache.expanduser(),
        chosen.memory_gb,
        chosen.max_queue,
        _listed(chosen.demos),
        chosen.offline,
        chosen.filter,
        chosen.hosted,
        chosen.compile,
        _listed(chosen.frame_ancestors),
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
