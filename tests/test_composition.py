"""Composed scenes and the judge of composition, on drawn shapes instead of packages: a few seconds."""

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from models.backends.pixel_dit import TEXT_TOKENS, CaptionEncoder, TextStates
from models.training.caption_dataset import Batch
from models.training.captioned_pictures import SIZE
from models.training.text_to_image import composer as composing
from models.training.text_to_image import held_out
from models.training.text_to_image.colours import COLOURS, SYNONYMS, nearest_colours, oklab, recoloured, srgb
from models.training.text_to_image.composed_data import MixedPictures, Scenes, scenes_of
from models.training.text_to_image.composer import Composer, Scene
from models.training.text_to_image.cutouts import Cutout, Cutouts
from models.training.text_to_image.judge import (
    RELATIONS,
    Pixels,
    diversity,
    foreground,
    has_colour,
    has_number,
    has_place,
    has_size,
    questions,
    regions,
)
from models.training.text_to_image.lettering import lettered
from models.training.text_to_image.phrases import plural


def ball(*names: str, category: str = "") -> Cutout:
    """A shaded grey ball with a highlight."""
    image = Image.new("RGBA", (60, 60))
    draw = ImageDraw.Draw(image)
    for step in range(30):
        draw.ellipse((step, step, 59 - step, 59 - step), (70 + 4 * step, 75 + 4 * step, 80 + 4 * step, 255))
    draw.ellipse((18, 12, 24, 18), (255, 255, 255, 255))
    return Cutout(image, names, "3d emoji", category)


@pytest.fixture
def composer() -> Composer:
    things = [
        ball("cat", category="animal mammal"),
        ball("apple", "red apple", category="food fruit"),
        ball("top hat"),
        ball("dog", category="animal mammal"),
        ball("cake"),
        ball("banana", category="food fruit"),
        ball("shop"),
        ball("chair", "armchair"),
        ball("avocado", category="food fruit"),
    ]
    return Composer(Cutouts.of(things))


def scenes(composer: Composer, kind: str, count: int) -> list[Scene]:
    """The first scenes of one kind."""
    found: list[Scene] = []
    for seed in range(100_000):
        scene = composer.scene(seed)
        if scene.kind == kind:
            found.append(scene)
        if len(found) == count:
            break
    return found


def picture(*discs: tuple[int, int, int, str]) -> Pixels:
    """Discs (x, y, radius, colour as Pillow knows it) on white."""
    image = Image.new("RGB", (SIZE, SIZE), "white")
    for x, y, radius, colour in discs:
        ImageDraw.Draw(image).ellipse((x - radius, y - radius, x + radius, y + radius), colour)
    return np.asarray(image)


RED, BLUE = "#db1f24", "#2466e6"
red_from_blue = partial(has_place, first="red", second="blue")


def test_oklab_and_back() -> None:
    values = np.random.default_rng(0).random((50, 3), np.float32)
    np.testing.assert_allclose(srgb(oklab(values)), values, atol=2e-3)
    np.testing.assert_allclose(oklab(np.ones(3, np.float32)), [1, 0, 0], atol=1e-3)


@pytest.mark.parametrize("colour", COLOURS)
def test_recoloured_things_have_the_colour_and_keep_relief(colour: str) -> None:
    grey = ball("ball").pixels
    shown = recoloured(grey, colour)
    visible = grey[..., 3] > 0.9
    assert (nearest_colours(shown[..., :3][visible]) == colour).mean() > 0.6
    assert oklab(shown[..., :3])[visible][:, 0].std() > 0.02
    np.testing.assert_array_equal(shown[..., 3], grey[..., 3])


@pytest.mark.parametrize("colour", ["red", "green", "blue", "yellow", "purple"])
def test_highlights_stay_white(colour: str) -> None:
    shown = recoloured(ball("ball").pixels, colour)
    assert shown[14, 21, :3].min() > shown[45, 30, :3].min() + 0.1


@pytest.mark.parametrize(
    ("one", "more"),
    [
        ("apple", "apples"),
        ("cherry", "cherries"),
        ("monkey", "monkeys"),
        ("red fox", "red foxes"),
        ("mouse", "mice"),
        ("fish", "fish"),
        ("slice of pizza", "slices of pizza"),
        ("bus", "buses"),
        ("tomato", "tomatoes"),
    ],
)
def test_plurals(one: str, more: str) -> None:
    assert plural(one) == more


def test_scenes_follow_from_their_seed_and_differ(composer: Composer) -> None:
    one, again = composer.scene(7), composer.scene(7)
    assert one.caption == again.caption
    np.testing.assert_array_equal(one.pixels, again.pixels)
    some = [composer.scene(seed) for seed in range(400)]
    assert {scene.kind for scene in some} == set(composing.SHARES)
    assert len({scene.pixels.tobytes() for scene in some}) > 360
    assert all(scene.pixels.shape == (SIZE, SIZE, 3) for scene in some)
    assert max(len(scene.caption.split()) for scene in some) <= composing.LONGEST_CAPTION


def test_the_judge_finds_composed_colours_and_numbers_right(composer: Composer) -> None:
    """A round trip: what the composer makes is what the judge asks for."""
    synonyms = {other: colour for colour, others in SYNONYMS.items() for other in others}
    for scene in scenes(composer, "colour", 40):
        words = scene.caption.replace("golden ", "").split()
        colour = synonyms.get(words[1], words[1])
        if colour not in ("white", "grey"):
            assert has_colour(scene.pixels, colour), scene.caption
    numbers = {"two": 2, "2": 2, "a": 2, "three": 3, "3": 3, "four": 4, "4": 4}
    for scene in scenes(composer, "number", 40):
        if "white" not in scene.caption:
            assert has_number(scene.pixels, numbers[scene.caption.split()[0]]), scene.caption
    for scene in scenes(composer, "size", 40):
        if "white" not in scene.caption:
            big = any(word in scene.caption for word in ("big", "large", "huge", "giant"))
            assert has_size(scene.pixels, "big" if big else "small"), scene.caption


def test_what_is_said_to_be_left_is_left(composer: Composer) -> None:
    """The relation in words against the pixels, for pairs of two colours that are told apart."""
    seen = set()
    for scene in scenes(composer, "place", 1600):
        colours = [word for word in scene.caption.split() if word in {"orange", "purple", "blue", "green", "yellow"}]
        if len(colours) == 2 and colours[0] != colours[1]:
            for words, (dx, dy) in RELATIONS:
                if f" {words} " in scene.caption:
                    assert has_place(scene.pixels, colours[0], colours[1], dx, dy), scene.caption
                    seen.add(words)
    assert seen == {words for words, _ in RELATIONS}


def test_no_thing_has_two_colours(composer: Composer) -> None:
    apples = [scene.caption for scene in scenes(composer, "colour", 300) if "apple" in scene.caption]
    assert apples
    assert all("red apple" not in caption or caption.split()[1] == "red" for caption in apples)


def test_held_out_pairs_never_meet(composer: Composer) -> None:
    captions = [composer.scene(seed).caption for seed in range(3000)]
    for caption in captions:
        words = set(caption.replace(",", "").split())
        assert not {"cat", "cake"} <= words, caption
        assert not {"apple", "banana"} <= words, caption
        assert "green cat" not in caption
        assert "blue apple" not in caption
        assert "azure apple" not in caption
        assert "three apples" not in caption
        assert not {"armchair", "avocado"} <= words, caption
    # They are met apart from each other: it is the pair that is held out.
    assert any("green banana" in c for c in captions)
    assert any("red cat" in c or "scarlet cat" in c for c in captions)


def test_a_pair_is_held_out_for_every_name_of_a_thing() -> None:
    assert held_out.is_held_out("green", ("kitty", "cat face"), held_out.COLOURS)
    assert not held_out.is_held_out("red", ("kitty", "cat face"), held_out.COLOURS)
    assert held_out.must_not_meet(("avocado",), ("chair", "armchair"))
    assert held_out.must_not_meet(("armchair",), ("avocado",))
    assert not held_out.must_not_meet(("armchair",), ("apple",))


def test_there_is_a_question_for_every_held_out_pair() -> None:
    asked = questions()
    assert len(asked) == len({question.prompt for question in asked}) >= 60
    assert {question.kind for question in asked} == {"colour", "number", "place", "size"}
    assert "three green apples" in {question.prompt for question in asked}


def test_regions_count_things_and_not_specks() -> None:
    two = picture((16, 32, 10, RED), (48, 32, 8, RED), (32, 60, 1, RED))
    assert len(regions(foreground(two))) == 2
    assert regions(np.zeros((SIZE, SIZE), bool)) == []
    spiral = np.zeros((9, 9), bool)
    spiral[::2] = True
    spiral[1::4, -1] = spiral[3::4, 0] = True
    assert len(regions(spiral)) == 1


NOTHING = picture()
LEFT_AND_RIGHT = picture((16, 32, 10, RED), (48, 32, 10, BLUE))


@pytest.mark.parametrize(
    ("right", "wrong", "asked"),
    [
        (picture((32, 32, 20, RED)), picture((32, 32, 20, BLUE)), partial(has_colour, colour="red")),
        (picture((32, 32, 20, RED)), NOTHING, partial(has_colour, colour="red")),
        (LEFT_AND_RIGHT, picture((32, 32, 20, RED)), partial(has_number, number=2)),
        (LEFT_AND_RIGHT, picture((16, 32, 14, RED), (48, 32, 4, RED)), partial(has_number, number=2)),
        (LEFT_AND_RIGHT, picture((48, 32, 10, RED), (16, 32, 10, BLUE)), partial(red_from_blue, dx=-1, dy=0)),
        (LEFT_AND_RIGHT, picture((16, 32, 10, RED)), partial(red_from_blue, dx=-1, dy=0)),
        (picture((32, 16, 10, RED), (32, 48, 10, BLUE)), LEFT_AND_RIGHT, partial(red_from_blue, dx=0, dy=-1)),
        (picture((32, 32, 8, RED)), picture((32, 32, 28, RED)), partial(has_size, size="small")),
        (picture((32, 32, 8, RED)), NOTHING, partial(has_size, size="small")),
        (picture((32, 32, 28, RED)), picture((32, 32, 8, RED)), partial(has_size, size="big")),
    ],
)
def test_the_judge_tells_right_from_wrong(right: Pixels, wrong: Pixels, asked: Callable[[Pixels], bool]) -> None:
    assert asked(right)
    assert not asked(wrong)


def test_diversity_is_nothing_for_the_same_picture_twice() -> None:
    one, other = picture((32, 32, 20, RED)), picture((20, 32, 20, BLUE))
    assert diversity(np.stack([one, one])) == 0
    assert diversity(np.stack([np.zeros_like(one), np.full_like(one, 255)])) == 1
    assert 0 < diversity(np.stack([one, other])) < 1


def test_words_fill_their_board() -> None:
    sign = np.asarray(lettered("OPEN", 60, 24, "white", "red", random.Random(0)))
    letters = np.argwhere(sign[..., 1] > 128)
    assert np.ptp(letters[:, 1]) > 45
    assert sign[0, 0].tolist() == [255, 0, 0, 255]


class ToyEncoder(CaptionEncoder):
    """Every caption as its length."""

    def __init__(self) -> None:
        pass

    def encode(self, captions: object) -> TextStates:
        assert isinstance(captions, list)
        mask = torch.ones(len(captions), TEXT_TOKENS, dtype=torch.bool)
        states = torch.tensor([float(len(caption)) for caption in captions])
        return TextStates(states[:, None, None].expand(-1, TEXT_TOKENS, 8), mask)


class Plain:
    """Black pictures."""

    def batch(self, size: int, generator: torch.Generator) -> Batch:
        mask = torch.ones(size, TEXT_TOKENS, dtype=torch.bool)
        return Batch(torch.full((size, 3, SIZE, SIZE), -1.0), TextStates(torch.zeros(size, TEXT_TOKENS, 8), mask))

    def held_out_batch(self, size: int) -> Batch:
        return self.batch(size, torch.Generator())


def one_thing() -> Composer:
    return Composer(Cutouts.of([ball("pebble"), ball("marble"), ball("shop")]))


@pytest.mark.timeout(120)
def test_batches_mix_in_the_scenes_of_their_own_step(tmp_path: Path) -> None:
    with Scenes(one_thing, 6, first=5) as composed:
        mixed = MixedPictures(Plain(), composed, ToyEncoder())
        for step in (5, 6):
            batch = mixed.batch(10, torch.Generator().manual_seed(step))
            wanted = np.stack([scene.pixels for scene in scenes_of(one_thing(), step, 6)])
            shown = ((batch.pictures[:6] + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
            np.testing.assert_array_equal(shown, wanted)
            assert (batch.pictures[6:] == -1).all()
            assert len(batch.text.states) == 10
        with pytest.raises(ValueError, match="in order"):
            mixed.batch(10, torch.Generator().manual_seed(9))
