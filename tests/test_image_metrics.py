"""PSNR and SSIM against their definitions and against scikit-image."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from models.errors import BadInputError
from models.image_metrics import luma, psnr, ssim

COFFEE = Path(__file__).parent.parent / "assets" / "examples" / "coffee.png"


def noise(seed: int, width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def ssim_by_definition(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Wang et al. 2004, equations 13 to 16, one window after the other."""
    offsets = np.arange(-5, 6)
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))
    window /= window.sum()
    values = []
    for row in range(x.shape[0] - 10):
        for column in range(x.shape[1] - 10):
            a, b = x[row : row + 11, column : column + 11], y[row : row + 11, column : column + 11]
            mean_a, mean_b = (window * a).sum(), (window * b).sum()
            variance_a, variance_b = (window * (a - mean_a) ** 2).sum(), (window * (b - mean_b) ** 2).sum()
            covariance = (window * (a - mean_a) * (b - mean_b)).sum()
            c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
            values.append(
                ((2 * mean_a * mean_b + c1) * (2 * covariance + c2))
                / ((mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2))
            )
    return float(np.mean(values))


def test_luma_of_black_white_and_the_primaries() -> None:
    """The table of ITU-R BT.601, 8 bits."""
    colours = Image.new("RGB", (5, 1))
    colours.putdata([(0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255)])
    np.testing.assert_allclose(luma(colours), [[16, 235, 81.481, 144.553, 40.966]])


def test_equal_pictures() -> None:
    picture = noise(0, 20, 15)
    assert psnr(picture, picture) == math.inf
    assert ssim(picture, picture) == pytest.approx(1)


def test_psnr_of_a_known_error() -> None:
    grey, lighter = Image.new("RGB", (9, 9), (100, 100, 100)), Image.new("RGB", (9, 9), (110, 110, 110))
    assert psnr(lighter, grey) == pytest.approx(20 * math.log10(255 / (10 * 219 / 255)))


def test_ssim_of_two_greys_has_only_the_luminance_term() -> None:
    dark, light = Image.new("RGB", (12, 30), (0, 0, 0)), Image.new("RGB", (12, 30), (255, 255, 255))
    c1 = (0.01 * 255) ** 2
    assert ssim(dark, light) == pytest.approx((2 * 16 * 235 + c1) / (16**2 + 235**2 + c1))


@given(width=st.integers(11, 20), height=st.integers(11, 20), seed=st.integers(0, 1000), mix=st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_ssim_is_the_one_defined(width: int, height: int, seed: int, mix: float) -> None:
    original = noise(seed, width, height)
    picture = Image.blend(original, noise(seed + 1, width, height), mix)
    assert ssim(picture, original) == pytest.approx(ssim_by_definition(luma(picture), luma(original)), abs=1e-9)


def test_same_values_as_scikit_image() -> None:
    """scikit-image 0.26.0 on our luma: data_range=255, gaussian_weights=True, use_sample_covariance=False."""
    original = Image.open(COFFEE).convert("RGB").crop((100, 50, 356, 306))
    picture = original.resize((64, 64), Image.Resampling.BICUBIC).resize((256, 256), Image.Resampling.BICUBIC)
    assert psnr(picture, original) == pytest.approx(28.960618548)
    assert ssim(picture, original) == pytest.approx(0.864798143972)


@given(width=st.integers(1, 25), height=st.integers(1, 25), seed=st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_any_size_and_either_order(width: int, height: int, seed: int) -> None:
    a, b = noise(seed, width, height), noise(seed + 1, width, height)
    assert psnr(a, b) == psnr(b, a)
    assert ssim(a, b) == pytest.approx(ssim(b, a))
    assert -1 <= ssim(a, b) <= 1
    assert ssim(a, a) == pytest.approx(1)


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_different_sizes_get_a_sentence(metric: Callable[[Image.Image, Image.Image], float]) -> None:
    with pytest.raises(BadInputError, match="12 x 11 and 11 x 12"):
        metric(noise(0, 12, 11), noise(0, 11, 12))
