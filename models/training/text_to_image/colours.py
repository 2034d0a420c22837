"""The colours that captions name, in Oklab (Ottosson 2020), where equal steps look equally large."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]

_SRGB = {
    "red": (0.86, 0.12, 0.14),
    "orange": (0.96, 0.52, 0.08),
    "yellow": (0.98, 0.84, 0.12),
    "green": (0.20, 0.68, 0.22),
    "blue": (0.14, 0.40, 0.90),
    "purple": (0.52, 0.20, 0.75),
    "pink": (0.98, 0.50, 0.72),
    "brown": (0.50, 0.30, 0.16),
    "black": (0.12, 0.12, 0.14),
    "white": (0.93, 0.93, 0.95),
    "grey": (0.55, 0.56, 0.58),
    "turquoise": (0.15, 0.75, 0.75),
}
SYNONYMS = {
    "red": ("scarlet", "crimson"),
    "green": ("emerald",),
    "blue": ("azure",),
    "purple": ("violet",),
    "grey": ("gray",),
    "turquoise": ("teal",),
    "yellow": ("golden yellow",),
}
"""Other words for a colour, drawn now and then."""

_TO_CONE = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    np.float32,
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    np.float32,
)


def scaled(picture: Image.Image | NDArray[np.uint8]) -> Floats:
    """Bytes as numbers from 0 to 1."""
    return np.asarray(picture, np.float32) / np.float32(255)


def oklab(srgb: Floats) -> Floats:
    """sRGB [..., 3] in 0 to 1 as lightness (0 to 1), green-red and blue-yellow [..., 3]."""
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    lab: Floats = np.cbrt(linear @ _TO_CONE.T) @ _TO_LAB.T
    return lab.astype(np.float32)


def srgb(lab: Floats) -> Floats:
    """The inverse of `oklab`; what no screen can show is cut off to 0 to 1."""
    linear = ((lab @ np.linalg.inv(_TO_LAB).T) ** 3 @ np.linalg.inv(_TO_CONE).T).clip(0, 1)
    values = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    shown: Floats = values.clip(0, 1).astype(np.float32)
    return shown


COLOURS: dict[str, Floats] = {name: oklab(np.array(values, np.float32)) for name, values in _SRGB.items()}
"""Each colour word with its Oklab coordinates."""

KEPT_CONTRAST = 0.75
"""Share of a picture's lightness contrast that recolouring keeps."""
HIGHLIGHT = 0.88
"""Above this lightness, colour fades to white."""


def recoloured(rgba: Floats, colour: str) -> Floats:
    """The picture [H, W, 4] in 0 to 1 in another colour: its mean becomes the colour, highlights and shadows stay."""
    target = COLOURS[colour]
    lightness = oklab(rgba[..., :3])[..., 0]
    visible = rgba[..., 3] > 0.1
    if not visible.any():
        return rgba
    relief = KEPT_CONTRAST * (lightness - lightness[visible].mean())
    # A dark colour has little room below it, a light one little above: shading is squeezed into what there is.
    room = min(target[0], 1 - target[0]) * 1.6
    shaded = (target[0] + relief.clip(-room, 2 * room)).clip(0.02, 1)
    fading = ((shaded - max(HIGHLIGHT, target[0])) / (1.001 - max(HIGHLIGHT, target[0]))).clip(0, 1)
    tint = target[1:] * (1 - fading)[..., None] * (shaded / target[0]).clip(0.5, 1)[..., None]
    return np.concatenate([srgb(np.concatenate([shaded[..., None], tint], -1)), rgba[..., 3:]], -1)


LIGHTNESS_WEIGHT = 0.5
"""Shading changes lightness more than hue: naming a colour minds it less."""


def nearest_colours(pixels: Floats) -> NDArray[np.str_]:
    """The colour words [N] nearest to the pixels [N, 3], sRGB in 0 to 1."""
    weights = np.array([LIGHTNESS_WEIGHT, 1, 1], np.float32)
    table = np.stack(list(COLOURS.values())) * weights
    distances = np.linalg.norm(oklab(pixels)[:, None] * weights - table[None], axis=-1)
    named: NDArray[np.str_] = np.array(list(COLOURS))[distances.argmin(1)]
    return named
