"""How close a picture is to its original: PSNR and SSIM, as papers on super-resolution report them.

Both are taken on luma alone (Y of ITU-R BT.601, 16 for black to 235 for white), with a peak of 255, over the whole
picture: papers often leave out a border as wide as the scale. Colour is not compared. Blur scores well on both: they
reward the mean of all answers, not a likely one.
"""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image

from models.errors import BadInputError

PEAK = 255.0
WINDOW, SIGMA = 11, 1.5
LUMA_WEIGHTS = np.array([65.481, 128.553, 24.966]) / 255
LUMA_OF_BLACK = 16.0


def psnr(picture: Image.Image, original: Image.Image) -> float:
    """Peak signal-to-noise ratio in dB: 10 log10(255² / mean squared error); infinite for equal luma.

    Raises `BadInputError` if the sizes differ.
    """
    x, y = _luma_of_both(picture, original)
    error = float(np.mean((x - y) ** 2))
    return 10 * math.log10(PEAK**2 / error) if error else math.inf


def ssim(picture: Image.Image, original: Image.Image) -> float:
    """Structural similarity (Wang et al. 2004): 1 for equal luma, near 0 for unrelated pictures.

    Means, variances and covariance are taken under a Gaussian window of 11 x 11 pixels, sigma 1.5, wherever it fits
    into the picture; a picture narrower than that is continued by its mirror image. K1 = 0.01, K2 = 0.03.
    Raises `BadInputError` if the sizes differ.
    """
    x, y = (_at_least_a_window(luma) for luma in _luma_of_both(picture, original))
    c1, c2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
    mean_x, mean_y = _blur(x), _blur(y)
    variance_x = _blur(x * x) - mean_x**2
    variance_y = _blur(y * y) - mean_y**2
    covariance = _blur(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    contrast_and_structure = (2 * covariance + c2) / (variance_x + variance_y + c2)
    return float(np.mean(luminance * contrast_and_structure))


def luma(picture: Image.Image) -> NDArray[np.float64]:
    """Y of ITU-R BT.601, (height, width) in [16, 235]."""
    return np.asarray(picture.convert("RGB")) @ LUMA_WEIGHTS + LUMA_OF_BLACK


def _luma_of_both(picture: Image.Image, original: Image.Image) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if picture.size != original.size:
        raise BadInputError(
            f"Only pictures of one size can be compared; these have {picture.width} x {picture.height} and "
            f"{original.width} x {original.height} pixels."
        )
    return luma(picture), luma(original)


def _at_least_a_window(luma: NDArray[np.float64]) -> NDArray[np.float64]:
    missing = [max(WINDOW - length, 0) for length in luma.shape]
    return np.pad(luma, [(lack // 2, lack - lack // 2) for lack in missing], mode="symmetric")


def _blur(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means under the Gaussian window, where it fits: (height, width) -> (height - 10, width - 10)."""
    offsets = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-(offsets**2) / (2 * SIGMA**2))
    weights /= weights.sum()
    for axis in (0, 1):
        x = sliding_window_view(x, WINDOW, axis) @ weights
    return x
