"""`python -m demos.quiz_pictures`: makes the pictures of the DeepFakes quiz, `assets/quiz/`, from published photographs
and with the gallery's own models.

Each pair holds a real picture and a generated one of the same kind. Both go the same way: 512 x 512 px, WebP of one
quality, no metadata, named after a hash, so that neither file name nor format tells which is which.
"""

import hashlib
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from demos import quiz_sources as sources
from demos.quiz_manifest import PICTURES, Half, Pair, write_manifest
from demos.quiz_pairs import REBUILT, TERRAIN_SIGNS, TERRAINS, Box, Rebuilt
from demos.services import make_services
from demos.settings import read_settings
from models.generation import ImageGenerator, SampleRequest, Samples
from models.registry import Registry
from models.relief import relief
from models.tasks import Upscaled, Upscaler, UpscaleRequest

SIDE = 512
SHRUNK = 128
QUALITY = 88
UPSCALER, TERRAIN = "real-esrgan-x4plus", "terrain-consistency"
TERRAIN_SIDE = 128
_REBUILT = "shrunk to a sixteenth of its pixels, the rest invented again"


def make(registry: Registry, cache: Path) -> Iterator[Pair]:
    """Makes the pictures of every pair and writes them to `PICTURES`."""
    with registry.lease(UPSCALER) as lease:
        for plan in REBUILT:
            yield rebuilt_pair(plan, plan.photograph.open(cache), lease.backend)
    heights = sources.measured_heights(cache)
    with registry.lease(TERRAIN) as lease:
        for (top, left), seed, kind in TERRAINS:
            measured = heights[top : top + TERRAIN_SIDE, left : left + TERRAIN_SIDE]
            yield terrain_pair(measured, lease.backend, seed, kind)


def rebuilt_pair(plan: Rebuilt, photograph: Image.Image, upscaler: Upscaler) -> Pair:
    """A pair of which one is rebuilt from its shrunk self."""
    real, original = cut(photograph, plan.real), cut(photograph, plan.fake)
    small = original.resize((SHRUNK, SHRUNK), Image.Resampling.BICUBIC)
    fake = next(step.image for step in upscaler.upscale(UpscaleRequest(small)) if isinstance(step, Upscaled))
    source = plan.photograph
    return Pair(
        plan.id,
        plan.subject,
        "Which one did the camera take, pixel by pixel?",
        plan.difficulty,
        plan.signs,
        Half(keep(real), source.credit, source.licence),
        Half(keep(fake), f"Photograph: {source.credit}; {_REBUILT}", source.licence, UPSCALER),
    )


def cut(photograph: Image.Image, box: Box) -> Image.Image:
    """The square `box` of the photograph at 512 x 512 px."""
    left, top, side = box
    return photograph.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def terrain_pair(measured: NDArray[np.float32], generator: ImageGenerator, seed: int, kind: str) -> Pair:
    """A pair of reliefs: ground as it was measured, and ground that a consistency model has drawn from noise."""
    request = SampleRequest(generator.latents(1, seed), kind)
    drawn = next(step for step in generator.sample(request) if isinstance(step, Samples))
    assert drawn.heights is not None
    return Pair(
        f"terrain-{seed}",
        "a landscape from above",
        "Which one is a map of real ground?",
        "easy",
        TERRAIN_SIGNS,
        Half(keep(drawn_relief(measured)), sources.HEIGHTS_CREDIT, sources.HEIGHTS_LICENCE),
        Half(keep(drawn_relief(drawn.heights[0])), f"kind: {kind}", "CC0-1.0", TERRAIN, seed),
    )


def drawn_relief(heights: NDArray[np.float32]) -> Image.Image:
    """The heights in the same colours and with the same typical slope, whatever their scale."""
    down, right = np.gradient(heights)
    picture = relief(heights[None], cell=float(np.sqrt((down**2 + right**2).mean())) / 0.7)[0]
    return Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def keep(picture: Image.Image) -> str:
    """Writes the picture to `PICTURES` and returns its name, which is a hash of what it shows."""
    content = io.BytesIO()
    picture.save(content, "WEBP", quality=QUALITY, method=6)
    name = f"{hashlib.sha256(content.getvalue()).hexdigest()[:16]}.webp"
    (PICTURES / name).write_bytes(content.getvalue())
    return name


def main() -> None:
    services = make_services(read_settings([]))
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as cache:
        pairs = []
        for pair in make(services.registry, Path(cache)):
            print(pair.id)
            pairs.append(pair)
    write_manifest(pairs)


if __name__ == "__main__":
    main()
