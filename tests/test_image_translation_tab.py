"""The Image translation tab: what its functions, its endpoint and its page do, on the real weights."""

from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from PIL import Image, PngImagePlugin
from playwright.sync_api import Page, expect

from demos.examples import example
from demos.image_translation import PAGE
from models.specs.image_translation import IMAGE_TRANSLATION
from tests import browser

(VINTAGE,) = (spec.id for spec in IMAGE_TRANSLATION)


def small_photo(folder: Path) -> str:
    path = folder / "photo.png"
    Image.open(example("cat.png")).resize((90, 61)).save(path)
    return str(path)


def test_endpoint_translates_whatever_the_prompt(client: Client, tmp_path: Path) -> None:
    photo = handle_file(small_photo(tmp_path))
    answers = [
        client.predict(photo, prompt, VINTAGE, seed, api_name="/translate_image")
        for prompt, seed in (("", 0), ("a zebra", 7))
    ]
    pictures = []
    for path, facts in answers:
        with Image.open(path) as picture:
            assert isinstance(picture, PngImagePlugin.PngImageFile)
            assert picture.text["Comment"] == "AI-generated"
            assert list(picture.size) == facts["size"] == [90, 61]
            pictures.append(picture.convert("RGB").tobytes())
        assert (facts["model"], facts["seed"]) == (VINTAGE, None)
        assert 0 < facts["seconds"] < 60
    assert pictures[0] == pictures[1]


@pytest.mark.parametrize(
    ("model", "sentence"),
    [("no-such-model", "There is no model 'no-such-model'"), ("bicubic", "cannot translate pictures")],
)
def test_endpoint_says_what_is_wrong(client: Client, model: str, sentence: str) -> None:
    with pytest.raises(Exception, match=sentence):
        client.predict(handle_file(example("cat.png")), "", model, 0, api_name="/translate_image")


def test_a_lecture_on_the_cycle(page: Page, gallery: str) -> None:
    browser.open_tab(page, gallery, PAGE)
    strip, status = page.locator(".block.model-strip:visible"), page.locator(".status-line:visible").first
    expect(strip).to_contain_text("recorded")
    expect(page.locator("#image-translation-slider img").first).to_be_visible()
    expect(page.get_by_text("Horse to zebra")).to_be_visible()
    expect(page.get_by_role("img", name="A photograph x goes through the network G")).to_be_visible()
    button = page.get_by_role("button", name="Make it vintage")
    assert (button.bounding_box() or {"y": 9999})["y"] < 752, "the first screen holds the button"

    page.locator(".examples:visible button").nth(5).click()
    expect(status).to_contain_text("448 x 300 px in")
    expect(strip).not_to_contain_text("recorded")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_stop_ends_it_between_layers_and_keeps_the_result(page: Page, gallery: str) -> None:
    browser.open_tab(page, gallery, PAGE)
    page.get_by_role("button", name="Make it vintage").click()
    status = page.locator(".status-line:visible").first
    expect(status).to_contain_text("layer")
    page.keyboard.press("Escape")
    expect(status).to_have_text("Stopped.")
    expect(page.locator(".block.model-strip:visible")).to_contain_text("recorded")
