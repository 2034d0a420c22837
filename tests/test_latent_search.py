"""Latent search: what it finds shrinks to the small face, is a face of the generator, and differs."""

from contextlib import closing

import numpy as np
import pytest
import torch
from PIL import Image

from models.backends.dcgan import DCGAN, load_faces
from models.backends.latent_search import _generate, _on_sphere, descend
from models.errors import BadInputError
from models.generation import Pixels
from models.latent_search import Answers, SearchRequest, data_fit_errors, search, shrink
from models.specs.image_generation import DIGIFACE_DCGAN
from models.store import WeightStore
from tests.conftest import CPU


@pytest.fixture(scope="module")
def gan(store: WeightStore) -> DCGAN:
    return load_faces(store.fetch(DIGIFACE_DCGAN), CPU)


def small_face(gan: DCGAN, seed: int) -> Image.Image:
    face = gan.generate(gan.latents(1, seed))
    return Image.fromarray(shrink(face)[0].round().astype(np.uint8))


@pytest.fixture(scope="module")
def found(gan: DCGAN) -> list[Answers]:
    return list(search(gan, SearchRequest(small_face(gan, 2000), answers=4, steps=60, seed=1)))


def test_shrinking_takes_means_of_squares() -> None:
    picture = np.zeros((1, 8, 8, 3), np.uint8)
    picture[0, :4, :4, 0] = np.arange(16).reshape(4, 4) * 10
    assert shrink(picture)[0, 0, 0].tolist() == [75, 0, 0]
    assert shrink(picture)[0, 1:].max() == 0


def test_error_is_in_grey_levels() -> None:
    pictures: Pixels = np.full((2, 64, 64, 3), 100, np.uint8)
    pictures[1] += 7
    errors = data_fit_errors(pictures, Image.new("RGB", (16, 16), (100, 100, 100)))
    assert errors == pytest.approx([0, 7])


def test_places_with_equal_latents_are_the_generator_itself(gan: DCGAN) -> None:
    z = torch.from_numpy(gan.latents(3, 5))
    ours = _generate(gan, z[:, None, None].repeat(1, 4, 4, 1))
    assert torch.allclose(ours, gan.generator(z), atol=1e-4)


def test_search_closes_in_on_the_small_face(gan: DCGAN, found: list[Answers]) -> None:
    assert [answers.step for answers in found] == [10, 20, 30, 40, 50, 60]
    medians = [float(np.median(answers.errors)) for answers in found]
    assert medians[-1] < 0.6 * medians[0]
    assert medians[-1] < 12
    again = data_fit_errors(found[-1].pictures, small_face(gan, 2000))
    assert again == pytest.approx(found[-1].errors), "the errors are those of the pictures shown"


def test_answers_differ_more_than_their_small_versions(found: list[Answers]) -> None:
    pictures = found[-1].pictures.astype(float)
    small = shrink(found[-1].pictures)
    for first, second in [(0, 1), (1, 2), (2, 3)]:
        apart = np.sqrt(((pictures[first] - pictures[second]) ** 2).mean())
        apart_when_small = np.sqrt(((small[first] - small[second]) ** 2).mean())
        assert apart > 1.3 * apart_when_small > 0


def test_same_seed_same_answers(gan: DCGAN) -> None:
    request = SearchRequest(small_face(gan, 2001), answers=2, steps=10, seed=7)
    (first,), (second,) = list(search(gan, request)), list(search(gan, request))
    assert np.abs(first.pictures.astype(int) - second.pictures).max() <= 1


def test_latents_stay_on_the_sphere() -> None:
    latents = _on_sphere(torch.randn(5, 4, 4, 100))
    assert latents.norm(dim=-1) == pytest.approx(10 * np.ones((5, 4, 4)), abs=1e-4)


def test_closing_ends_the_search_and_leaves_the_generator_as_it_was(gan: DCGAN) -> None:
    before = gan.generate(gan.latents(1, 3))
    with closing(descend(gan, SearchRequest(small_face(gan, 2000), answers=2, steps=1000))) as steps:
        assert next(steps).step == 10
    assert np.array_equal(gan.generate(gan.latents(1, 3)), before)
    assert all(weight.grad is None for weight in gan.generator.parameters())


def test_other_sizes_get_a_sentence(gan: DCGAN) -> None:
    with pytest.raises(BadInputError, match="16 x 16"):
        next(search(gan, SearchRequest(Image.new("RGB", (17, 16)))))
