"""The enlarging models of the hub, end to end: tiny ones of the real classes, fetched from the stand-in hub by the
specs of the catalog, run through the registry and the tab (about 15 s)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
import torch
from gradio_client import Client, handle_file
from PIL import Image
from playwright.sync_api import Page, expect

from demos import super_resolution
from demos.enlarging import AS_IT_IS, Enlarged, enlarge_with_each, prepare_task
from demos.services import Services
from demos.settings import read_settings
from models.backends import diffusion_upscaler
from models.catalog import CATALOG
from models.errors import BadInputError, FetchError
from models.registry import Registry
from models.specs.hub_super_resolution import HUB_SUPER_RESOLUTION
from models.store import WeightStore
from models.tasks import Progress, Task, Upscaled, UpscaleRequest
from tests.conftest import CPU
from tests.tiny_hub import tiny_registry, written
from tests.tiny_super_resolution import save_swin2sr, save_upscaler

SWIN2SR, UPSCALER = (spec.id for spec in HUB_SUPER_RESOLUTION)
FEW = 3
"""Steps of denoising here: each takes as long as any other."""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """The real specs, allowed wherever tests run because their weights are tiny here."""
    writers = {spec.id: save for spec, save in zip(HUB_SUPER_RESOLUTION, (save_swin2sr, save_upscaler), strict=True)}
    folders = written(writers, tmp_path_factory, pickled="pytorch_model.bin")
    with (
        pytest.MonkeyPatch.context() as patch,
        tiny_registry(HUB_SUPER_RESOLUTION, folders, tmp_path_factory) as (registry, hub),
    ):
        patch.setattr(diffusion_upscaler, "STEPS", FEW)
        yield registry
        assert not hub.downloads("pytorch_model.bin")


def picture(width: int = 60, height: int = 41) -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(noise)


def steps(registry: Registry, model: str, request: UpscaleRequest) -> list[Any]:
    with registry.lease(model) as lease:
        return list(lease.backend.upscale(request))


def pixels(registry: Registry, model: str, request: UpscaleRequest) -> Any:
    last = steps(registry, model, request)[-1]
    assert isinstance(last, Upscaled)
    return np.asarray(last.image).astype(int)


@pytest.mark.parametrize("model", [SWIN2SR, UPSCALER])
@pytest.mark.parametrize("size", [(1, 1), (60, 41), (9, 100)])
def test_any_size_becomes_four_times_as_large(registry: Registry, model: str, size: tuple[int, int]) -> None:
    width, height = size
    assert pixels(registry, model, UpscaleRequest(picture(width, height))).shape == (4 * height, 4 * width, 3)


@pytest.mark.parametrize("model", [SWIN2SR, UPSCALER])
def test_a_picture_without_pixels_gets_a_sentence(registry: Registry, model: str) -> None:
    with pytest.raises(BadInputError, match="no pixels"):
        steps(registry, model, UpscaleRequest(Image.new("RGB", (0, 3))))


def test_the_transformer_is_run_as_its_own_forward_runs_it(registry: Registry) -> None:
    with registry.lease(SWIN2SR) as lease:
        net, small = lease.backend.net, np.asarray(picture(64, 48))
        with torch.inference_mode():
            whole = net(torch.tensor(small).movedim(-1, 0)[None] / 255).reconstruction[0].movedim(0, -1)
        (*progress, last) = lease.backend.upscale(UpscaleRequest(Image.fromarray(small)))
    assert progress == [Progress("tile 1 of 1, stage", done, 2) for done in (1, 2)]
    assert (np.asarray(last.image) == (whole.clamp(0, 1) * 255).round().numpy()).all()


def test_tiles_leave_no_seam(registry: Registry) -> None:
    photo = picture(100, 75)
    tiled = steps(registry, SWIN2SR, UpscaleRequest(photo, tile=40))
    assert tiled[-2] == Progress("tile 6 of 6, stage", 2, 2)
    whole = pixels(registry, SWIN2SR, UpscaleRequest(photo))
    assert whole.std() > 30, "there is something to compare"
    assert np.abs(np.asarray(tiled[-1].image) - whole).max() <= 1


def test_seed_and_prompt_decide_what_is_drawn(registry: Registry) -> None:
    def drawn(prompt: str = "", seed: int = 1) -> Any:
        return pixels(registry, UPSCALER, UpscaleRequest(picture(), prompt=prompt, seed=seed))

    cat = drawn("a cat")
    assert (drawn("a cat") == cat).all()
    assert (drawn("a cat", 2) != cat).any()
    assert (drawn("a dog") != cat).any()
    assert (drawn() != cat).any()
    with pytest.raises(BadInputError, match="shorten"):
        drawn("x" * 501)


def test_the_picture_itself_decides_too(registry: Registry) -> None:
    other = Image.fromarray(255 - np.asarray(picture()))
    first, second = (pixels(registry, UPSCALER, UpscaleRequest(photo)) for photo in (picture(), other))
    assert (first != second).any()


@pytest.mark.parametrize("model", [SWIN2SR, UPSCALER])
def test_stopping_ends_the_work_after_a_step(registry: Registry, model: str) -> None:
    with registry.lease(model) as lease:
        work = lease.backend.upscale(UpscaleRequest(picture()))
        first = next(work)
        work.close()
    assert first == (Progress("step", 1, FEW) if model == UPSCALER else Progress("tile 1 of 1, stage", 1, 2))
    assert isinstance(steps(registry, model, UpscaleRequest(picture()))[-1], Upscaled), "the next request is served"


def test_large_pictures_are_decoded_in_tiles(registry: Registry) -> None:
    with registry.lease(UPSCALER) as lease:
        vae = lease.backend.shared.pipeline.vae
        sizes: list[tuple[int, ...]] = []
        vae.decoder.register_forward_hook(lambda decoder, given, made: sizes.append(tuple(made.shape[2:])))
        list(lease.backend.upscale(UpscaleRequest(picture(100, 70))))
    assert len(sizes) > 1
    assert max(max(size) for size in sizes) == vae.config.sample_size


def test_the_default_stays_and_no_network_spoils_no_comparison(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(20, 10).save(tmp_path / "small.png")
    task = prepare_task(str(tmp_path / "small.png"), AS_IT_IS)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    store = WeightStore(services.registry.store.root)
    own = Registry([spec for spec in CATALOG if Task.SUPER_RESOLUTION in spec.tasks], store=store, devices=(CPU,))
    monkeypatch.setattr(store, "_known", lambda weights: None if weights.unpinned else weights)  # never fetched
    made = [(spec.id, step) for spec, step in enlarge_with_each(Services(own, services.settings), task)]
    own.close()
    assert own.choose(Task.SUPER_RESOLUTION).spec == own["real-esrgan-x4plus"]
    assert [model for model, step in made if isinstance(step, FetchError)] == [SWIN2SR]
    enlarged = [model for model, step in made if isinstance(step, Enlarged)]
    assert enlarged == ["bicubic", "real-esrgan-animevideo", "real-esrgan-x4plus-anime", "real-esrgan-x4plus"]


@pytest.fixture(scope="module")
def address(registry: Registry, services: Services) -> Iterator[str]:
    """The tab, with these models beside those it cannot do without."""
    registry.add(*(spec for spec in services.registry if spec.id not in registry))
    with gr.Blocks() as page:
        super_resolution.build(Services(registry, read_settings(["--port", "0"])))
    _, url, _ = page.queue().launch(prevent_thread_lock=True, quiet=True)
    yield url
    page.close()


def test_the_endpoint_passes_model_seed_and_prompt(address: str, tmp_path: Path) -> None:
    client = Client(address, verbose=False)
    picture(24, 16).save(tmp_path / "small.png")
    small = handle_file(str(tmp_path / "small.png"))

    def asked(*arguments: Any) -> tuple[bytes, dict[str, Any]]:
        path, facts = client.predict(small, *arguments, api_name="/super_resolution")
        return Image.open(path).tobytes(), facts

    first, facts = asked(UPSCALER, 7, "a cat")
    assert (facts["model"], facts["seed"], facts["prompt"]) == (UPSCALER, 7, "a cat")
    assert facts["size"] == [96, 64]
    assert asked(UPSCALER, 7, "a cat")[0] == first
    assert asked(UPSCALER, 8, "a cat")[0] != first
    once, facts = asked(SWIN2SR)
    assert (facts["model"], facts["seed"], "prompt" in facts) == (SWIN2SR, None, False)
    assert asked(SWIN2SR, 5)[0] == once
    with pytest.raises(Exception, match="The seed must be a number"):
        asked(UPSCALER, -1)


def test_a_seed_is_asked_for_where_the_model_draws(address: str, page: Page) -> None:
    page.goto(address)
    advanced = page.get_by_role("button", name="Advanced")
    picker = page.locator(".model-picker:visible select").first
    picker.select_option("bicubic")
    expect(advanced).to_be_hidden()
    picker.select_option(UPSCALER)
    advanced.click()
    expect(page.get_by_label("What is in the picture")).to_be_visible()
    expect(page.get_by_label("Seed").first).to_be_visible()
    picker.select_option(SWIN2SR)
    expect(advanced).to_be_hidden()
