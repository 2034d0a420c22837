"""CycleGAN's generator: the port on its real weights and on small ones of its own (a few seconds)."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from demos.examples import example
from models.backends.cyclegan import CycleGAN, ResNetGenerator, load_vintage
from models.errors import BadInputError
from models.image_metrics import psnr
from models.specs.image_translation import IMAGE_TRANSLATION, VINTAGE
from models.store import WeightStore
from models.styling import ImageTranslationRequest, TranslatedImage
from models.tasks import Progress
from tests.conftest import CPU

PHOTO = Image.open(example("wall.jpg")).convert("RGB").resize((128, 96))


@pytest.fixture(scope="module")
def vintage(store: WeightStore) -> CycleGAN:
    return load_vintage(store.fetch(VINTAGE), CPU)


def translated(model: CycleGAN, photo: Image.Image) -> Image.Image:
    *_, last = model.translate(ImageTranslationRequest(photo))
    assert isinstance(last, TranslatedImage)
    return last.image


def written_out(weights: dict[str, Tensor], x: Tensor) -> Tensor:
    """The generator once more, from the description in the paper's appendix, without modules."""

    def convolved(x: Tensor, place: str, border: int, normalised: bool = True, **options: int) -> Tensor:
        x = F.pad(x, (border,) * 4, mode="reflect") if border else x
        x = F.conv2d(x, weights[f"{place}.weight"], weights[f"{place}.bias"], **options)
        return norm(x, place) if normalised else x

    def norm(x: Tensor, place: str) -> Tensor:
        *path, number = place.split(".")
        after = ".".join([*path, str(int(number) + 1)])
        mean, variance = x.mean((2, 3), keepdim=True), x.var((2, 3), keepdim=True, unbiased=False)
        scale, shift = (weights[f"{after}.{kind}"][None, :, None, None] for kind in ("weight", "bias"))
        return (x - mean) / (variance + 1e-5).sqrt() * scale + shift

    x = convolved(x, "model.1", 3).relu()
    x = convolved(x, "model.4", 0, stride=2, padding=1).relu()
    x = convolved(x, "model.7", 0, stride=2, padding=1).relu()
    for number in range(10, 19):
        change = convolved(x, f"model.{number}.block.1", 1).relu()
        x = x + convolved(change, f"model.{number}.block.5", 1)
    for place in ("model.19", "model.22"):
        x = F.conv_transpose2d(
            x, weights[f"{place}.weight"], weights[f"{place}.bias"], stride=2, padding=1, output_padding=1
        )
        x = norm(x, place).relu()
    return convolved(x, "model.26", 3, normalised=False).tanh()


def test_the_network_is_the_papers(vintage: CycleGAN) -> None:
    x = torch.rand(1, 3, 40, 56, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode():
        *_, made = vintage.generator.steps(x)
        torch.testing.assert_close(made, written_out(vintage.generator.state_dict(), x), atol=1e-4, rtol=1e-4)


def test_the_spec_counts_its_parameters(vintage: CycleGAN) -> None:
    assert sum(p.numel() for p in vintage.generator.parameters()) == IMAGE_TRANSLATION[0].parameters


def test_a_photograph_turns_warmer_and_keeps_its_shapes(vintage: CycleGAN) -> None:
    made = translated(vintage, PHOTO)
    assert made.size == PHOTO.size

    def warmth(image: Image.Image) -> float:
        red, _, blue = np.asarray(image, np.float64).mean((0, 1))
        return float(red - blue)

    def grey(image: Image.Image) -> NDArray[np.float64]:
        return np.asarray(image.convert("L"), np.float64).ravel()

    assert warmth(made) > warmth(PHOTO) + 5
    assert np.corrcoef(grey(made), grey(PHOTO))[0, 1] > 0.9


def test_bfloat16_shows_no_difference(vintage: CycleGAN, store: WeightStore) -> None:
    half = load_vintage(store.fetch(VINTAGE), replace(CPU, precision="bfloat16"))
    small = PHOTO.resize((PHOTO.width // 2, PHOTO.height // 2))
    assert psnr(translated(half, small), translated(vintage, small)) > 45


@given(width=st.integers(32, 61), height=st.integers(32, 61))
@settings(max_examples=8, deadline=None)
def test_any_size_comes_back(width: int, height: int) -> None:
    small = CycleGAN(ResNetGenerator(blocks=1, features=4), CPU)
    assert translated(small, PHOTO.resize((width, height))).size == (width, height)


def test_progress_counts_the_layers_and_stop_ends_the_work() -> None:
    small = CycleGAN(ResNetGenerator(blocks=2, features=4), CPU)
    *steps, _ = small.translate(ImageTranslationRequest(PHOTO))
    assert [step.done for step in steps if isinstance(step, Progress)] == list(range(1, small.generator.depth + 1))
    running = small.translate(ImageTranslationRequest(PHOTO))
    next(running)
    running.close()
    assert list(running) == []


def test_a_tiny_picture_is_refused() -> None:
    with pytest.raises(BadInputError, match="at least 32"):
        ImageTranslationRequest(Image.new("RGB", (64, 31)))
