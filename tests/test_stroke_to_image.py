"""The Stroke painting tab: what its functions, its endpoint and its page do, on the real weights (about 12 s)."""

import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image, PngImagePlugin
from playwright.sync_api import Page, expect

from demos.pictures import read_picture
from demos.services import Services
from demos.stroke_examples import PAINTINGS, PALETTE
from demos.stroke_painting import (
    ADDING,
    STRENGTHS,
    Asked,
    Compared,
    Painted,
    compare,
    difference,
    paint,
    read_asked,
    squared,
)
from demos.stroke_to_image_page import PAGE
from models.errors import BadInputError
from models.text_to_image import sampling_for
from tests import browser

MODEL = "pixel-dit"
STEPS = sampling_for(MODEL).stroke_steps
HOUSE = PAINTINGS[0]


@pytest.fixture(scope="module")
def drawing() -> Image.Image:
    return squared(read_picture(HOUSE.path))


def painted(services: Services, drawing: Image.Image, strength: float, seed: int = 3) -> Painted:
    *_, result = paint(services, drawing, Asked(HOUSE.prompt, strength, seed, MODEL))
    assert isinstance(result, Painted)
    return result


def test_a_drawing_of_any_shape_lies_whole_on_a_white_square() -> None:
    for size in ((1, 1), (40, 2000), (3000, 30)):
        square = squared(Image.new("RGB", size, "red"))
        assert square.size == (512, 512)
        assert square.getpixel((256, 256)) == (255, 0, 0)
    assert squared(Image.new("RGB", (400, 200), "red")).getpixel((256, 50)) == (255, 255, 255)


def test_what_is_asked_is_checked() -> None:
    assert read_asked("  a red \n apple ", 0.5, 7, MODEL) == Asked("a red apple", 0.5, 7, MODEL)
    assert read_asked(None, 0, 0, MODEL).prompt == ""
    for prompt, strength, seed in (("", 1.1, 0), ("", float("nan"), 0), ("", 0.5, -1), ("a" * 201, 0.5, 0)):
        with pytest.raises(BadInputError):
            read_asked(prompt, strength, seed, MODEL)


def test_strength_zero_returns_the_drawing(services: Services, drawing: Image.Image) -> None:
    result = painted(services, drawing, 0)
    small = np.asarray(drawing.resize((64, 64), Image.Resampling.BOX))
    assert (result.picture == small).all()
    assert result.film.noise == [0]


def test_more_strength_moves_farther_from_the_drawing(services: Services, drawing: Image.Image) -> None:
    small = painted(services, drawing, 0).picture
    distances = [difference(painted(services, drawing, strength).picture, small) for strength in (0.3, 0.7, 1)]
    assert distances == sorted(distances)
    assert 5 < distances[0] < 0.7 * distances[2]


def test_the_film_adds_noise_and_removes_it(services: Services, drawing: Image.Image) -> None:
    film = painted(services, drawing, 0.6).film
    assert film.noisy.shape == film.clean.shape == (1 + ADDING + STEPS, 64, 64, 3)
    rising, falling = film.noise[: ADDING + 1], film.noise[ADDING:]
    assert rising == sorted(rising)
    assert falling == sorted(falling, reverse=True)
    assert (film.noise[0], film.noise[ADDING], film.noise[-1]) == pytest.approx((0, 0.6, 0), abs=1e-6)
    # What is held in the frame of strongest noise is grainier than the drawing and than the result.
    grain = [float(np.abs(np.diff(frame.astype(int), axis=0)).mean()) for frame in film.noisy]
    assert grain[ADDING] > 2 * max(grain[0], grain[-1])


def test_the_same_seed_gives_the_same_picture(services: Services, drawing: Image.Image) -> None:
    first, again, other = (painted(services, drawing, 0.8, seed).picture for seed in (1, 1, 2))
    assert (first == again).all()
    assert difference(first, other) > 3


def test_the_trade_between_faithful_and_realistic(services: Services, drawing: Image.Image) -> None:
    *_, compared = compare(services, drawing, Asked(HOUSE.prompt, 0.5, 3, MODEL))
    assert isinstance(compared, Compared)
    assert [row.strength for row in compared.rows] == [0, *STRENGTHS]
    sheet, most = compared.rows[0], compared.rows[-1]
    assert sheet.distance == 0 < compared.rows[1].distance < most.distance
    assert most.surprise < sheet.surprise, "a finished picture is likelier than flat strokes"


def test_a_model_that_does_something_else_is_refused(services: Services, drawing: Image.Image) -> None:
    with pytest.raises(BadInputError, match="cannot paint from strokes"):
        list(paint(services, drawing, Asked("a house", 0.5, 0, "bicubic")))


def test_endpoint(client: Client) -> None:
    path, facts = client.predict(handle_file(HOUSE.path), HOUSE.prompt, 0.6, 5, MODEL, api_name="/stroke_to_image")
    with Image.open(path) as picture:
        assert isinstance(picture, PngImagePlugin.PngImageFile)
        assert picture.size == (256, 256)
        assert picture.text["Comment"] == "AI-generated"
    assert (facts["model"], facts["seed"], facts["strength"], facts["prompt"]) == (MODEL, 5, 0.6, HOUSE.prompt)
    assert 0 < facts["seconds"] < 60


def test_endpoint_says_what_is_wrong(client: Client) -> None:
    with pytest.raises(Exception, match="The strength must be a number from 0 to 1"):
        client.predict(handle_file(HOUSE.path), "", 2, 0, MODEL, api_name="/stroke_to_image")
    with pytest.raises(Exception, match="Please give a picture first"):
        client.predict(None, "", 0.5, 0, MODEL, api_name="/stroke_to_image")


def red_share(page: Page, selector: str) -> float:
    """Of an image on the page, the share of pixels in the first colour of the palette."""
    share = page.locator(selector).evaluate(
        """(image, red) => {
          const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 64 });
          const context = canvas.getContext("2d");
          context.drawImage(image, 0, 0, 64, 64);
          const pixels = context.getImageData(0, 0, 64, 64).data;
          let count = 0;
          for (let at = 0; at < pixels.length; at += 4)
            count += red.every((level, place) => Math.abs(pixels[at + place] - level) < 30);
          return count / 4096;
        }""",
        [int(PALETTE[0][at : at + 2], 16) for at in (1, 3, 5)],
    )
    assert isinstance(share, float | int)
    return share


def test_a_student_draws_and_paints(page: Page, gallery: str) -> None:
    browser.open_tab(page, gallery, PAGE)
    strip, status = page.locator(".block.model-strip:visible"), page.locator(".status-line:visible").first
    expect(strip).to_contain_text("recorded")
    expect(page.locator(".stroke-words .film-words")).to_contain_text("noise is added up to here: 70% noise")
    button = page.get_by_role("button", name="Paint it")
    assert (button.bounding_box() or {"y": 9999})["y"] < 752, "the first screen holds the button"

    page.get_by_role("button", name="Blank sheet").click()
    page.wait_for_timeout(1000)
    button.click()
    expect(status).to_contain_text("please draw something first")
    expect(strip).to_contain_text("recorded")

    editor = page.locator("#stroke-canvas")
    browser.draw_stroke(page, editor, [(0.45, 0.35), (0.6, 0.35), (0.6, 0.6), (0.45, 0.6), (0.45, 0.45), (0.55, 0.5)])
    page.wait_for_timeout(500)
    page.get_by_label("What is it?").fill("a red apple")
    button.click()
    expect(status).to_contain_text("enlarged in")
    expect(strip).not_to_contain_text("recorded")
    expect(page.locator(".stroke-caption")).to_have_text("a red apple, strength 0.7")
    assert red_share(page, ".stroke-drawing") > 0.02, "the stroke stands beside the picture"
    assert page.locator(".stroke-picture").evaluate("image => image.naturalWidth") == 256

    button.click()  # the drawing stays on the canvas: the same again
    expect(status).to_contain_text("enlarged in")
    slider = page.get_by_role("slider", name="Frame of adding and removing noise")
    slider.fill("0")
    expect(page.locator(".stroke-words .film-words")).to_have_text("the drawing, no noise")
    slider.fill(str(ADDING + STEPS))
    expect(page.locator(".stroke-words .film-words")).to_have_text(f"removing noise, step {STEPS} of {STEPS}: 0% noise")


def test_an_example_and_every_strength(page: Page, gallery: str) -> None:
    browser.open_tab(page, gallery, PAGE)
    status = page.locator(".status-line:visible")
    page.locator(".stroke-examples:visible button").nth(1).click()
    expect(status.first).to_contain_text("enlarged in")
    expect(page.get_by_label("What is it?")).to_have_value("a red apple")
    page.get_by_role("button", name="Paint these strokes at every strength").click()
    expect(status.last).to_contain_text("5 pictures")
    expect(page.locator(".trade-caption")).to_contain_text("a red apple")
    expect(page.locator(".trade-plot .point")).to_have_count(1 + len(STRENGTHS))
    expect(page.locator(".trade-plot .label").first).to_have_text("drawing")
