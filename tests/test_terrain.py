"""The terrain backend on its real weights (45 MB), and the relief drawn of any height map."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.backends.terrain import HEIGHT_RANGE, Terrain
from models.errors import BadInputError
from models.generation import SampleRequest, Samples
from models.registry import Registry
from models.relief import TINTS, relief
from models.specs.image_generation import LABELS
from models.tasks import Progress


@pytest.fixture(scope="module")
def terrain(registry: Registry) -> Iterator[Terrain]:
    with registry.lease("terrain-consistency") as lease:
        yield lease.backend


def test_one_step_makes_ground_and_not_noise(terrain: Terrain) -> None:
    *steps, samples = terrain.sample(SampleRequest(terrain.latents(5, 0), "difficulty 50"))
    assert steps == [Progress("height map", 4, 5), Progress("height map", 5, 5)]
    assert isinstance(samples, Samples)
    assert samples.heights is not None
    assert samples.heights.shape == (5, 128, 128)
    assert samples.pictures.shape == (5, 128, 128, 3)
    assert samples.heights.min((1, 2)).tolist() == [0] * 5
    assert 0 < samples.heights.max() <= HEIGHT_RANGE
    inner = samples.heights[:, 4:-4, 4:-4]
    assert np.abs(np.diff(inner, axis=1)).mean() < 0.1 * inner.std((1, 2)).mean(), "smooth from pixel to pixel"


def test_the_more_difficult_the_higher(terrain: Terrain) -> None:
    latents = terrain.latents(3, 0)
    tops = [terrain.heights(latents, level).max((1, 2)).mean() for level in (1, 50, 100)]
    assert tops[0] < tops[1] < tops[2]


def test_the_same_noise_gives_the_same_ground(terrain: Terrain) -> None:
    latents = terrain.latents(2, 4)
    assert np.allclose(terrain.heights(latents, 25)[1], terrain.heights(latents[1:], 25)[0], atol=1e-4)


def test_labels_in_the_picker_are_those_of_the_backend(terrain: Terrain) -> None:
    assert LABELS["terrain-consistency"] == terrain.labels


def test_wrong_requests_get_a_sentence(terrain: Terrain) -> None:
    with pytest.raises(BadInputError, match="difficulty 1, difficulty 25"):
        list(terrain.sample(SampleRequest(terrain.latents(1, 0), "difficulty 101")))
    with pytest.raises(BadInputError, match="16384 numbers"):
        list(terrain.sample(SampleRequest(np.zeros((1, 100), np.float32), "difficulty 1")))


@settings(deadline=None)
@given(
    height=st.floats(0, 1000, width=32),
    size=st.integers(2, 6),
    seed=st.integers(0, 9),
    cell=st.floats(0.125, 10, width=32),
)
def test_any_height_map_has_a_relief(height: float, size: int, seed: int, cell: float) -> None:
    heights = np.random.default_rng(seed).random((1, size, size), dtype=np.float32) * np.float32(height)
    picture = relief(heights, cell)
    assert picture.shape == (1, size, size, 3)
    assert picture.dtype == np.uint8


def test_a_plain_has_the_tint_of_valleys_and_slopes_catch_the_light() -> None:
    plain = relief(np.zeros((1, 8, 8), np.float32), 1.0)
    assert np.abs(plain[0, 4, 4].astype(int) - TINTS[0]).max() <= 1
    rise = np.linspace(0, 4, 8, dtype=np.float32)
    ascending = relief(np.tile(rise, (1, 8, 1)), 1.0)[0, 4, 4].astype(int)  # rises to the east: it faces the light
    descending = relief(np.tile(rise[::-1], (1, 8, 1)), 1.0)[0, 4, 3].astype(int)
    assert ascending.sum() > descending.sum()
