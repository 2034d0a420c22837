"""The models of the progress strip: their mathematics on toy data, and the released weights (about 10 s)."""

import hashlib
import math
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.backends.small_diffusion import (
    HIGHEST_SNR,
    SmallUNet,
    UNetConfig,
    clean_and_noise,
    cosine_snr,
    denoise,
)
from models.backends.small_mixture import Mixture
from models.errors import BadInputError, IntegrityError
from models.registry import Registry
from models.small_pictures import (
    LABELS,
    LARGEST_COUNT,
    SIDE,
    Denoised,
    SmallPictureGenerator,
    SmallPictureRequest,
    SmallPictures,
)
from models.specs.progress import PROGRESS
from models.training.progress import density, diffusion, gan, vae
from models.training.progress.judge import frechet
from models.training.progress.release import nearest
from models.training.small_pictures import PictureSet, _checked

KINDS = tuple(spec.id for spec in PROGRESS)


def bars(count: int, seed: int = 0) -> PictureSet:
    """Pictures of one bright bar at one of ten heights: a set that a model learns in seconds."""
    random = np.random.default_rng(seed)
    labels = random.integers(10, size=count)
    pictures = random.integers(0, 30, (count, SIDE, SIDE), np.uint8)
    for picture, label in zip(pictures, labels, strict=True):
        picture[2 + 2 * label : 6 + 2 * label] = 220
    return PictureSet(pictures, labels, pictures[: count // 5], labels[: count // 5])


def drawn_by(backend: SmallPictureGenerator, request: SmallPictureRequest) -> NDArray[np.uint8]:
    *_, last = backend.sample(request)
    assert isinstance(last, SmallPictures)
    return last.pictures


@pytest.mark.parametrize("model", KINDS)
@pytest.mark.parametrize("data", LABELS)
def test_released_weights_draw_varied_pictures_that_follow_from_the_seed(
    registry: Registry, model: str, data: str
) -> None:
    with registry.lease(model) as lease:
        pictures = drawn_by(lease.backend, SmallPictureRequest(data, 8, seed=5, steps=4))
        again = drawn_by(lease.backend, SmallPictureRequest(data, 8, seed=5, steps=4))
        others = drawn_by(lease.backend, SmallPictureRequest(data, 8, seed=6, steps=4))
    assert pictures.shape == (8, SIDE, SIDE)
    assert pictures.dtype == np.uint8
    assert (pictures == again).all()
    assert (pictures != others).any()
    # Neither one picture eight times, nor empty ones: things stand bright on black.
    assert pictures.std(0).mean() > 15
    assert pictures.max((1, 2)).mean() > 150
    assert pictures[:, :2, :2].mean() < 40


def test_the_two_sets_of_pictures_look_as_different_as_they_are(registry: Registry) -> None:
    for model in KINDS:
        with registry.lease(model) as lease:
            fashion, digits = (drawn_by(lease.backend, SmallPictureRequest(d, 32, 1, 4)) for d in LABELS)
        assert fashion.mean() > 1.3 * digits.mean()  # clothes fill their square, strokes do not


@pytest.mark.parametrize(
    ("data", "count", "steps"),
    [("birds", 8, 25), ("digits", 0, 25), ("digits", LARGEST_COUNT + 1, 25), ("digits", 8, 0)],
)
def test_impossible_requests_get_a_sentence(data: str, count: int, steps: int) -> None:
    with pytest.raises(BadInputError):
        SmallPictureRequest(data, count, 0, steps)


def test_denoising_tells_every_step_and_ends_at_what_it_foresees(registry: Registry) -> None:
    with registry.lease("progress-diffusion") as lease:
        *steps, last = lease.backend.sample(SmallPictureRequest("digits", 2, 3, steps=6))
    assert all(isinstance(step, Denoised) for step in steps)
    films = cast(list[Denoised], steps)
    assert [film.done for film in films] == list(range(7))
    assert all(earlier.noise_share > later.noise_share for earlier, later in pairwise(films))
    assert (films[0].noise_share, films[-1].noise_share) == (1.0, 0.0)
    assert (films[-1].noisy == films[-1].foreseen).all()
    assert (films[-1].noisy == last.pictures).all()
    # The noise on the way is real: neighbouring pixels of x_t differ far more than those of the result.
    rough = [np.abs(np.diff(film.noisy.astype(float))).mean() for film in films]
    assert rough[0] > 2 * rough[-1]


def test_a_stopped_denoising_run_stops_at_once(registry: Registry) -> None:
    with registry.lease("progress-diffusion") as lease:
        calls: list[int] = []
        hook = lease.backend.network.register_forward_hook(lambda *_: calls.append(1))
        steps = lease.backend.sample(SmallPictureRequest("digits", 1, 0, steps=50))
        next(steps)
        next(steps)
        steps.close()
        hook.remove()
    assert len(calls) <= 2


def test_a_perfect_denoiser_lands_on_its_picture() -> None:
    truth = torch.linspace(-1, 1, SIDE * SIDE).view(1, 1, SIDE, SIDE)

    class Oracle(nn.Module):
        def forward(self, noisy: Tensor, snr: Tensor, labels: Tensor) -> Tensor:
            alpha, sigma = snr.sigmoid().sqrt(), (-snr).sigmoid().sqrt()
            noise = (noisy - alpha * truth) / sigma
            return alpha * noise - sigma * truth

    noise = torch.randn(1, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    *_, (share, result, _) = denoise(Oracle(), noise, torch.zeros(1, dtype=torch.long), 5)
    assert share == 0.0
    assert torch.allclose(result, truth, atol=1e-3)


def test_velocity_gives_back_picture_and_noise() -> None:
    clean, noise = torch.randn(2, 3, 1, 4, 4).unbind(0)
    snr = cosine_snr(torch.tensor([0.0, 0.3, 1.0]))
    assert torch.allclose(snr[[0, 2]], torch.tensor([HIGHEST_SNR, -HIGHEST_SNR]), atol=1e-3)
    alpha, sigma = snr.sigmoid().sqrt()[:, None, None, None], (-snr).sigmoid().sqrt()[:, None, None, None]
    found = clean_and_noise(alpha * clean + sigma * noise, alpha * noise - sigma * clean, snr)
    assert all(torch.allclose(*pair, atol=1e-5) for pair in zip(found, (clean, noise), strict=True))


def test_the_bound_of_a_clueless_denoiser_is_worse_than_that_of_an_oracle() -> None:
    pictures = torch.tensor(bars(40).train)
    labels = torch.zeros(40, dtype=torch.long)

    class Knows(nn.Module):
        """Foresees `share` times the truth."""

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

        def forward(self, noisy: Tensor, snr: Tensor, labels: Tensor) -> Tensor:
            alpha, sigma = snr.sigmoid().sqrt()[:, None, None, None], (-snr).sigmoid().sqrt()[:, None, None, None]
            truth = self.share * (pictures[:, None].float() / 127.5 - 1)
            return (alpha * noisy - truth) / sigma

    oracle, clueless = (diffusion.bits(Knows(share), pictures, labels) for share in (1.0, 0.9))
    # Knowing the picture, only the two ends of the path and the class cost anything.
    assert 0 < oracle < 2 < clueless


def test_mixture_density_and_em() -> None:
    mixture = Mixture(np.array([0.3, 0.7]), np.array([[0.2, 0.5], [0.8, 0.1]]), np.array([[0.1, 0.2], [0.3, 0.1]]))
    point = np.array([0.4, 0.3])
    by_hand = 0.0
    for weight, mean, deviation in zip(mixture.weights, mixture.means, mixture.deviations, strict=True):
        each = np.exp(-0.5 * ((point - mean) / deviation) ** 2) / (deviation * math.sqrt(2 * math.pi))
        by_hand += weight * each.prod()
    assert density.log_sum(mixture.log_joint(point[None]))[0] == pytest.approx(math.log(by_hand))

    pictures = bars(400).train
    few, many = (density.fit_mixture(pictures, components=10, steps=steps) for steps in (1, 8))
    assert density.mixture_bits(many, pictures) < density.mixture_bits(few, pictures) < density.MOST_BITS
    assert many.weights.sum() == pytest.approx(1)


def test_plane_is_the_best_one_and_its_density_is_right() -> None:
    pictures = bars(300).train
    plane, variance = density.fit_plane(pictures, directions=9)
    points = density.spread(pictures) - plane.mean
    lengths = np.linalg.norm(plane.directions, axis=0)
    inside = (points @ (plane.directions / lengths)) ** 2
    assert inside.sum() > 0.9 * (points**2).sum()  # ten heights of a bar span nine directions
    covariance = plane.directions @ plane.directions.T + variance * np.eye(784)
    _, logarithm = np.linalg.slogdet(2 * math.pi * covariance)
    squares = np.einsum("ni,ij,nj->n", points, np.linalg.inv(covariance), points)
    expected = density.bits_per_pixel(-0.5 * (squares + logarithm))
    assert density.plane_bits(plane, variance, pictures) == pytest.approx(expected, rel=1e-6)


def test_frechet_distance_of_normals() -> None:
    mean, covariance = np.array([1.0, 2.0]), np.array([[2.0, 0.5], [0.5, 1.0]])
    assert frechet(mean, covariance, mean, covariance) == pytest.approx(0, abs=1e-9)
    # For diagonal covariances it is the squared distance of means plus that of deviations.
    assert frechet(mean, np.diag([4.0, 9.0]), mean + 1, np.diag([1.0, 1.0])) == pytest.approx(2 + 1 + 4)


def test_nearest_training_picture_sees_a_copy() -> None:
    known = bars(50).train
    assert nearest(known[:9], known) == pytest.approx(0, abs=0.05)
    assert nearest(255 - known[:9], known) > 50


def test_training_learns_and_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    pictures = bars(200)
    held_out = torch.tensor(pictures.held_out)
    early = vae.bits(vae.train(tmp_path, "bars", pictures, steps=1), held_out)
    run = vae.train(tmp_path, "bars", pictures, steps=40)
    assert run.done == 40
    later = vae.bits(run, held_out)
    assert later < early - 0.1
    # Nothing is left to do, and what was learnt is back.
    assert vae.bits(vae.train(tmp_path, "bars", pictures, steps=40), held_out) == later


def test_adversarial_training_moves_both_players(tmp_path: Path) -> None:
    torch.manual_seed(0)
    run = gan.train(tmp_path, "bars", bars(200), steps=3)
    settled = gan.settled_generator(run)
    with torch.no_grad():
        drawn = settled(torch.randn(4, 64))
    assert drawn.shape == (4, 1, SIDE, SIDE)
    assert drawn.isfinite().all()
    assert run.done == 3


def test_network_starts_from_shortcuts_and_tells_classes_apart() -> None:
    torch.manual_seed(0)
    network = SmallUNet(UNetConfig(width=16))
    noisy, snr = torch.randn(2, 1, SIDE, SIDE), torch.zeros(2)
    assert network(noisy, snr, torch.tensor([0, 19])).shape == noisy.shape
    with pytest.raises(IndexError):
        network(noisy, snr, torch.tensor([0, 20]))


def test_data_that_differs_from_the_pinned_is_refused() -> None:
    content = b"pictures"
    assert _checked(content, hashlib.sha256(content).hexdigest(), "file") == content
    with pytest.raises(IntegrityError, match="file"):
        _checked(content + b"!", hashlib.sha256(content).hexdigest(), "file")


def test_specs_say_how_many_numbers_each_model_holds() -> None:
    for spec in PROGRESS:
        module = import_module(spec.loader.partition(":")[0])
        assert module.__doc__
        bytes_for_numbers = 2 * spec.parameters
        assert bytes_for_numbers <= spec.weights.size < 1.02 * bytes_for_numbers + 10_000
