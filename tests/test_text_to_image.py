"""Text to image: the backend on a tiny network, the index of captions, the endpoint and the tab on the real weights."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gradio_client import Client
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from playwright.sync_api import Locator, Page, expect

from demos.services import Services
from demos.text_drawing import NEIGHBOURS, Cells, Drawn, draw, draw_matrix, read_asked, read_template
from demos.text_drawing_view import UNKNOWN, near_value, note_for, sheet_value
from demos.text_to_image_page import EXAMPLES, PAGE, TEMPLATE
from models.backends.caption_index import THUMBNAIL, CaptionIndex, sentence_embeddings
from models.backends.pixel_dit import TEXT_TOKENS, CaptionEncoder, PixelDiT, PixelDiTConfig, TextStates
from models.backends.text_to_image import PixelDiTPainter
from models.errors import BadInputError
from models.sources import Mirror, OnBytes, PackagedAndFetched, WeightFile
from models.text_to_image import LARGEST_BATCH, Denoising, StrokeToImageRequest, TextToImageRequest
from models.training.text_to_image_retrieval import Retrieved, ranks, summary
from tests import browser

TINY = PixelDiTConfig(image_size=16, patch=8, width=32, depth=2, heads=2, text_width=8, features=2)


class ToyEncoder(CaptionEncoder):
    """Gives every caption token states of its own, by its letters."""

    def __init__(self) -> None: ...

    def encode(self, captions: Sequence[str]) -> TextStates:
        states = []
        for caption in captions:
            generator = torch.Generator().manual_seed(sum(caption.encode()))
            states.append(torch.randn(TEXT_TOKENS, TINY.text_width, generator=generator))
        mask = torch.zeros(len(captions), TEXT_TOKENS, dtype=torch.bool)
        mask[:, :4] = True
        return TextStates(torch.stack(states), mask)


def toy_index(captions: Sequence[Sequence[str]]) -> CaptionIndex:
    words = [caption for texts in captions for caption in texts]
    shades = np.stack([np.full((THUMBNAIL, THUMBNAIL, 3), 20 * place, np.uint8) for place in range(len(captions))])
    return CaptionIndex(captions, sentence_embeddings(ToyEncoder().encode(words)), shades)


@pytest.fixture
def painter() -> PixelDiTPainter:
    torch.manual_seed(0)
    network = PixelDiT(TINY).eval()
    for parameter in network.parameters():  # past the zero initialisation, where every condition is ignored
        parameter.data += 0.05 * torch.randn_like(parameter)
    index = toy_index([["a cat", "a kitten"], ["a dog"], ["a hat"]])
    return PixelDiTPainter(network, ToyEncoder(), index, torch.device("cpu"))


def request(prompts: tuple[str, ...], seeds: tuple[int, ...], guidance: float = 3.0) -> TextToImageRequest:
    return TextToImageRequest(prompts, seeds, 5, guidance)


def result(steps: Any) -> Any:
    *_, last = steps
    return last


def test_every_step_from_noise_to_picture_is_told(painter: PixelDiTPainter) -> None:
    steps = list(painter.draw(request(("cat", "dog"), (1, 2))))
    assert [step.done for step in steps] == list(range(6))
    assert [step.noise_share for step in steps] == pytest.approx([1, 0.8, 0.6, 0.4, 0.2, 0])
    assert all(step.noisy.shape == step.clean.shape == (2, 16, 16, 3) for step in steps)
    assert np.array_equal(steps[-1].noisy, steps[-1].clean)
    assert steps[0].noisy.std() > 60, "the start is noise"


def test_a_seed_and_a_prompt_give_one_picture_whatever_is_drawn_beside_it(painter: PixelDiTPainter) -> None:
    alone = result(painter.draw(request(("cat",), (7,)))).noisy[0]
    beside = result(painter.draw(request(("dog", "cat", "cat"), (7, 7, 8)))).noisy
    assert np.abs(alone.astype(int) - beside[1]).max() <= 1
    assert np.abs(alone.astype(int) - beside[0]).max() > 2, "the prompt matters"
    assert np.abs(alone.astype(int) - beside[2]).max() > 2, "the seed matters"
    unguided = [result(painter.draw(request((prompt,), (7,), guidance=0))).noisy for prompt in ("cat", "dog")]
    assert np.array_equal(*unguided)


def test_strokes_stay_at_low_strength_and_are_forgotten_at_full(painter: PixelDiTPainter) -> None:
    drawing = np.zeros((40, 40, 3), np.uint8)
    drawing[:, 20:] = 255
    steps = list(painter.from_strokes(StrokeToImageRequest(drawing, "cat", (0.01, 0.5, 1.0), seed=3, steps=4)))
    assert [step.noise_share for step in steps] == pytest.approx([1, 0.75, 0.5, 0.25, 0])
    start = steps[0].noisy
    assert start[0, :, :8].mean() < 10
    assert start[0, :, 8:].mean() > 245
    drawn = result(painter.draw(TextToImageRequest(("cat",), (3,), 4))).noisy[0]
    assert np.abs(steps[-1].noisy[2].astype(int) - drawn).max() <= 1, "full strength is drawing from the prompt alone"
    blank = StrokeToImageRequest(255 - drawing, "cat", (1.0,), seed=3, steps=4)
    assert np.abs(result(painter.from_strokes(blank)).noisy[0].astype(int) - drawn).max() <= 1
    alone = StrokeToImageRequest(drawing, "cat", (0.5,), seed=3, steps=4)
    beside = steps[-1].noisy[1]
    assert np.abs(result(painter.from_strokes(alone)).noisy[0].astype(int) - beside).max() <= 1


def test_closing_stops_the_network(painter: PixelDiTPainter) -> None:
    seen: list[int] = []
    painter.network.register_forward_hook(lambda *_: seen.append(1))
    steps = painter.draw(request(("cat",), (1,)))
    next(steps)
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda: TextToImageRequest(("cat",), (1, 2)), "each with a prompt and a seed"),
        (lambda: TextToImageRequest((), ()), "Ask for 1 to 16"),
        (lambda: TextToImageRequest(("x" * 201,), (1,)), "200 characters"),
        (lambda: TextToImageRequest(("\ud800",), (1,)), "half of a character"),
        (lambda: TextToImageRequest(("cat",), (-1,)), "seed"),
        (lambda: TextToImageRequest(("cat",), (1,), steps=51), "1 to 50 steps"),
        (lambda: TextToImageRequest(("cat",), (1,), guidance=float("nan")), "guidance"),
        (lambda: StrokeToImageRequest(np.zeros((4, 4), np.uint8), "", (0.5,)), "draw something first"),
        (lambda: StrokeToImageRequest(np.zeros((4, 4, 3), np.uint8), "", (0.0,)), "strength"),
    ],
)
def test_wrong_requests_get_a_sentence(wrong: Any, sentence: str) -> None:
    with pytest.raises(BadInputError, match=sentence):
        wrong()


def test_index_survives_the_disk_and_names_a_picture_once(painter: PixelDiTPainter, tmp_path: Path) -> None:
    index = painter.index
    index.save(tmp_path, {"photo": {"licence": "GPL-2"}})
    again = CaptionIndex.load(tmp_path)
    assert json.loads((tmp_path / "neighbours.json").read_text())["sources"]["photo"]["licence"] == "GPL-2"
    assert again.captions == index.captions
    assert np.abs(again.embeddings - index.embeddings).max() < 0.02
    assert np.abs(again.thumbnails.astype(int) - index.thumbnails).max() < 6
    near = painter.nearest("a kitten", 3)
    assert near[0].caption == "a kitten"
    assert near[0].similarity == pytest.approx(1, abs=1e-5)
    assert len({neighbour.thumbnail.mean() for neighbour in near}) == 3, "each picture once"
    assert painter.nearest("a dog, 3d emoji", 1)[0].caption == "a dog", "3-D emoji are the default style"


def test_only_what_does_not_ship_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []

    class Elsewhere(Mirror):
        def fetch(self, files: tuple[WeightFile, ...], into: Path, on_bytes: OnBytes) -> None:
            fetched.extend(file.name for file in files)

    monkeypatch.setattr("models.sources.__file__", str(tmp_path / "sources.py"))
    (tmp_path / "weights/tiny").mkdir(parents=True)
    (tmp_path / "weights/tiny/ours").write_bytes(b"abc")
    files = (WeightFile("ours", "0" * 64, 3), WeightFile("theirs", "0" * 64, 5))
    arrived: list[int] = []
    PackagedAndFetched("tiny", Elsewhere()).fetch(files, tmp_path / "into", arrived.append)
    assert (tmp_path / "into/ours").read_bytes() == b"abc"
    assert (fetched, arrived) == (["theirs"], [3])


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ((" \u200b\n", 25, 3, 0, "pixel-dit"), "Type some text first"),
        (("x" * 201, 25, 3, 0, "pixel-dit"), "201 characters and the limit is 200"),
        (("cat", 3, 3, 0, "pixel-dit"), "from 4 to 50"),
        (("cat", 25, float("nan"), 0, "pixel-dit"), "The guidance"),
        (("cat", 25, 3, 1.5, "pixel-dit"), "whole number"),
    ],
)
def test_wrong_prompts_get_a_sentence(asked: Any, sentence: str) -> None:
    with pytest.raises(BadInputError, match=sentence):
        read_asked(*asked)


def test_control_characters_and_line_breaks_go() -> None:
    assert read_asked("a\x00 red\r\n\x1b \u202eapple ", 25, 3, 0, "pixel-dit").prompt == "a red apple"


def test_template_makes_every_combination() -> None:
    template = read_template("a {red|green} {apple|heart|}, clip art")
    assert (template.down, template.across) == (("red", "green"), ("apple", "heart", ""))
    assert template.prompts[1] == "a red heart, clip art"
    assert template.prompts[3] == "a green apple, clip art"
    assert read_template("a {cat|dog}").down == ("",)
    assert len(read_template(TEMPLATE).prompts) == 9


@pytest.mark.parametrize(
    "wrong", ["a cat", "a {red|green", "a red} {cat}", "{a|{b}}", "{a|b}{c|d}{e|f}", "{" + "a|" * 16 + "b}"]
)
def test_wrong_templates_get_a_sentence(wrong: str) -> None:
    with pytest.raises(BadInputError, match=r"brace|at most 16"):
        read_template(wrong)


@given(st.text(alphabet="ab{|} ", max_size=40))
def test_any_template_is_a_sheet_or_a_sentence(text: str) -> None:
    try:
        template = read_template(text)
    except BadInputError:
        return
    assert 1 <= len(template.prompts) == len(template.down) * len(template.across) <= LARGEST_BATCH
    assert not re.search("[{}]", "".join(template.prompts))


def test_retrieval_ranks_the_right_picture() -> None:
    bank = torch.eye(6)
    wanted = torch.tensor([2, 4])
    assert ranks(bank[wanted] + 0.1, bank, wanted).tolist() == [0, 0]
    assert ranks(bank[[0, 1]] + 0.5 * bank[wanted], bank, wanted).tolist() == [1, 1]
    told = summary([Retrieved(0, 0, 0, 7), Retrieved(0, 1, 4, 0)])
    assert told == {"drawn": 2, "pixel top-1": 0.5, "pixel top-5": 1.0, "feature top-1": 0.5, "feature top-5": 0.5}


def test_real_weights_know_colours_and_what_they_do_not_know(services: Services) -> None:
    asked = read_asked("a red apple", 8, 3, 1, "pixel-dit")
    drawn = result(draw(services, asked))
    assert isinstance(drawn, Drawn)
    assert drawn.pictures.shape == (4, 64, 64, 3)
    assert len(drawn.film.noise) == 9
    assert drawn.neighbours[0].caption == "a red apple"
    assert len(drawn.neighbours) == NEIGHBOURS
    assert note_for(near_value(drawn.neighbours)) == ""
    again = result(draw(services, asked, count=1)).pictures[0]
    assert np.abs(again.astype(int) - drawn.pictures[0]).mean() < 4, "a seed means one picture"
    cells = result(draw_matrix(services, asked, ["a red apple", "a green apple"]))
    assert isinstance(cells, Cells)
    red, green = (picture.astype(int).mean((0, 1)) for picture in cells.pictures)
    assert red[0] - red[1] > green[0] - green[1] + 20
    value = sheet_value(["", "x"], ["red", "green"], [cells], "caption")
    assert [bool(picture) for picture in value["pictures"]] == [True, True, False, False]
    strange = result(draw(services, read_asked("quantum chromodynamics", 4, 3, 1, "pixel-dit"), count=1))
    assert note_for(near_value(strange.neighbours)) == UNKNOWN


def test_stop_takes_hold_at_the_next_step(services: Services) -> None:
    steps = draw(services, read_asked("a cat", 50, 3, 1, "pixel-dit"))
    step = next(step for step in steps if isinstance(step, Denoising))
    assert step.done < 5
    steps.close()
    held = [status.leases for status in services.registry.status() if status.spec.id == "pixel-dit"]
    assert held == [0], "nobody holds the model any more"


def test_endpoint_returns_the_picture_and_its_facts(client: Client) -> None:
    path, facts = client.predict("a red apple", 6, 3, 5, "pixel-dit", api_name="/text_to_image")
    with Image.open(path) as picture:
        assert isinstance(picture, PngImagePlugin.PngImageFile)
        assert picture.size == (256, 256)
        assert picture.text["Comment"] == "AI-generated"
    assert (facts["model"], facts["seed"], facts["prompt"], facts["drawn_at"]) == ("pixel-dit", 5, "a red apple", 64)
    assert facts["nearest"][0] == {"caption": "a red apple", "similarity": pytest.approx(1, abs=0.02)}
    for wrong, sentence in {("",): "Type some text first", ("cat", 99): "from 4 to 50"}.items():
        with pytest.raises(Exception, match=sentence):
            client.predict(*wrong, api_name="/text_to_image")
    with pytest.raises(Exception, match="cannot draw from a caption"):
        client.predict("cat", 6, 3, 5, "bicubic", api_name="/text_to_image")


def pixels_of(line: Locator) -> str:
    return str(line.locator("canvas").first.evaluate("canvas => canvas.toDataURL()"))


def test_student_draws_scrubs_and_compares_words(page: Page, gallery: str) -> None:
    browser.open_tab(page, gallery, PAGE)
    view, status = page.locator(".block.drawing-view:visible"), page.locator(".block.status-line:visible")
    strip = page.locator(".block.model-strip:visible")
    expect(strip).to_contain_text("recorded")
    assert strip.bounding_box()["y"] < 800, "the first screen holds the model strip"  # type: ignore[index]
    expect(view.locator(".sample")).to_have_count(4)

    page.get_by_label("What do you want to see?").fill("")
    page.get_by_role("button", name="Draw", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Type some text first")
    # Markup stays text: were it run, the page would log an error and the test fail.
    page.get_by_label("What do you want to see?").fill("<img src=x onerror=boom()> ${boom()}")
    page.get_by_label("number input for Steps").locator("visible=true").fill("6")
    page.get_by_role("button", name="Draw", exact=True).click()
    expect(status.first).to_contain_text("enlarged in")
    page.get_by_role("button", name=EXAMPLES[1], exact=True).click()
    expect(view.locator(".near li").first).to_contain_text("a red apple1.00")
    expect(status.first).to_contain_text("enlarged in")
    expect(strip).not_to_contain_text("recorded")
    expect(view.locator(".notice")).to_contain_text("Drawn at 64 x 64, enlarged by Real-ESRGAN")
    expect(view.locator(".sample canvas").first).to_have_js_property("width", 256)

    slider, requests = view.get_by_role("slider"), list[str]()
    page.on("request", lambda request: requests.append(request.url))
    shown = set()
    for step in ("0", "3", "6"):
        slider.fill(step)
        expect(view.locator(".film-words")).to_contain_text(f"step {step} of 6")
        page.wait_for_timeout(150)
        shown |= {pixels_of(view.locator(".film-noisy")), pixels_of(view.locator(".film-clean"))}
    assert len(shown) >= 5
    assert not [url for url in requests if "/queue/" in url or "/run/" in url], "scrubbing needs no server"
    expect(view.locator(".film-words")).to_contain_text("0% noise")
    view.locator(".sample").nth(2).click()
    expect(view.locator(".sample:visible")).to_have_count(1)
    view.locator(".sample:visible").click()
    view.get_by_role("button", name="Show raw pixels").click()
    expect(view.locator(".sample canvas").first).to_have_js_property("width", 64)
    with page.expect_download() as download:
        view.get_by_role("link", name="Save").click()
    with Image.open(download.value.path()) as saved:
        assert saved.size == (512, 512)

    page.get_by_label("Prompt with words that vary").fill("a {red|green} apple")
    page.get_by_role("button", name="Draw the sheet").click()
    expect(status.nth(1)).to_contain_text("2 pictures")
    expect(page.locator("#prompt-matrix img")).to_have_count(2)
    expect(page.locator("#prompt-matrix")).to_contain_text("green")
