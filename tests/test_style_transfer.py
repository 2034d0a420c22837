"""The style networks on their real weights (a few seconds)."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from demos.examples import example
from models.backends.style_transfer import AnyStyle, LearntStyles, load_any_style, load_learnt_styles, with_colours_of
from models.errors import BadInputError
from models.specs.style_transfer import STYLE_NETWORKS
from models.store import WeightStore
from models.styling import LEARNT_STYLES, StyleRequest, Stylised, Stylist, style_number
from tests.conftest import CPU

PHOTO = Image.open(example("castle.jpg")).convert("RGB").resize((144, 96))
WAVE = Image.open(example("great-wave.jpg")).convert("RGB")
VILLAGE = Image.open(example("village-street-in-auvers.jpg")).convert("RGB")


@pytest.fixture(scope="module")
def learnt(store: WeightStore) -> LearntStyles:
    return load_learnt_styles(store.fetch(STYLE_NETWORKS), CPU)


@pytest.fixture(scope="module")
def free(store: WeightStore) -> AnyStyle:
    return load_any_style(store.fetch(STYLE_NETWORKS), CPU)


def painting(stylist: Stylist, request: StyleRequest) -> Image.Image:
    *_, last = stylist.stylise(request)
    assert isinstance(last, Stylised)
    return last.image


def levels(image: Image.Image) -> NDArray[np.float64]:
    return np.asarray(image, np.float64)


def distance(a: Image.Image, b: Image.Image) -> float:
    """Mean difference in levels of 255."""
    return float(np.abs(levels(a) - levels(b)).mean())


@given(width=st.integers(32, 75), height=st.integers(32, 75))
@settings(max_examples=12, deadline=None)
def test_a_painting_is_as_large_as_its_photograph(store: WeightStore, width: int, height: int) -> None:
    stylist = load_learnt_styles(store.fetch(STYLE_NETWORKS), CPU)
    assert painting(stylist, StyleRequest(PHOTO.resize((width, height)), (("Foam", 1),))).size == (width, height)


def test_the_mirrored_border_leaves_no_trace(learnt: LearntStyles) -> None:
    """A width that is not divisible by 4 gives about the same picture: normalisation sees a border of 3 pixels more."""
    whole = painting(learnt, StyleRequest(PHOTO, (("Embers", 1),)))
    narrow = painting(learnt, StyleRequest(PHOTO.crop((0, 0, 141, 96)), (("Embers", 1),)))
    assert distance(whole.crop((0, 0, 100, 96)), narrow.crop((0, 0, 100, 96))) < 6


def test_every_learnt_style_paints_differently(learnt: LearntStyles) -> None:
    paintings = [painting(learnt, StyleRequest(PHOTO, ((name, 1),))) for name in LEARNT_STYLES]
    nearest = min(distance(a, b) for i, a in enumerate(paintings) for b in paintings[:i])
    assert nearest > 10
    assert len(set(LEARNT_STYLES)) == 26


def test_what_is_in_the_photograph_stays_in_place(learnt: LearntStyles, free: AnyStyle) -> None:
    """Edges of the painting lie where those of the photograph lie, not where those of its mirror image do."""

    def edges(image: Image.Image) -> NDArray[np.float64]:
        grey = levels(image.convert("L").resize((48, 32)))
        down, across = np.gradient(grey)
        return np.asarray(np.hypot(down, across)).ravel()

    for made in (
        painting(learnt, StyleRequest(PHOTO, (("Ink and cream", 1),))),
        painting(free, StyleRequest(PHOTO, ((WAVE, 1),))),
    ):
        mirrored = made.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        kept, lost = (np.corrcoef(edges(PHOTO), edges(image))[0, 1] for image in (made, mirrored))
        assert kept > lost + 0.2


def test_strength_fades_to_the_photograph(learnt: LearntStyles) -> None:
    steps = [painting(learnt, StyleRequest(PHOTO, (("Crimson", 1),), strength)) for strength in (0.0, 0.5, 1.0)]
    assert distance(steps[0], PHOTO) == 0
    assert distance(steps[1], PHOTO) == pytest.approx(distance(steps[2], PHOTO) / 2, abs=1)


def test_strength_of_any_style_starts_at_the_own_style(free: AnyStyle) -> None:
    steps = [painting(free, StyleRequest(PHOTO, ((VILLAGE, 1),), strength)) for strength in (0.0, 0.5, 1.0)]
    own = painting(free, StyleRequest(PHOTO, ((PHOTO, 1),)))
    assert distance(steps[0], own) < 1
    assert distance(steps[0], steps[1]) < distance(steps[0], steps[2])


def test_a_blend_lies_between_its_styles(learnt: LearntStyles) -> None:
    embers, foam = (painting(learnt, StyleRequest(PHOTO, ((name, 1),))) for name in ("Embers", "Foam"))
    half = painting(learnt, StyleRequest(PHOTO, (("Embers", 1), ("Foam", 1))))
    assert max(distance(half, embers), distance(half, foam)) < distance(embers, foam)
    # The mixture is made of the styles' numbers, not of their pixels.
    assert distance(half, Image.blend(embers, foam, 0.5)) > 3


def test_shares_are_relative(learnt: LearntStyles, free: AnyStyle) -> None:
    for stylist, one, other in ((learnt, "Embers", "Foam"), (free, WAVE, VILLAGE)):
        a = painting(stylist, StyleRequest(PHOTO, ((one, 3), (other, 1))))
        b = painting(stylist, StyleRequest(PHOTO, ((one, 0.75), (other, 0.25))))
        assert distance(a, b) < 0.1


def test_any_style_takes_its_colours_from_the_style(free: AnyStyle) -> None:
    def warmth(image: Image.Image) -> float:
        red, _, blue = levels(image).mean((0, 1))
        return float(red - blue)

    red, blue = (Image.effect_noise((256, 256), 90).convert("RGB") for _ in range(2))
    red = Image.merge("RGB", (red.getchannel(0), *(red.getchannel(0).point(lambda v: v // 4),) * 2))
    blue = Image.merge("RGB", (*(blue.getchannel(0).point(lambda v: v // 4),) * 2, blue.getchannel(0)))
    assert warmth(painting(free, StyleRequest(PHOTO, ((red, 1),)))) > 20
    assert warmth(painting(free, StyleRequest(PHOTO, ((blue, 1),)))) < -20


def test_kept_colours_are_those_of_the_photograph() -> None:
    # Mid greys can take these colours without leaving the range of RGB.
    grey = Image.new("RGB", (8, 8), (120, 120, 120))
    coloured = Image.new("RGB", (8, 8), (140, 110, 100))
    mixed = with_colours_of(coloured, grey).convert("YCbCr").getpixel((0, 0))
    assert isinstance(mixed, tuple)
    wanted = coloured.convert("YCbCr").getpixel((0, 0))
    assert isinstance(wanted, tuple)
    assert mixed[0] == pytest.approx(120, abs=1)
    assert mixed[1:] == pytest.approx(wanted[1:], abs=1)


@pytest.mark.parametrize("ours", ["learnt", "free"])
def test_keeping_colours_changes_colours_alone(ours: str, request: pytest.FixtureRequest) -> None:
    stylist: Stylist = request.getfixturevalue(ours)
    style = "Crimson" if ours == "learnt" else VILLAGE
    plain = painting(stylist, StyleRequest(PHOTO, ((style, 1),)))
    kept = painting(stylist, StyleRequest(PHOTO, ((style, 1),), keep_colours=True))
    colour = [levels(image.convert("YCbCr"))[..., 1:] for image in (PHOTO, plain, kept)]
    assert np.abs(colour[2] - colour[0]).mean() < np.abs(colour[1] - colour[0]).mean() / 2


@pytest.mark.parametrize(
    ("photo", "styles", "strength", "sentence"),
    [
        (Image.new("RGB", (31, 400)), (("Foam", 1.0),), 1.0, "at least 32"),
        (PHOTO, (), 1.0, "Choose a style"),
        (PHOTO, (("Foam", 0.0),), 1.0, "share"),
        (PHOTO, (("Foam", float("nan")),), 1.0, "share"),
        (PHOTO, (("Foam", 1.0),), 1.1, "strength"),
        (PHOTO, (("Foam", 1.0),), float("nan"), "strength"),
    ],
)
def test_impossible_requests_are_refused(
    photo: Image.Image, styles: tuple[tuple[str, float], ...], strength: float, sentence: str
) -> None:
    with pytest.raises(BadInputError, match=sentence):
        StyleRequest(photo, styles, strength)


def test_each_model_refuses_the_others_styles(learnt: LearntStyles, free: AnyStyle) -> None:
    with pytest.raises(BadInputError, match="26 styles and no others"):
        painting(learnt, StyleRequest(PHOTO, ((WAVE, 1),)))
    with pytest.raises(BadInputError, match="picture as the style"):
        painting(free, StyleRequest(PHOTO, (("Foam", 1),)))


def test_style_names_are_found_in_any_case_and_near_ones_offered() -> None:
    assert style_number(" blue SWIRLS ") == LEARNT_STYLES.index("Blue swirls")
    with pytest.raises(BadInputError, match="Blue swirls"):
        style_number("blue swirl")


def test_a_closed_job_is_over(free: AnyStyle) -> None:
    steps: Iterator[object] = free.stylise(StyleRequest(PHOTO, ((WAVE, 1), (VILLAGE, 1))))
    assert str(next(steps)) == "style read 1 of 2"
    steps.close()  # type: ignore[attr-defined]
    assert list(steps) == []
