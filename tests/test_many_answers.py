"""The section with many answers to one small face: its recorded opening, its search, its page."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from playwright.sync_api import Page, expect

from demos import many_answers, recorded, super_resolution
from demos.many_answers import (
    ANSWERS,
    MODEL,
    SEARCH_SEEDS,
    SLUG,
    START_SEEDS,
    answers_html,
    answers_on,
    contact_sheet,
    draw_face,
    find,
    small_version,
)
from demos.seed import MAX_SEED
from demos.services import Services
from models.errors import BadInputError
from models.generation import Pixels
from models.latent_search import SearchRequest, data_fit_errors
from models.states import LoadProgress
from tests import browser


@given(seed=st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_contact_sheet_can_be_read_back(seed: int) -> None:
    pictures: Pixels = np.random.default_rng(seed).integers(0, 256, (12, 64, 64, 3), np.uint8)
    sheet = contact_sheet(pictures)
    assert sheet.size == (6 * 64 * 3, 2 * 64 * 3)
    assert np.array_equal(answers_on(sheet), pictures)


def test_opening_shows_what_was_recorded(services: Services) -> None:
    opening = recorded.load(SLUG)
    assert opening.model == MODEL
    assert MODEL in services.registry
    with Image.open(opening.file("answers.png")) as sheet:
        assert isinstance(sheet, PngImagePlugin.PngImageFile)
        assert sheet.text["Comment"] == "AI-generated"
        pictures = answers_on(sheet)
    with services.registry.lease(MODEL) as lease:
        small = small_version(draw_face(lease.backend, START_SEEDS[opening.settings["start"]]))
    assert len(pictures) == ANSWERS
    assert data_fit_errors(pictures, small) == pytest.approx(opening.facts["errors"], abs=0.1)
    assert np.median(opening.facts["errors"]) < 6, "they do shrink to the small face"


def test_best_answer_comes_first() -> None:
    pictures: Pixels = np.zeros((3, 64, 64, 3), np.uint8)
    words = answers_html(pictures, [5.25, 1.0, 3.0])
    assert words.index("off by 1.0") < words.index("off by 3.0") < words.index("off by 5.2")


@pytest.mark.parametrize(("start", "seed"), [(-1, 0), (len(START_SEEDS), 0), (0, -1), (0, 0.5), (0, None)])
def test_bad_values_get_a_sentence(services: Services, start: int, seed: float | None) -> None:
    with pytest.raises(BadInputError):
        next(find(services, start, seed))


def test_no_search_starts_from_the_face_itself(services: Services) -> None:
    with services.registry.lease(MODEL) as lease:
        faces = lease.backend.latents(1, START_SEEDS[1])
        starts = lease.backend.latents(1, SEARCH_SEEDS + START_SEEDS[1])
        highest = lease.backend.latents(1, SEARCH_SEEDS + MAX_SEED)
    assert not np.allclose(faces, starts)
    assert not np.allclose(starts, highest)
    found = next(step for step in find(services, 1, MAX_SEED) if not isinstance(step, LoadProgress))
    assert len(found.answers.pictures) == ANSWERS
    assert found.took > 0


def open_section(page: Page, gallery: str) -> None:
    browser.open_tab(page, gallery, super_resolution.PAGE)
    expect(page.locator(".answer-grid figure")).to_have_count(ANSWERS)


def test_one_click_searches_and_stop_stops(page: Page, gallery: str) -> None:
    open_section(page, gallery)
    section = page.locator(".card.many-answers")
    expect(section.locator(".block.model-strip")).to_contain_text("recorded")
    before = section.locator(".answer-grid img").first.get_attribute("src")
    section.locator(".examples button").nth(3).click()
    status = section.locator(".block.status-line")
    expect(status).to_contain_text("searching, step")
    assert section.locator(".answer-grid img").first.get_attribute("src") != before, "the growing answers are shown"
    section.get_by_role("button", name="Stop").click()
    expect(status).to_have_text("Stopped.")
    expect(section.locator(".answer-grid figure")).to_have_count(ANSWERS)


def test_finished_search_can_be_downloaded(page: Page, gallery: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        many_answers, "SearchRequest", lambda small, answers, seed: SearchRequest(small, answers, 20, seed)
    )
    open_section(page, gallery)
    section = page.locator(".card.many-answers")
    section.get_by_role("button", name="Find 12 answers").click()
    expect(section.locator(".block.status-line")).to_contain_text("12 answers in")
    expect(section.locator(".block.model-strip")).not_to_contain_text("recorded")
    with page.expect_download() as download:
        section.get_by_role("button", name="Download all").click()
    with Image.open(download.value.path()) as sheet:
        assert isinstance(sheet, PngImagePlugin.PngImageFile)
        assert '"method": "PULSE"' in sheet.text["Parameters"]
