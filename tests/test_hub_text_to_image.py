"""Z-Image, SD-Turbo and Stable Diffusion, tiny ones from the stand-in hub, up to the endpoints and the page (about
15 s)."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image, PngImagePlugin
from playwright.sync_api import Page, expect

from demos.gallery import build_gallery, launch
from demos.pictures import read_picture
from demos.services import Services
from demos.settings import read_settings
from demos.stroke_examples import PAINTINGS
from demos.stroke_painting import ADDING, STRENGTHS, Compared, Painted, compare, paint, squared
from demos.stroke_painting import read_asked as read_strokes
from demos.stroke_to_image_page import PAGE as STROKES
from demos.text_drawing import Cells, Drawn, draw, draw_grid, draw_matrix, read_asked
from demos.text_drawing_view import LARGEST_CELL, film_sheets, sheet_value
from demos.text_to_image_page import PAGE as TEXT
from models.backends import text_pipelines
from models.backends.text_pipelines import LatentPainter
from models.catalog import CATALOG
from models.errors import OutOfMemoryError
from models.inpainting import Inpainted, InpaintingRequest
from models.registry import Registry
from models.specs.hub_text_to_image import HUB_TEXT_TO_IMAGE
from models.store import WeightStore
from models.tasks import Progress, Task
from models.text_to_image import SAMPLING, Denoising, StrokeToImageRequest, TextToImageRequest, sampling_for
from tests import browser
from tests.conftest import CPU
from tests.served_gallery import free_port
from tests.standin_hub import StandInHub
from tests.test_pipelines import limit_memory
from tests.tiny_hub import DEVICES, run_here
from tests.tiny_text_to_image import save_stable_diffusion, save_z_image

MODELS = ("z-image-turbo", "sd-turbo", "stable-diffusion-1.5")
SIDE, PREVIEW = 256, 32


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The real specs over tiny weights that come from the hub under the real names."""
    folder = tmp_path_factory.mktemp("hub")
    repositories = {
        "Tongyi-MAI/Z-Image-Turbo": folder / "z-image",
        "stabilityai/sd-turbo": folder / "sd-turbo",
        "stable-diffusion-v1-5/stable-diffusion-v1-5": folder / "sd",
    }
    save_z_image(folder / "z-image")
    save_stable_diffusion(folder / "sd-turbo", distilled=True)
    save_stable_diffusion(folder / "sd", distilled=False)
    with pytest.MonkeyPatch.context() as patch, StandInHub(repositories) as hub:
        patch.setenv("HF_ENDPOINT", hub.url)
        patch.setattr(text_pipelines, "Z_IMAGE_SIDE", SIDE)
        specs = [run_here(spec) if spec in HUB_TEXT_TO_IMAGE else replace(spec, preference=1000) for spec in CATALOG]
        store = WeightStore(tmp_path_factory.mktemp("cache"))
        settings = read_settings(["--port", "0"], {"GALLERY_DEMOS": "text-to-image,stroke-to-image,inpainting"})
        services = Services(Registry(specs, store=store, devices=DEVICES), settings)
        yield services
        services.registry.close()


def last(steps: Any) -> Any:
    *_, end = steps
    return end


@pytest.fixture
def z_image(services: Services) -> Iterator[LatentPainter]:
    with services.registry.lease("z-image-turbo") as lease:
        yield lease.backend


def test_every_table_of_settings_names_models_that_exist() -> None:
    assert set(SAMPLING) <= {spec.id for spec in CATALOG}


@pytest.mark.parametrize("model", MODELS)
def test_every_step_is_told_in_previews_and_the_last_in_full(services: Services, model: str) -> None:
    with services.registry.lease(model) as lease:
        painter: LatentPainter = lease.backend
        asked = TextToImageRequest(("a cat", "a dog"), (1, 2), 3, sampling_for(model).guidance)
        steps = list(painter.draw(asked))
        alone = last(painter.draw(replace(asked, prompts=("a dog",), seeds=(2,)))).result[0].astype(int)
        assert painter.nearest("a cat", 5) == ()
        assert painter.image_size == SIDE
    assert [(step.done, step.total) for step in steps] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    shares = [step.noise_share for step in steps]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == pytest.approx(1, abs=0.1)
    assert shares[-1] == 0
    assert all(step.noisy.shape == step.clean.shape == (2, PREVIEW, PREVIEW, 3) for step in steps)
    assert [step.pictures is None for step in steps] == [True, True, True, False]
    assert steps[-1].result.shape == (2, SIDE, SIDE, 3)
    assert np.abs(alone - steps[-1].result[1]).max() <= 1, "a seed and a prompt give one picture"
    assert np.abs(alone - steps[-1].result[0]).max() > 1


def test_prompt_and_guidance_matter_where_they_should(services: Services) -> None:
    def drawn(model: str, prompt: str, guidance: float) -> np.ndarray[Any, Any]:
        with services.registry.lease(model) as lease:
            end: Denoising = last(lease.backend.draw(TextToImageRequest((prompt,), (4,), 2, guidance)))
            return end.result.astype(int)

    def differ(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
        return bool(np.abs(one - other).max() > 0)

    for model in ("z-image-turbo", "sd-turbo"):
        assert differ(drawn(model, "a cat", 0), drawn(model, "sunflowers at night", 0))
        assert not differ(drawn(model, "a cat", 0), drawn(model, "a cat", 8)), "distilled: no guidance"
    guided = "stable-diffusion-1.5"
    assert not differ(drawn(guided, "a cat", 0), drawn(guided, "sunflowers at night", 0)), "guidance 0 does not listen"
    assert differ(drawn(guided, "a cat", 1), drawn(guided, "sunflowers at night", 1))
    assert differ(drawn(guided, "a cat", 1), drawn(guided, "a cat", 8))


@pytest.mark.parametrize("model", MODELS[:2])
def test_strength_is_the_share_of_noise(services: Services, model: str) -> None:
    drawing = np.zeros((40, 40, 3), np.uint8)
    drawing[:, 20:] = 255
    asked = StrokeToImageRequest(drawing, "a cat", (0.05, 0.5, 1.0), seed=3, steps=2, guidance=0)
    with services.registry.lease(model) as lease:
        painter: LatentPainter = lease.backend
        steps = list(painter.from_strokes(asked))
        other = last(painter.from_strokes(replace(asked, drawing=255 - drawing))).result.astype(int)
        drawn = last(painter.draw(TextToImageRequest(("a cat",), (3,), 2, 0))).result.astype(int)
        alone = last(painter.from_strokes(replace(asked, strengths=(0.5,)))).result.astype(int)
    assert [(step.done, step.total) for step in steps] == [(done, 6) for done in range(7)]
    full = painter.most_noise
    assert [step.noise_share for step in steps][::2] == pytest.approx([0.05, 0.5, full, 0], abs=0.01)
    assert all(len(step.noisy) == len(step.clean) == 3 for step in steps)
    made = steps[-1].result.astype(int)
    assert np.abs(made[2] - drawn[0]).max() <= 1, "full strength is drawing from the prompt alone"
    assert np.abs(made[2] - other[2]).max() <= 1
    assert np.abs(made[1] - other[1]).max() > 3, "half of the drawing is still there"
    assert np.abs(made[1] - alone[0]).max() <= 1
    unlike = [np.abs(steps[0].noisy[place].astype(int) - steps[0].noisy[0]).mean() for place in range(3)]
    assert unlike == sorted(unlike), "more strength, more noise"


def test_only_the_hole_is_filled(z_image: Any) -> None:
    picture = Image.effect_noise((120, 90), 60).convert("RGB")
    mask = np.zeros((90, 120), bool)
    mask[30:60, 40:80] = True
    *steps, end = z_image.inpaint(InpaintingRequest(picture, mask, "a red flower", 1))
    assert isinstance(end, Inpainted)
    assert end.image.size == picture.size
    assert (np.asarray(end.image)[~mask] == np.asarray(picture)[~mask]).all()
    assert np.abs(np.asarray(end.image)[mask].astype(int) - np.asarray(picture)[mask]).mean() > 1
    assert steps[-1] == Progress("step", 8, 8)
    other = last(z_image.inpaint(InpaintingRequest(picture, mask, "a red flower", 2))).image
    assert (np.asarray(other) != np.asarray(end.image)).any(), "the seed matters"


def test_closing_ends_the_work_at_the_next_step(z_image: LatentPainter) -> None:
    calls: list[int] = []
    hook = z_image.shared.pipeline.transformer.register_forward_hook(lambda *_: calls.append(1))
    steps = z_image.draw(TextToImageRequest(("a cat",), (1,), 40, 0))
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    hook.remove()
    assert len(calls) <= 4
    last(z_image.draw(TextToImageRequest(("a cat",), (1,), 1, 0)))  # the next one is let in


def test_students_prompts_go_together(z_image: LatentPainter) -> None:
    batches: list[int] = []
    hook = z_image.shared.pipeline.transformer.register_forward_hook(
        lambda _, inputs, __: batches.append(len(inputs[0]))
    )
    first = z_image.draw(TextToImageRequest(("a cat",), (1,), 6, 0))
    next(first)  # while it runs, the others line up
    made: dict[int, Any] = {}
    requests = {seed: TextToImageRequest((f"prompt {seed}",), (seed,), 2, 0) for seed in (11, 12, 13)}

    def student(seed: int, request: TextToImageRequest) -> None:
        made[seed] = last(z_image.draw(request)).result

    threads = [threading.Thread(target=student, args=asked) for asked in requests.items()]
    for thread in threads:
        thread.start()
    last(first)
    for thread in threads:
        thread.join(60)
    hook.remove()
    assert sum(batches) == 6 + 3 * 2
    assert len(batches) < 6 + 3 * 2, "some went together"
    for seed, request in requests.items():
        alone = last(z_image.draw(request)).result
        assert np.abs(made[seed].astype(int) - alone).max() <= 1, "each got its own"


def test_memory_that_runs_out_halves_the_batch(
    services: Services, z_image: LatentPainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = z_image.shared
    asked = read_asked("a cat", 2, None, 1, "z-image-turbo")
    whole = last(draw(services, asked))
    monkeypatch.setattr(shared.pipeline, "unet", shared.pipeline.transformer, raising=False)
    monkeypatch.setattr(shared.pipeline.vae, "enable_tiling", lambda: None)
    limit_memory(monkeypatch, shared, largest=2)
    drawn = last(draw(services, asked))
    assert np.abs(drawn.pictures.astype(int) - whole.pictures).max() <= 1
    assert drawn.film.noise == pytest.approx([1, 0.75, 1, 0.75, 0]), "two at a time"
    limit_memory(monkeypatch, shared, largest=0)
    with pytest.raises(OutOfMemoryError, match="smaller picture"):
        last(draw(services, asked))


def test_the_tabs_functions(services: Services) -> None:
    asked = read_asked("a cat", None, None, 1, "sd-turbo")
    assert (asked.steps, asked.guidance) == (4, 0)
    assert read_asked("a cat", 1, 9, 1, "sd-turbo").guidance == 0
    drawn: Drawn = last(draw(services, asked))
    assert drawn.pictures.shape == (4, SIDE, SIDE, 3)
    assert drawn.film.side == PREVIEW
    assert len(drawn.film.noise) == 5
    assert drawn.neighbours == ()
    with Image.open(BytesIO(film_sheets(drawn.film)["clean"])) as film:
        assert film.size == (4 * PREVIEW, 5 * PREVIEW)
    cells: Cells = last(draw_matrix(services, asked, ["a red cat", "a green cat"]))
    assert cells.pictures.shape == (2, SIDE, SIDE, 3)
    large = replace(cells, pictures=np.zeros((1, 1024, 1024, 3), np.uint8))
    assert len(sheet_value(["x"], ["y"], [large], "")["pictures"][0]) < 5 * LARGEST_CELL
    grid = [part for part in draw_grid(services, asked) if isinstance(part, Cells)]
    assert [part.first for part in grid] == [0, 1, 2, 3], "no guidance to vary"


def test_strokes_in_the_tab(services: Services) -> None:
    drawing = squared(read_picture(PAINTINGS[0].path))
    asked = read_strokes("a house", 0.6, 3, "sd-turbo")
    painted: Painted = last(paint(services, drawing, asked))
    assert painted.picture.shape == (SIDE, SIDE, 3)
    assert painted.film.noisy.shape == painted.film.clean.shape == (1 + ADDING + 4, PREVIEW, PREVIEW, 3)
    assert painted.film.noise[ADDING] == pytest.approx(0.6, abs=0.01)
    compared: Compared = last(compare(services, drawing, asked))
    assert [row.strength for row in compared.rows] == [0, *STRENGTHS]
    assert compared.rows[0].distance == 0 < compared.rows[1].distance
    assert all(row.surprise > 0 for row in compared.rows)
    assert (last(paint(services, drawing, replace(asked, strength=0))).picture == compared.rows[0].picture).all()


@pytest.fixture(scope="module")
def gallery(services: Services) -> Iterator[str]:
    page = build_gallery(services)
    yield launch(page, replace(services.settings, port=free_port()), block=False)
    page.close()


def checked(path: str) -> Mapping[str, Any]:
    """What the PNG at `path` says of itself, after a look at its size."""
    with Image.open(path) as picture:
        assert isinstance(picture, PngImagePlugin.PngImageFile)
        assert picture.size == (SIDE, SIDE)
        return dict(picture.text)


def test_endpoints(gallery: str) -> None:
    client = Client(gallery, verbose=False)
    path, facts = client.predict("a red apple", api_name="/text_to_image")
    assert checked(path)["Comment"] == "AI-generated"
    assert (facts["model"], facts["steps"], facts["guidance"]) == ("z-image-turbo", 8, 0), "the best that runs here"
    assert (facts["drawn_at"], facts["enlarged"], facts["nearest"]) == (SIDE, None, [])
    assert facts["licence"] == "Apache-2.0"
    path, facts = client.predict(
        handle_file(PAINTINGS[0].path), "a house", 0.6, 5, "sd-turbo", api_name="/stroke_to_image"
    )
    assert checked(path)["Comment"] == "AI-generated"
    assert (facts["model"], facts["steps"], facts["guidance"], facts["enlarged"]) == ("sd-turbo", 4, 0, None)
    with pytest.raises(Exception, match="from 1 to 50"):
        client.predict("a red apple", 0, 0, 0, "sd-turbo", api_name="/text_to_image")
    with pytest.raises(Exception, match="There is no model"):
        client.predict("a red apple", 4, 0, 0, "sd-turbos", api_name="/text_to_image")


def test_a_student_draws_with_a_large_model(page: Page, gallery: str) -> None:
    browser.open_tab(page, gallery, TEXT)
    tab = page.get_by_role("tabpanel")
    steps = tab.get_by_role("spinbutton", name="number input for Steps")
    expect(steps).to_have_value("8")
    tab.get_by_role("combobox", name="Model").select_option("stable-diffusion-1.5")
    expect(steps).to_have_value("25")
    tab.get_by_role("combobox", name="Model").select_option("sd-turbo")
    expect(steps).to_have_value("4")
    expect(tab.get_by_text("Guidance (unused)")).to_be_visible()
    expect(tab.get_by_text("Nearest things it was trained on")).to_be_visible()
    tab.get_by_label("What do you want to see?").fill("a small fox")
    tab.get_by_role("button", name="Draw", exact=True).click()
    expect(tab.locator(".drawn .notice")).to_have_text(f"Drawn at {SIDE} x {SIDE}. AI-generated.")
    expect(tab.locator(".status-line").first).to_contain_text("4 pictures in")
    expect(tab.get_by_text("Nearest things it was trained on")).to_be_hidden()
    assert tab.locator(".near li").count() == 0
    expect(tab.get_by_role("button", name="Show raw pixels")).to_be_hidden()
    film = tab.get_by_role("slider", name="Denoising step")
    film.fill("4")
    expect(tab.locator(".film-words")).to_have_text("step 4 of 4: 0% noise")
    with page.expect_download() as download:
        tab.locator(".save-drawn").click()
    with Image.open(download.value.path()) as whole:
        assert whole.size == (2 * SIDE, 2 * SIDE)
    tab.get_by_role("button", name="Draw the grid for this prompt").click()
    expect(tab.locator("#guidance-grid td img, #guidance-grid img")).to_have_count(4)


def test_a_student_paints_with_a_large_model(page: Page, gallery: str) -> None:
    browser.open_tab(page, gallery, STROKES)
    tab = page.get_by_role("tabpanel")
    tab.get_by_role("button", name="Advanced").click()
    tab.get_by_role("combobox", name="Model").select_option("sd-turbo")
    tab.get_by_role("button", name="Paint it").click()
    expect(tab.locator(".stroke-words .notice")).to_have_text(f"Painted at {SIDE} x {SIDE} pixels. AI-generated.")
    tab.get_by_role("slider", name="Frame of adding and removing noise").fill(str(ADDING + 4))
    expect(tab.locator(".stroke-words .film-words")).to_have_text("removing noise, step 4 of 4: 0% noise")


def test_they_are_preferred_where_they_run_and_nothing_changes_elsewhere(services: Services) -> None:
    for task in (Task.TEXT_TO_IMAGE, Task.STROKE_TO_IMAGE):
        registry = Registry(CATALOG, store=services.registry.store, devices=(CPU,))
        assert registry.choose(task).spec == registry["pixel-dit"]
        assert registry.choose(task).reasons["z-image-turbo"] == "needs CUDA"
        first, second, *_ = registry.for_task(task)
        assert first == registry["flux2-klein-4b"], "one set of weights serves five tabs"
        assert second == registry["z-image-turbo"]
