"""The DCGAN backends on their real weights (15 and 52 MB): shapes, seeds, conditions, gradients."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from models.backends.dcgan import DCGAN, GeneratorNet
from models.errors import BadInputError
from models.generation import SampleRequest, Samples, draw_latents
from models.registry import Registry
from models.specs.image_generation import LABELS
from models.tasks import Progress


@pytest.fixture(scope="module")
def faces(registry: Registry) -> Iterator[DCGAN]:
    with registry.lease("dcgan-faces") as lease:
        yield lease.backend


@pytest.fixture(scope="module")
def eyes(registry: Registry) -> Iterator[DCGAN]:
    with registry.lease("omniart-eyes") as lease:
        yield lease.backend


def test_a_seed_means_the_same_latents_whatever_the_count() -> None:
    assert np.array_equal(draw_latents(3, 100, 7), draw_latents(16, 100, 7)[:3])
    assert not np.array_equal(draw_latents(3, 100, 7), draw_latents(3, 100, 8))
    assert abs(float(draw_latents(500, 100, 0).std()) - 1) < 0.02


def test_faces_are_pictures_and_progress_is_told(faces: DCGAN) -> None:
    *steps, samples = faces.sample(SampleRequest(faces.latents(20, 1)))
    assert steps == [Progress("picture", 16, 20), Progress("picture", 20, 20)]
    assert isinstance(samples, Samples)
    assert samples.pictures.shape == (20, 64, 64, 3)
    assert samples.pictures.dtype == np.uint8
    # Neither flat nor noise: neighbouring pixels of a face are far more alike than pixels of two faces.
    levels = samples.pictures.astype(float)
    assert np.abs(np.diff(levels, axis=1)).mean() < 0.25 * np.abs(levels[1:] - levels[:-1]).mean()


def test_pictures_do_not_depend_on_the_batch(faces: DCGAN) -> None:
    latents = faces.latents(20, 3)
    together = next(step for step in faces.sample(SampleRequest(latents)) if isinstance(step, Samples)).pictures
    alone = faces.generate(latents[17:18])
    assert np.abs(together[17].astype(int) - alone[0].astype(int)).max() <= 1


def test_gradients_reach_the_latents_and_no_weight(faces: DCGAN) -> None:
    latents = torch.from_numpy(faces.latents(2, 5)).requires_grad_()
    pictures = faces.generator(latents)
    assert pictures.shape == (2, 3, 64, 64)
    assert pictures.abs().max() <= 1
    pictures.square().mean().backward()
    assert latents.grad is not None
    assert latents.grad.abs().sum() > 0
    assert not any(weight.requires_grad for weight in faces.generator.parameters())


def test_asked_for_a_colour_the_eyes_take_it_on(eyes: DCGAN) -> None:
    latents = eyes.latents(16, 0)
    red, green, blue = (eyes.generate(latents, colour).mean((0, 1, 2)) for colour in ("red", "green", "blue"))
    assert red[0] - red[2] > blue[0] - blue[2]
    assert green[1] - green[0] > red[1] - red[0]
    grey = eyes.generate(latents, "grayscale").astype(int)
    assert np.abs(grey[..., 0] - grey[..., 2]).mean() < 0.5 * np.abs(eyes.generate(latents, "red") - grey).mean()


def test_labels_in_the_picker_are_those_of_the_backend(eyes: DCGAN, faces: DCGAN) -> None:
    assert LABELS["omniart-eyes"] == eyes.labels
    assert faces.labels == ()
    assert "dcgan-faces" not in LABELS


def test_wrong_requests_get_a_sentence(eyes: DCGAN, faces: DCGAN) -> None:
    with pytest.raises(BadInputError, match="amber, blue"):
        list(eyes.sample(SampleRequest(eyes.latents(1, 0), "purple")))
    with pytest.raises(BadInputError, match="amber, blue"):
        list(eyes.sample(SampleRequest(eyes.latents(1, 0))))
    with pytest.raises(BadInputError, match="anything in particular"):
        list(faces.sample(SampleRequest(faces.latents(1, 0), "blue")))
    with pytest.raises(BadInputError, match="100 numbers"):
        list(faces.sample(SampleRequest(np.zeros((1, 3), np.float32))))
    with pytest.raises(BadInputError, match="100 numbers"):
        list(faces.sample(SampleRequest(np.zeros((0, 100), np.float32))))


def test_every_layer_doubles_the_side() -> None:
    net = GeneratorNet(5, widths=(8, 4)).eval()
    assert net(torch.zeros(2, 5)).shape == (2, 3, 16, 16)
    assert net.image_size == 16


def test_parameters_in_the_catalog_are_counted(registry: Registry, faces: DCGAN, eyes: DCGAN) -> None:
    for name, backend in {"dcgan-faces": faces, "omniart-eyes": eyes}.items():
        assert registry[name].parameters == sum(weight.numel() for weight in backend.generator.parameters())
