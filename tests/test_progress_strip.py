"""The progress strip: its functions, and the section as a student walks it in a browser (about 20 s)."""

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from playwright.sync_api import Page, expect

from demos import progress_strip, recorded
from demos.gallery import build_gallery, launch
from demos.progress_strip import COUNT, PAGE, STEPS, Asked, draw, draw_all, read_asked
from demos.progress_view import STAGES, Drawn, contact_sheet, released_figures, view_value
from demos.services import Services
from models.errors import BadInputError
from models.small_pictures import LABELS, SIDE
from models.tasks import Task
from tests.served_gallery import free_port


@pytest.fixture(scope="module")
def strip_alone(services: Services) -> Iterator[str]:
    """A gallery with the strip as its only tab; the value is its address."""
    page = build_gallery(services, [progress_strip])
    yield launch(page, replace(services.settings, port=free_port()), block=False)
    page.close()


@pytest.mark.parametrize(
    ("data", "seed"), [("birds", 1), (None, 1), ("digits", -1), ("digits", 0.5), ("digits", None), ("digits", 2**40)]
)
def test_bad_requests_get_a_sentence(data: Any, seed: Any) -> None:
    with pytest.raises(BadInputError):
        read_asked(data, seed)


def test_every_stage_is_a_model_in_order_of_years(services: Services) -> None:
    assert [stage.year for stage in STAGES] == sorted(stage.year for stage in STAGES)
    assert {stage.model for stage in STAGES} == {spec.id for spec in services.registry.for_task(Task.SMALL_PICTURES)}


def test_figures_belong_to_every_model_and_diffusion_comes_closest() -> None:
    figures = released_figures()
    for data in LABELS:
        distances = [figures[stage.model.removeprefix("progress-")][data]["distance"] for stage in STAGES]
        assert figures["real"][data]["distance"] < min(distances)
        assert distances[-1] == min(distances)  # diffusion draws best
        assert figures["gan"][data]["bits"] is None
        assert all(0 < figures[kind][data]["bits"] < 8 for kind in ("mixture", "pca", "vae", "diffusion"))


def test_drawing_tells_what_it_does_and_keeps_every_denoising_step(services: Services) -> None:
    steps = list(draw_all(services, Asked("digits", 3)))
    drawn = [step for step in steps if isinstance(step, Drawn)]
    assert [part.made_by.spec.id for part in drawn] == [stage.model for stage in STAGES]
    assert f"denoising {STEPS} of {STEPS}" in steps
    film = drawn[-1].film
    assert film is not None
    assert [part.film for part in drawn[:-1]] == [None] * 4
    assert len(film.noise) == len(film.noisy) == len(film.foreseen) == STEPS + 1

    value = view_value("digits", 3, drawn)
    assert [row["name"] for row in value["rows"][1:]] == [stage.name for stage in STAGES]
    assert all(row["tiles"].startswith("data:image/png;base64,") for row in value["rows"])
    half_way = view_value("digits", 3, drawn[:2])
    assert [bool(row["tiles"]) for row in half_way["rows"]] == [True, True, True, False, False, False]
    assert half_way["film"] is None

    with Image.open(BytesIO(contact_sheet(drawn, {"data": "digits", "seed": 3}))) as sheet:
        assert isinstance(sheet, PngImagePlugin.PngImageFile)
        assert sheet.text["Comment"] == "AI-generated"
        assert '"seed": 3' in sheet.text["Parameters"]
        assert sheet.size == (4 * COUNT * SIDE, 4 * len(STAGES) * SIDE)
        first = np.asarray(sheet)[2 : 4 * SIDE : 4, 2 : 4 * SIDE : 4]
    assert (first == drawn[0].pictures[0]).all()


def test_a_request_that_is_given_up_returns_its_model(services: Services) -> None:
    steps = draw(services, STAGES[-1], Asked("digits", 1))
    while not next(steps).startswith("denoising"):  # type: ignore[union-attr]
        pass
    steps.close()
    status = next(row for row in services.registry.status() if row.spec.id == "progress-diffusion")
    assert status.leases == 0


def test_recorded_opening_is_what_the_models_draw_today(services: Services) -> None:
    opening = recorded.load(PAGE.slug)
    asked = Asked(**opening.settings)
    for stage, row in zip(STAGES[:3], opening.facts["view"]["rows"][1:], strict=False):
        *_, drawn = draw(services, stage, asked)
        assert isinstance(drawn, Drawn)
        assert view_value(asked.data, asked.seed, [drawn])["rows"][1]["tiles"] == row["tiles"]


def test_a_student_scrubs_the_film_and_draws_digits(page: Page, strip_alone: str) -> None:
    with page.expect_response(lambda answer: "/gradio_api/run/" in answer.url):  # the page's last request of its own
        page.goto(strip_alone)
    rows = page.locator(".progress-row")
    expect(rows).to_have_count(len(STAGES) + 1)
    expect(page.locator(".progress-row.waiting")).to_have_count(0)  # the recorded result is there at once
    expect(page.locator(".progress-note")).to_contain_text("Recorded")

    scrubber = page.get_by_role("slider", name="Denoising step")
    tile = page.locator(".film-noisy i").first
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    places = []
    for step, words in ((0, "step 0 of 25: 100% noise"), (25, "step 25 of 25: 0% noise")):
        scrubber.fill(str(step))
        expect(page.locator(".film-words")).to_have_text(words)
        places.append(tile.evaluate("tile => getComputedStyle(tile).backgroundPosition"))
    assert places == ["0% 0%", "0% 100%"]
    assert asked == []  # scrubbing needs no server
    page.get_by_role("button", name="Play").click()
    expect(page.locator(".film-words")).not_to_contain_text("step 25")
    page.get_by_role("button", name="Pause").click()

    before = page.locator(".film-noisy i").first.get_attribute("style")
    page.get_by_role("radio", name="Digits").check()
    expect(page.locator(".status-line .status")).to_contain_text("5 models in")
    expect(page.locator(".progress-row.waiting")).to_have_count(0)
    assert page.locator(".film-noisy i").first.get_attribute("style") != before
    expect(page.locator(".progress-note")).not_to_contain_text("Recorded")


def test_the_strip_fits_a_phone(page: Page, strip_alone: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(strip_alone)
    expect(page.locator(".progress-row").last).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    sides = page.locator(".progress-row .tiles i").first.bounding_box()
    assert sides is not None
    assert sides["width"] == pytest.approx(sides["height"], abs=1)
    assert sides["width"] > 70
