"""sRGB and CIELAB (D65): lightness L in [0, 100], and the colour axes a (green to red) and b (blue to yellow)."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]],
    np.float32,
)
_WHITE = np.array([0.95047, 1.0, 1.08883], np.float32)
_FROM_XYZ = np.linalg.inv(_TO_XYZ).astype(np.float32)
_EDGE = 6 / 29


def to_lab(pixels: NDArray[np.uint8]) -> Floats:
    """[..., 3] sRGB bytes to L, a, b."""
    srgb = pixels.astype(np.float32) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _TO_XYZ.T / _WHITE
    x, y, z = np.moveaxis(np.where(xyz > _EDGE**3, np.cbrt(xyz), xyz / (3 * _EDGE**2) + 4 / 29), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1).astype(np.float32)


def from_lab(lab: Floats) -> NDArray[np.uint8]:
    """L, a, b [..., 3] to the nearest sRGB bytes; colours that no screen shows are cut off."""
    linear = np.clip(_linear(lab), 0, 1)
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    pixels: NDArray[np.uint8] = (srgb * 255 + 0.5).astype(np.uint8)
    return pixels


def grey_of(lightness: Floats) -> Floats:
    """Red, green and blue in [0, 1] of the grey of each lightness: [...] to [..., 3]."""
    y = (lightness + 16) / 116
    linear = np.where(y > _EDGE, y**3, 3 * _EDGE**2 * (y - 4 / 29))
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 0) ** (1 / 2.4) - 0.055)
    return np.repeat(srgb[..., None], 3, -1).astype(np.float32)


def within_gamut(lab: Floats) -> Floats:
    """The same lightness and hue [..., 3], with as much of the chroma as a screen shows."""
    shown = lab.copy()
    outside = ~_on_screen(lab)
    lost = lab[outside]
    low, high = np.zeros(len(lost), np.float32), np.ones(len(lost), np.float32)
    for _ in range(9):
        share = (low + high) / 2
        fits = _on_screen(np.concatenate([lost[:, :1], lost[:, 1:] * share[:, None]], 1))
        low, high = np.where(fits, share, low), np.where(fits, high, share)
    shown[outside] = np.concatenate([lost[:, :1], lost[:, 1:] * low[:, None]], 1)
    return shown


def _on_screen(lab: Floats) -> NDArray[np.bool_]:
    """Whether [...] the colour can be shown. Less than a byte's step of tolerance: white itself lies on the edge."""
    linear = _linear(lab)
    shown: NDArray[np.bool_] = np.all((linear >= -2e-4) & (linear <= 1.002), axis=-1)
    return shown


def _linear(lab: Floats) -> Floats:
    """Linear red, green and blue, in [0, 1] for what a screen shows."""
    y = (lab[..., 0] + 16) / 116
    curved = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], -1)
    xyz = np.where(curved > _EDGE, curved**3, 3 * _EDGE**2 * (curved - 4 / 29)) * _WHITE
    linear: Floats = xyz @ _FROM_XYZ.T
    return linear
