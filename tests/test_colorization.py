"""Colorization: lightness stays, hints are honoured, draws differ; the tab and its endpoint with the real weights."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from gradio_client import Client, handle_file
from PIL import Image, PngImagePlugin
from playwright.sync_api import Page, expect

from demos.colorization_page import PAGE
from demos.colouring import LEVIN, OURS, Coloured, certain_hints, colour, grey, has_colours, hints_from, read_photo
from demos.examples import example
from demos.services import Services
from models.backends.colorizer import coloured, distinct, favour, hinted_colours, lightness_of
from models.backends.guided_filter import enlarge_colours, honour
from models.backends.levin import spread
from models.colorization import ColorizationRequest, Hint
from models.errors import BadInputError
from models.lab import Floats, from_lab, grey_of, to_lab, within_gamut
from tests import browser

RED, BLUE = (200, 40, 40), (40, 60, 200)


def colourings(services: Services, request: ColorizationRequest, model: str = OURS) -> list[Coloured]:
    return [step for step in colour(services, request, model) if isinstance(step, Coloured)]


def lab_at(picture: Image.Image, hint: Hint) -> Floats:
    return to_lab(np.asarray(picture)[hint.y, hint.x])


def test_chroma_gives_way_never_the_lightness() -> None:
    draw = np.random.default_rng(0)
    lab = np.stack([draw.uniform(0, 100, 4000), *draw.uniform(-110, 110, (2, 4000))], -1).astype(np.float32)
    shown = to_lab(from_lab(within_gamut(lab)))
    assert np.abs(shown[:, 0] - lab[:, 0]).max() < 0.8, "a byte is that coarse in the dark"
    chroma, wanted = np.linalg.norm(shown[:, 1:], axis=1), np.linalg.norm(lab[:, 1:], axis=1)
    assert (chroma < wanted + 3).all()
    assert chroma.mean() > 0.3 * wanted.mean()
    pixels = draw.integers(0, 256, (500, 3), dtype=np.uint8)
    assert np.abs(within_gamut(to_lab(pixels)) - to_lab(pixels)).max() < 0.5, "what can be shown stays"


def test_grey_of_a_lightness_has_that_lightness() -> None:
    lightness = np.linspace(0, 100, 101, dtype=np.float32)
    pixels = (grey_of(lightness) * 255 + 0.5).astype(np.uint8)
    assert np.abs(to_lab(pixels)[:, 0] - lightness).max() < 0.8
    ((_, shade),) = grey(Image.new("RGB", (4, 3), RED)).getcolors() or []
    assert isinstance(shade, tuple)
    assert len(set(shade)) == 1
    assert abs(shade[0] - 104) < 2


def test_colours_stop_at_edges() -> None:
    lightness = np.full((96, 128), 20, np.float32)
    lightness[:, 61:] = 80
    coarse = np.zeros((12, 16, 2), np.float32)
    coarse[:, 8:] = (60, -30)  # 3 pixels off the true edge
    fine = enlarge_colours(coarse, lightness)
    assert fine.shape == (96, 128, 2)
    step = np.abs(np.diff(fine[48, :, 0]))
    assert step.argmax() == 60
    assert step[60] > 25


def test_hints_are_honoured_exactly_and_spread_to_what_is_alike() -> None:
    lightness = np.full((60, 80), 50, np.float32)
    lightness[:, 40:] = 75
    hints = distinct((Hint(10, 30, BLUE), Hint(10, 30, RED), Hint(12, 30, BLUE), Hint(70, 5, RED)))
    assert hints[0].colour == RED, "the last one at a pixel counts"
    places = np.array([(hint.x, hint.y) for hint in hints])
    wanted = hinted_colours(hints)
    changed = honour(np.zeros((60, 80, 2), np.float32), lightness, places, wanted)
    assert np.array_equal(changed[places[:, 1], places[:, 0]], wanted)
    assert np.abs(changed).max() < 1.5 * np.abs(wanted).max(), "contradicting neighbours do not swing"
    alone = honour(np.zeros((60, 80, 2), np.float32), lightness, places[2:], wanted[2:])
    assert np.linalg.norm(alone[6, 69]) > 0.8 * np.linalg.norm(wanted[2])
    assert np.linalg.norm(alone[6, 38]) < 1
    picture = coloured(lightness, np.zeros((60, 80, 2), np.float32), hints)
    for hint, colour_wanted in zip(hints, wanted, strict=True):
        expected = from_lab(within_gamut(np.array([lightness[hint.y, hint.x], *colour_wanted], np.float32)[None]))[0]
        assert np.array_equal(np.asarray(picture)[hint.y, hint.x], expected)


def test_draws_follow_the_seed_and_are_alike_for_what_is_alike() -> None:
    palette = torch.tensor([[0.0, 0.0], [60.0, 40.0], [-40.0, 50.0], [10.0, -60.0]])
    tokens = np.random.default_rng(0).normal(size=(197, 768)).astype(np.float32)
    tokens[1:99] = tokens[1]  # the upper half of the picture is one thing
    noise, again, other = (favour(palette, torch.from_numpy(tokens), seed) for seed in (1, 1, 2))
    assert torch.equal(noise, again)
    assert not torch.allclose(noise, other, atol=0.5)
    upper = noise[0, :, :20].flatten(1)
    assert upper.std(1).max() < 0.1
    assert noise[0, :, 36:].flatten(1).std(1).mean() > 0.5


def test_levin_fills_two_regions_each_with_its_scribble() -> None:
    lightness = np.full((24, 30), 30, np.float32)
    lightness[:, 15:] = 80
    known = np.zeros((24, 30), np.bool_)
    colours = np.zeros((24, 30, 2), np.float32)
    for column, ab in ((3, (50, 20)), (25, (-30, 40))):
        known[:, column], colours[:, column] = True, ab
    *_, answer = spread(lightness, known, colours)
    assert isinstance(answer, np.ndarray)
    assert np.allclose(answer[12, 3], (50, 20))
    assert np.abs(answer[:, :14] - (50, 20)).max() < 3
    assert np.abs(answer[:, 16:] - (-30, 40)).max() < 3


def test_levin_needs_hints_and_keeps_them(services: Services) -> None:
    photo = read_photo(example("cat.png"))
    with pytest.raises(BadInputError, match="place some"):
        colourings(services, ColorizationRequest(photo), LEVIN)
    hint = Hint(200, 200, RED)
    (made,) = colourings(services, ColorizationRequest(photo, (hint,)), LEVIN)
    assert np.abs(lab_at(made.made.image, hint)[1:] - hinted_colours((hint,))[0]).max() < 2


def test_real_colours_on_a_picture_of_any_shape(services: Services) -> None:
    photo = read_photo(example("wall.jpg")).crop((0, 0, 301, 201))
    hint = Hint(17, 150, BLUE)
    made, *draws = colourings(services, ColorizationRequest(photo, (hint,), draws=2, seed=5))
    assert made.made.image.size == photo.size
    assert [draw.made.seed for draw in draws] == [5, 6]
    assert made.made.image.tobytes() != draws[0].made.image.tobytes() != draws[1].made.image.tobytes()
    again = colourings(services, ColorizationRequest(photo, (hint,), draws=1, seed=6))[1]
    assert again.made.image.tobytes() == draws[1].made.image.tobytes()
    for picture in (made.made.image, draws[0].made.image):
        assert np.abs(lightness_of(picture) - lightness_of(photo)).max() < 1.2, "rounding to bytes only"
    assert np.linalg.norm(to_lab(np.asarray(made.made.image))[..., 1:], axis=-1).mean() > 5, "not grey"
    places = certain_hints(made)
    assert len(set(places)) == 20
    for size in ((1, 1), (3, 200)):
        assert colourings(services, ColorizationRequest(Image.new("RGB", size, "grey")))[0].made.image.size == size


def test_hints_in_words() -> None:
    assert hints_from("120,80,#3366cc; 4, 5 ,red;") == (Hint(120, 80, (51, 102, 204)), Hint(4, 5, (255, 0, 0)))
    assert hints_from("1,2,rgba(10.4, 20, 300, 1)") == (Hint(1, 2, (10, 20, 255)),)
    assert hints_from("") == ()
    for wrong, sentence in (("red", "is no hint"), ("1,2,nocolour", "is no colour")):
        with pytest.raises(BadInputError, match=sentence):
            hints_from(wrong)
    assert not has_colours(read_photo(example("camera.jpg")))


def test_endpoint_colours_and_names_its_facts(client: Client) -> None:
    picture = handle_file(example("camera.jpg"))
    path, facts = client.predict(picture, OURS, 3, "30,400,#2040c0", api_name="/colorize")
    with Image.open(path) as made:
        assert isinstance(made, PngImagePlugin.PngImageFile)
        assert made.size == (512, 512)
        assert json.loads(made.text["Parameters"])["model"] == OURS
        lab = to_lab(np.asarray(made.convert("RGB")))
        hint = Hint(30, 400, (32, 64, 192))
        assert np.abs(lab[400, 30, 1:] / np.linalg.norm(lab[400, 30, 1:]) - direction(hint)).max() < 0.05
    assert (facts["model"], facts["seed"], facts["size"]) == (OURS, None, [512, 512])
    assert 0 < facts["seconds"] < 60
    _, facts = client.predict(picture, OURS, 3, "", 0.4, True, api_name="/colorize")
    assert facts["seed"] == 3


def direction(hint: Hint) -> Floats:
    (ab,) = hinted_colours((hint,))
    unit: Floats = ab / np.linalg.norm(ab)
    return unit


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ([LEVIN, 0], "click on the picture to place some"),
        (["bicubic", 0], "cannot colour pictures"),
        ([OURS, 0, "9999,1,#fff"], "outside the picture"),
        ([OURS, 0, "", 7], "The temperature must be a number from 0.1 to 1"),
    ],
)
def test_endpoint_says_what_is_wrong(client: Client, settings: list[object], sentence: str) -> None:
    with pytest.raises(Exception, match=sentence):
        client.predict(handle_file(example("cat.png")), *settings, api_name="/colorize")


def test_a_lecture_with_a_hint(page: Page, gallery: str, tmp_path: Path) -> None:
    browser.open_tab(page, gallery, PAGE)
    strip, status = page.locator(".block.model-strip:visible"), page.locator(".status-line:visible").first
    expect(strip).to_contain_text("recorded")
    button = page.get_by_role("button", name="Colour it")
    assert (button.bounding_box() or {"y": 9999})["y"] < 752, "the first screen holds the button"

    page.locator(".examples:visible button").nth(1).click()
    expect(status).to_contain_text("512 x 512 px in")
    expect(strip).not_to_contain_text("recorded")
    before = downloaded(page, tmp_path / "before.png")

    picture = page.locator("#colorization-result img")
    shown, box = picture.get_attribute("src") or "", picture.bounding_box()
    assert box is not None
    picture.click(position={"x": box["width"] * 0.75, "y": box["height"] * 0.75})
    expect(page.locator(".block.placed-hints:visible")).to_contain_text("1 placed")
    expect(picture).not_to_have_attribute("src", shown)
    after = downloaded(page, tmp_path / "after.png")
    change = np.abs(after - before).sum(-1)
    assert change[380:388, 380:388].mean() > 20, "the colour lies where the click was"
    assert after[384, 384, 0] > before[384, 384, 0] > 0

    page.get_by_role("button", name="Clear all").click()
    expect(page.locator(".block.placed-hints:visible")).to_contain_text("No colours placed")


def downloaded(page: Page, file: Path) -> Floats:
    with page.expect_download() as download:
        page.locator("button", has_text="Download").locator("visible=true").first.click()
    download.value.save_as(file)
    with Image.open(file) as picture:
        return np.asarray(picture.convert("RGB"), np.float32)
