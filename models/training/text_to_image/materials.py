"""What a thing can be made of: its outline and shading stay, its surface becomes another."""

import random
from collections.abc import Callable

import numpy as np
from PIL import Image

from models.training.text_to_image.colours import Floats, oklab, scaled, srgb

SHADING = 0.8
"""Share of the thing's own lightness contrast that shows through a material."""


def surfaced(thing: Floats, surface: Floats) -> Floats:
    """`thing` [H, W, 4] with the colours of `surface` [H, W, 3], all in 0 to 1."""
    lab = oklab(surface)
    visible = thing[..., 3] > 0.1
    lightness = oklab(thing[..., :3])[..., 0]
    relief = SHADING * (lightness - lightness[visible].mean()) if visible.any() else np.zeros_like(lightness)
    lab[..., 0] = (lab[..., 0] + relief).clip(0.05, 1)
    return np.concatenate([srgb(lab), thing[..., 3:]], -1)


def stretched(picture: Floats, height: int, width: int) -> Floats:
    """The cut-out `picture` [h, w, 4] over the whole of [height, width, 3]; its mean colour where it is see-through."""
    alpha = picture[..., 3:]
    mean = (picture[..., :3] * alpha).sum((0, 1)) / max(alpha.sum(), 1e-6)
    return _resized(picture[..., :3] * alpha + mean * (1 - alpha), height, width)


def tiled(picture: Floats, height: int, width: int) -> Floats:
    """The inside of the cut-out, laid out again and again, every other time mirrored so that no seam shows."""
    rows, columns = picture.shape[:2]
    inside = picture[rows // 4 : rows - rows // 4, columns // 4 : columns - columns // 4]
    tile = stretched(inside, 24, 24)
    tile = np.concatenate([tile, tile[:, ::-1]], 1)
    tile = np.concatenate([tile, tile[::-1]], 0)
    return np.tile(tile, (height // 48 + 1, width // 48 + 1, 1))[:height, :width]


def wood(height: int, width: int, draw: random.Random) -> Floats:
    """Grain: waves along the rows, bent a little."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    bent = y + draw.uniform(2, 5) * np.sin(x / draw.uniform(12, 25) + draw.uniform(0, 6))
    grain = 0.5 + 0.5 * np.sin(bent * draw.uniform(0.7, 1.1))
    return _between((0.42, 0.25, 0.11), (0.74, 0.51, 0.28), grain)


def bricks(height: int, width: int, draw: random.Random) -> Floats:
    """Rows of bricks, every other shifted by half, with mortar between."""
    y, x = np.mgrid[:height, :width]
    tall, wide = draw.randint(9, 12), draw.randint(18, 24)
    row = y // tall
    mortar = (y % tall < 2) | ((x + row % 2 * wide // 2) % wide < 2)
    shade = ((row * 7 + (x + row % 2 * wide // 2) // wide * 5) % 4).astype(np.float32) / np.float32(3)
    surface = _between((0.58, 0.20, 0.13), (0.76, 0.33, 0.22), shade)
    surface[mortar] = (0.84, 0.80, 0.74)
    return surface


def stone(height: int, width: int, draw: random.Random) -> Floats:
    """Blotches of grey on two scales."""
    noise = np.random.default_rng(draw.getrandbits(32))
    coarse, fine = (_resized(noise.random((side, side, 3), np.float32), height, width)[..., 0] for side in (6, 16))
    return _between((0.38, 0.38, 0.40), (0.78, 0.77, 0.74), (coarse + fine) / np.float32(2))


MATERIALS: dict[str, Callable[[int, int, random.Random], Floats]] = {"wood": wood, "bricks": bricks, "stone": stone}


def _between(dark: tuple[float, float, float], light: tuple[float, float, float], share: Floats) -> Floats:
    low, high = np.array(dark, np.float32), np.array(light, np.float32)
    return low + (high - low) * share[..., None]


def _resized(picture: Floats, height: int, width: int) -> Floats:
    image = Image.fromarray((picture.clip(0, 1) * 255).astype(np.uint8))
    return scaled(image.resize((width, height), Image.Resampling.BICUBIC))
