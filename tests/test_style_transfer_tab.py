"""The Style transfer tab: what its functions, its endpoint and its page do, on the real weights."""

import json
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from PIL import Image, PngImagePlugin
from playwright.sync_api import Page, expect

from demos.examples import example
from demos.painting import MAX_SIDE, SHEET_SIDE, Painted, SheetTile, keep_sheet, paint, paint_sheet, read_photo
from demos.services import Services
from demos.style_transfer_page import PAGE
from demos.styles import ANY, LEARNT, NO_BLEND, PAINTINGS, chosen_styles, title_of
from models.errors import BadInputError
from models.styling import LEARNT_STYLES, StyleRequest
from tests import browser


def test_every_painting_can_be_a_style() -> None:
    for painting in PAINTINGS:
        ((style, share),) = chosen_styles(ANY, painting.title.upper(), None)
        assert isinstance(style, Image.Image)
        assert share == 1
        assert title_of(painting.path) == painting.caption


def test_a_picture_of_the_visitors_is_not_called_a_painting(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "red").save(tmp_path / "great-wave.jpg")
    assert title_of(str(tmp_path / "great-wave.jpg")) == "your picture"


def test_a_blend_has_shares() -> None:
    assert chosen_styles(LEARNT, "Embers", None, "Foam", 30) == (("Embers", 0.7), ("Foam", 0.3))
    assert chosen_styles(LEARNT, "Embers", None, "Foam", 100) == (("Foam", 1.0),)
    assert chosen_styles(LEARNT, "Embers", None, "Foam", 0) == (("Embers", 1.0),)
    assert chosen_styles(LEARNT, "embers", None, NO_BLEND, 50) == (("Embers", 1.0),)


@pytest.mark.parametrize(
    ("model", "name", "share", "sentence"),
    [
        (LEARNT, "Starry Night", 50, "no style “Starry Night”"),
        (LEARNT, "", 50, "no style"),
        (ANY, "Embers", 50, "no painting “Embers”"),
        (LEARNT, "Embers", 101, "share of the second style"),
    ],
)
def test_what_is_no_style_gets_a_sentence(model: str, name: str, share: float, sentence: str) -> None:
    with pytest.raises(BadInputError, match=sentence):
        chosen_styles(model, name, None, NO_BLEND, share)


def test_photographs_are_reduced_and_tiny_ones_refused(tmp_path: Path) -> None:
    Image.new("RGB", (3000, 1500)).save(tmp_path / "large.png")
    assert read_photo(str(tmp_path / "large.png")).size == (MAX_SIDE, MAX_SIDE // 2)
    Image.new("RGB", (1, 1)).save(tmp_path / "tiny.png")
    with pytest.raises(BadInputError, match="1 x 1 pixels"):
        read_photo(str(tmp_path / "tiny.png"))
    Image.new("RGB", (4000, 100)).save(tmp_path / "narrow.png")
    with pytest.raises(BadInputError, match="at least 32"):
        read_photo(str(tmp_path / "narrow.png"))


def test_the_contact_sheet_streams_every_style_and_stops(services: Services) -> None:
    photo = read_photo(example("cat.png"))
    sheet = paint_sheet(services, photo)
    tiles = [step for step in sheet if isinstance(step, SheetTile)]
    assert [tile.name for tile in tiles] == list(LEARNT_STYLES)
    assert max(tiles[0].painted.image.size) == SHEET_SIDE
    *_, alone = paint(services, StyleRequest(photo.resize(tiles[0].painted.image.size), (("Foam", 1),)), LEARNT)
    assert isinstance(alone, Painted)
    with Image.open(keep_sheet(tiles, {"model": LEARNT})) as whole:
        assert isinstance(whole, PngImagePlugin.PngImageFile)
        assert whole.text["Comment"] == "AI-generated"
        assert whole.width > 9 * SHEET_SIDE

    stopped = paint_sheet(services, photo)
    next(step for step in stopped if isinstance(step, SheetTile))
    stopped.close()  # type: ignore[attr-defined]
    (status,) = (status for status in services.registry.status() if status.spec.id == LEARNT)
    assert status.leases == 0


def test_endpoint_paints_and_names_its_facts(client: Client) -> None:
    path, facts = client.predict(handle_file(example("cat.png")), "foam", 0.8, LEARNT, api_name="/style_transfer")
    with Image.open(path) as picture:
        assert isinstance(picture, PngImagePlugin.PngImageFile)
        assert list(picture.size) == facts["size"] == [448, 300]
        label = json.loads(picture.text["Parameters"])
    assert label["request"] == "Style: foam, strength 0.8"
    assert (facts["model"], facts["seed"]) == (LEARNT, None)
    assert 0 < facts["seconds"] < 60


def test_endpoint_takes_a_picture_as_the_style(client: Client) -> None:
    photo, style = handle_file(example("cat.png")), handle_file(example("coffee.png"))
    path, facts = client.predict(photo, "", 1, ANY, style, True, api_name="/style_transfer")
    assert facts["request"] == "Style: your picture, colours of the photograph"
    with Image.open(path) as picture:
        assert picture.size == (448, 300)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (["Embers", 1, "no-such-model"], "There is no model 'no-such-model'"),
        (["Embers", 1, "bicubic"], "cannot paint pictures"),
        (["Embers", 2, LEARNT], "The strength must be a number from 0 to 1"),
        (["No style at all", 1, LEARNT], "There is no style"),
    ],
)
def test_endpoint_says_what_is_wrong(client: Client, settings: list[object], sentence: str) -> None:
    with pytest.raises(Exception, match=sentence):
        client.predict(handle_file(example("cat.png")), *settings, api_name="/style_transfer")


def test_a_lecture_with_learnt_styles(page: Page, gallery: str) -> None:
    browser.open_tab(page, gallery, PAGE)
    strip, status = page.locator(".block.model-strip:visible"), page.locator(".status-line:visible").first
    expect(strip).to_contain_text("recorded")
    expect(page.locator("#style-transfer-slider img").first).to_be_visible()
    button = page.get_by_role("button", name="Paint it")
    assert (button.bounding_box() or {"y": 9999})["y"] < 752, "the first screen holds the button"

    page.get_by_role("radio", name="Crimson").click()
    expect(status).to_contain_text("768 x 512 px in")
    expect(page.locator(".block.painting-caption:visible")).to_have_text("Style: Crimson")
    expect(strip).not_to_contain_text("recorded")

    page.get_by_role("button", name="Paint all 26 styles").click()
    expect(page.locator(".block.status-line:visible").nth(1)).to_contain_text("26 styles in")
    expect(page.locator(".contact-sheet img:visible")).to_have_count(27)
    page.locator(".contact-sheet button", has_text="Foam").click()
    expect(page.locator(".block.painting-caption:visible")).to_have_text("Style: Foam")
    expect(page.get_by_role("radio", name="Foam")).to_have_attribute("aria-checked", "true")


def test_a_painting_as_the_style(page: Page, gallery: str) -> None:
    browser.open_tab(page, gallery, PAGE)
    page.locator(".model-picker:visible select").select_option(ANY)
    expect(page.get_by_text("Paintings in the public domain")).to_be_visible()
    expect(page.get_by_role("radio", name="Crimson")).to_be_hidden()
    page.locator(".examples:visible").nth(1).locator("button").nth(1).click()
    expect(page.locator(".block.painting-caption:visible")).to_contain_text(
        "Vincent van Gogh, Village Street in Auvers, 1890"
    )
    expect(page.locator(".block.model-strip:visible")).to_contain_text("Any picture as the style")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
