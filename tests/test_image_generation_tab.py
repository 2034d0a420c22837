"""The Image generation tab: latents, sheets, its endpoint and its page, on the real weights."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradio_client import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from playwright.sync_api import Locator, Page, expect

from demos.generation_opening import OPENING, PICKS, TERMS
from demos.image_generation import EXAMPLES, PAGE
from demos.latents import combine, diversity, slerp, walk
from demos.sampling import (
    TRUNCATION_COUNT,
    TRUNCATIONS,
    Asked,
    Drawn,
    asked_again,
    draw,
    draw_arithmetic,
    draw_truncations,
    draw_walk,
    read_asked,
    read_picks,
)
from demos.services import Services
from demos.sheets import columns_for, keep_film, make_sheet, tiled
from demos.truncation_table import truncation_rows, truncation_table
from models.errors import BadInputError
from models.generation import Latents, draw_latents
from models.specs.image_generation import LABELS
from tests import browser

FACES = Asked("dcgan-faces", 16, 1, None, 1.0)


def drawn(steps: Any) -> Drawn:
    *_, last = steps
    assert isinstance(last, Drawn)
    return last


@pytest.fixture
def latents() -> Latents:
    return draw_latents(6, 100, 0)


@settings(deadline=None)
@given(part=st.floats(0, 1))
def test_walk_stays_on_the_shell(part: float) -> None:
    start, end = draw_latents(2, 100, 0)
    lengths = sorted(float(np.linalg.norm(end_point)) for end_point in (start, end))
    # A straight line would pass at 7 of 10; the great circle stays between the two.
    assert lengths[0] * 0.97 <= np.linalg.norm(slerp(start, end, part)) <= lengths[1] * 1.03


def test_walk_begins_and_ends_at_the_samples_in_equal_steps(latents: Latents) -> None:
    frames = walk(latents[0], latents[1], 9)
    assert np.allclose(frames[0], latents[0], atol=1e-5)
    assert np.allclose(frames[-1], latents[1], atol=1e-5)
    steps = np.linalg.norm(np.diff(frames, axis=0), axis=1)
    assert steps.max() / steps.min() < 1.1


@pytest.mark.parametrize("end", ["same", "opposite", "zero"])
def test_walk_survives_directions_without_an_angle(latents: Latents, end: str) -> None:
    other = {"same": latents[0], "opposite": -latents[0], "zero": 0 * latents[0]}[end]
    assert np.isfinite(walk(latents[0], other, 5)).all()


def test_arithmetic_adds_up_and_keeps_the_usual_length(latents: Latents) -> None:
    result = combine(latents[:3], latents[3:5], latents[5:])
    direction = latents[:3].mean(0) - latents[3:5].mean(0) + latents[5]
    cosine = np.dot(result[3], direction) / np.linalg.norm(result[3]) / np.linalg.norm(direction)
    assert cosine == pytest.approx(1, abs=1e-5)
    usual = np.linalg.norm(latents, axis=1).mean()
    assert np.linalg.norm(result, axis=1) == pytest.approx([usual] * 4, rel=1e-4)
    assert combine(latents[:1], latents[:1], latents[1:2])[3] == pytest.approx(
        latents[1] * usual_ratio(latents), rel=1e-3
    )


def usual_ratio(latents: Latents) -> float:
    lengths = np.linalg.norm(latents[:2], axis=1)
    return float((2 * lengths[0] + lengths[1]) / 3 / lengths[1])


def test_diversity_is_none_of_equal_pictures_and_all_of_black_and_white() -> None:
    black, white = np.zeros((1, 4, 4, 3), np.uint8), np.full((1, 4, 4, 3), 255, np.uint8)
    assert diversity(np.concatenate([black, black])) == 0
    assert diversity(np.concatenate([black, white])) == 1
    assert diversity(black) == 0


@settings(deadline=None)
@given(count=st.integers(1, 36), side=st.sampled_from([4, 8]), factor=st.integers(1, 3))
def test_sheet_holds_every_picture_in_its_place(count: int, side: int, factor: int) -> None:
    pictures = np.random.default_rng(count).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    columns = columns_for(count)
    assert (columns - 1) * columns < count + columns - 1 <= columns * (columns + 1)
    whole = np.asarray(tiled(pictures, columns))
    for place, picture in enumerate(pictures):
        row, column = divmod(place, columns)
        assert np.array_equal(whole[row * side :, column * side :][:side, :side], picture)
    assert tiled(pictures, columns, factor).width == columns * side * factor


def test_film_goes_there_and_back_and_carries_its_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    pictures = np.stack([np.full((64, 64, 3), 60 * place, np.uint8) for place in range(4)])
    with Image.open(keep_film(pictures, "walk.webp", {"model": "m", "seed": 3})) as film:
        assert (film.size, film.n_frames) == ((256, 256), 6)  # type: ignore[attr-defined]
        described = film.getexif()[0x010E]
    assert "AI-generated" in described
    assert '"seed": 3' in described
    sheet = make_sheet(pictures, pictures, 2, 4)
    assert Image.open(sheet.smooth).size == (512, 512)
    assert Image.open(sheet.plain).size == (128, 128)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (("dcgan-faces", 0, 0, None, 1), "number of pictures must be a number from 1 to 36"),
        (("dcgan-faces", 37, 0, None, 1), "from 1 to 36"),
        (("dcgan-faces", 2.5, 0, None, 1), "whole number"),
        (("dcgan-faces", None, 0, None, 1), "from 1 to 36"),
        (("dcgan-faces", 1, -1, None, 1), "The seed"),
        (("dcgan-faces", 1, 0, None, float("nan")), "Truncation must be a number from 0 to 1"),
        (("dcgan-faces", 1, 0, "blue", 1), "anything in particular"),
        (("omniart-eyes", 1, 0, "purple", 1), "amber, blue"),
        (("terrain-consistency", 1, 0, None, 0.5), "full strength alone"),
    ],
)
def test_wrong_requests_get_a_sentence(asked: Any, sentence: str) -> None:
    with pytest.raises(BadInputError, match=sentence):
        read_asked(*asked)


def test_empty_label_is_chosen_by_us() -> None:
    assert read_asked("omniart-eyes", 1, 0, "", 1).label in LABELS["omniart-eyes"]
    assert read_asked("dcgan-faces", 1, 0, "", 1).label is None


@settings(deadline=None)
@given(
    facts=st.one_of(
        st.none(),
        st.text(),
        st.dictionaries(st.sampled_from(["model", "count", "seed", "label", "truncation", "x"]), st.integers()),
        st.fixed_dictionaries(
            {
                "model": st.sampled_from(["dcgan-faces", "omniart-eyes", 3, None]),
                "count": st.one_of(st.integers(), st.text(), st.none()),
                "seed": st.one_of(st.integers(), st.floats(), st.lists(st.integers())),
                "label": st.one_of(st.none(), st.text(), st.integers()),
                "truncation": st.one_of(st.floats(), st.none(), st.booleans()),
            }
        ),
    )
)
def test_whatever_a_browser_sends_back_is_checked(facts: Any) -> None:
    try:
        asked = asked_again({"asked": facts})
    except BadInputError:
        return
    assert 1 <= asked.count <= 36
    assert 0 <= asked.truncation <= 1
    assert asked.label is None or asked.label in LABELS[asked.model]


@pytest.mark.parametrize("picks", [None, [], [1], [0, 16], [0, -1], [0, "1"], [0, 1, 2], {"0": 1}])
def test_wrong_picks_get_a_sentence(picks: Any) -> None:
    with pytest.raises(BadInputError):
        read_picks(picks, FACES, 2, 2, "Please choose two samples.")


def test_walk_and_arithmetic_start_from_the_samples_on_screen(services: Services) -> None:
    samples = drawn(draw(services, FACES)).pictures
    frames = drawn(draw_walk(services, FACES, 4, 13)).pictures
    assert np.abs(frames[0].astype(int) - samples[4]).max() <= 1
    assert np.abs(frames[-1].astype(int) - samples[13]).max() <= 1
    whole = drawn(draw_arithmetic(services, FACES, [10, 13], [5, 9], [4]))
    assert len(whole.pictures) == 4


def test_recorded_arithmetic_puts_glasses_on(services: Services) -> None:
    """The result of the opening differs from c, and has the dark frames around the eyes that the mean of a has."""
    *_, also, result = drawn(draw_arithmetic(services, OPENING, TERMS["a"], TERMS["b"], TERMS["c"])).pictures
    eyes = np.s_[24:36, 8:56]
    assert result[eyes].min(-1).astype(int).mean() < also[eyes].min(-1).astype(int).mean() - 10
    assert PICKS[0] != PICKS[1]


def test_truncation_costs_diversity(services: Services) -> None:
    rows = truncation_rows(drawn(draw_truncations(services, FACES)))
    assert [row.factor for row in rows] == list(TRUNCATIONS)
    found = [row.diversity for row in rows]
    assert found == sorted(found, reverse=True)
    assert found[-1] < 0.3 * found[0]
    assert truncation_table(rows).count("<img") == len(TRUNCATIONS)
    assert TRUNCATION_COUNT == 8
    with pytest.raises(BadInputError, match="one of the GANs"):
        next(iter(draw_truncations(services, Asked("terrain-consistency", 1, 0, "difficulty 1", 1.0))))


def test_examples_ask_for_what_exists(services: Services) -> None:
    for model, label, count in EXAMPLES.values():
        assert model in services.registry
        read_asked(model, count, 0, label or None, 1)


def test_endpoint_returns_the_grid_and_its_facts(client: Client) -> None:
    path, facts = client.predict(5, 7, "dcgan-faces", api_name="/generate_images")
    with Image.open(path) as grid:
        assert isinstance(grid, PngImagePlugin.PngImageFile)
        assert grid.size == (3 * 64, 2 * 64)
        first = np.asarray(grid)[:64, :64].copy()
    assert (facts["model"], facts["seed"], facts["count"], facts["columns"], facts["side"]) == (
        "dcgan-faces",
        7,
        5,
        3,
        64,
    )
    assert 0 < facts["seconds"] < 60
    path, _ = client.predict(1, 7, "dcgan-faces", api_name="/generate_images")
    with Image.open(path) as alone:
        assert np.abs(first.astype(int) - np.asarray(alone)).max() <= 1, "the first picture of a seed stays the same"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((99, 0, "dcgan-faces"), "from 1 to 36"),
        ((1, 0, "no-such-model"), "There is no model 'no-such-model'"),
        ((1, 0, "bicubic"), "cannot draw pictures from noise"),
        ((1, 0, "omniart-eyes", "purple"), "amber, blue"),
    ],
)
def test_endpoint_says_what_is_wrong(client: Client, arguments: tuple[Any, ...], sentence: str) -> None:
    with pytest.raises(Exception, match=sentence):
        client.predict(*arguments, api_name="/generate_images")


def canvas_pixels(canvas: Locator) -> str:
    return str(canvas.evaluate("canvas => canvas.toDataURL()"))


def test_tab_opens_on_recorded_samples_with_a_walk_to_scrub(page: Page, gallery: str) -> None:
    browser.open_tab(page, gallery, PAGE)
    view = page.locator(".block.sample-view:visible")
    expect(view.locator(".sample")).to_have_count(16)
    expect(view.locator(".sample.picked")).to_have_count(2)
    strip = page.locator(".block.model-strip:visible")
    expect(strip).to_contain_text("recorded")
    assert strip.bounding_box()["y"] < 800, "the first screen holds the model strip"  # type: ignore[index]
    frame, slider = view.locator(".walk-frame"), view.get_by_role("slider")
    shown = set()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    for place in ("0", "16", "32"):
        slider.fill(place)
        page.wait_for_timeout(100)
        shown.add(canvas_pixels(frame))
    assert len(shown) == 3
    assert not [url for url in requests if "/queue/" in url or "/run/" in url], "scrubbing needs no server"
    page.get_by_role("button", name="Show raw pixels").click()
    expect(view.locator(".sample canvas").first).to_have_js_property("width", 64)


def test_student_draws_walks_and_reckons(page: Page, gallery: str) -> None:
    browser.open_tab(page, gallery, PAGE)
    view, status = page.locator(".block.sample-view:visible"), page.locator(".block.status-line:visible")
    page.get_by_role("button", name="Blue eyes").click()
    expect(status.first).to_contain_text("16 pictures in")
    expect(page.get_by_label("Kind").locator("visible=true")).to_have_value("blue")
    expect(page.locator(".block.model-strip:visible")).to_contain_text("painted eyes")
    expect(view.locator(".walk")).to_have_class(re.compile("empty"))

    view.get_by_role("button", name="Show raw pixels").click()
    expect(view.locator(".sample canvas").first).to_have_js_property("width", 128)

    view.locator(".sample").nth(2).click()
    expect(view).to_contain_text("Now choose B.")
    view.locator(".sample").nth(9).click()
    expect(status.first).to_contain_text("33 pictures in")
    expect(view.get_by_role("slider")).to_be_enabled()
    with page.expect_download() as download:
        view.get_by_role("link", name="Save the walk").click()
    with Image.open(download.value.path()) as film:
        assert film.n_frames == 64  # type: ignore[attr-defined]

    board = page.locator(".block.arithmetic-view:visible")
    page.get_by_role("button", name="Compute a").click()
    expect(page.get_by_role("alert")).to_contain_text("one to 3 samples for a")
    for term, places in {"a": (0, 1), "\u2212 b": (2,), "+ c": (3, 4, 5, 6)}.items():
        board.get_by_role("radio", name=term, exact=True).click()
        for place in places:
            board.locator(".sample").nth(place).click()
    expect(board.locator("figure.c")).to_contain_text("3 of up to 3")
    page.get_by_role("button", name="Compute a").click()
    expect(status.nth(1)).to_contain_text("4 pictures in")
    expect(board.locator("figure.result canvas")).to_have_js_property("width", 128)
    expect(board.locator("figure.a")).to_contain_text("mean of 2")


def test_one_picture_is_enlarged_by_the_other_network(page: Page, gallery: str) -> None:
    browser.open_tab(page, gallery, PAGE)
    view = page.locator(".block.sample-view:visible")
    page.locator(".question:visible").get_by_label("number input for Pictures").fill("1")
    page.get_by_role("button", name="Draw", exact=True).click()
    expect(view.locator(".sample")).to_have_count(1)
    view.get_by_role("button", name="Enlarge").click()
    expect(page.locator(".block.status-line:visible").first).to_contain_text("1 enlarged in")
    expect(view).to_contain_text("enlarged by Real-ESRGAN")
    expect(view.locator(".sample canvas")).to_have_js_property("width", 256)
    expect(view.get_by_role("button", name="Enlarge")).to_be_hidden()


def test_new_seed_draws_at_once_and_keys_move_in_the_grid(page: Page, gallery: str) -> None:
    browser.open_tab(page, gallery, PAGE)
    view = page.locator(".block.sample-view:visible")
    expect(view.locator(".sample")).to_have_count(16)
    seed = page.locator(".question:visible").get_by_label("Seed")
    before = seed.input_value()
    page.locator(".question:visible").get_by_role("button", name="New seed").click()
    expect(page.locator(".block.status-line:visible").first).to_contain_text("16 pictures in")
    assert seed.input_value() != before
    expect(page.locator(".block.model-strip:visible")).not_to_contain_text("recorded")
    view.locator(".sample").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(view.locator(".sample").nth(5)).to_have_attribute("aria-pressed", "true")
