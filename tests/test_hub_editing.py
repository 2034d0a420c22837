"""The editing pipelines of the hub, end to end: tiny ones of the real classes, fetched from the stand-in hub by the
specs of the catalog, run through the registry and through what the tabs run."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image
from playwright.sync_api import Page, expect

from demos import colorization, image_translation, inpainting
from demos.services import Services
from demos.settings import read_settings
from models.backends import editing_pipelines
from models.backends.editing_pipelines import MULTIPLE, fitted
from models.colorization import ColorizationRequest, Colorized, Hint
from models.errors import BadInputError
from models.inpainting import Inpainted, InpaintingRequest
from models.lab import to_lab
from models.registry import Registry
from models.specs.hub_editing import HUB_EDITING
from models.specs.image_translation import IMAGE_TRANSLATION
from models.styling import ImageTranslationRequest, TranslatedImage
from models.tasks import Progress
from models.text_to_image import StrokeToImageRequest, TextToImageRequest
from tests.tiny_editing import write_tiny_flux2_klein, write_tiny_inpainting, write_tiny_instruct_pix2pix
from tests.tiny_hub import tiny_registry, written

KLEIN, PIX2PIX, SD_INPAINTING = (spec.id for spec in HUB_EDITING)
WRITERS: dict[str, Callable[[Path], None]] = {
    KLEIN: write_tiny_flux2_klein,
    PIX2PIX: write_tiny_instruct_pix2pix,
    SD_INPAINTING: write_tiny_inpainting,
}
FEW = 3
"""Steps of Stable Diffusion here: each takes as long as any other."""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """The real specs, allowed wherever tests run because their weights are tiny here."""
    folders = written(WRITERS, tmp_path_factory, pickled="pickled.bin")
    with (
        pytest.MonkeyPatch.context() as patch,
        tiny_registry(HUB_EDITING, folders, tmp_path_factory) as (registry, hub),
    ):
        patch.setattr(editing_pipelines, "STEPS", FEW)
        yield registry
        assert not hub.downloads("pickled.bin")


def photograph(width: int = 90, height: int = 61) -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(noise)


def hole(width: int = 90, height: int = 61) -> Any:
    mask = np.zeros((height, width), bool)
    mask[20:40, 30:50] = True
    return mask


def seen(registry: Registry, model: str, method: str, request: Any) -> list[Any]:
    for _ in registry.prepare(model):
        pass
    with registry.lease(model) as lease:
        return list(getattr(lease.backend, method)(request))


@pytest.mark.parametrize(("model", "steps"), [(KLEIN, 4), (PIX2PIX, FEW)])
def test_an_instruction_and_a_seed_give_one_picture(registry: Registry, model: str, steps: int) -> None:
    def edited(prompt: str, seed: int) -> bytes:
        *progress, last = seen(registry, model, "translate", ImageTranslationRequest(photograph(), prompt, seed))
        assert progress == [Progress("step", done, steps) for done in range(1, steps + 1)]
        assert isinstance(last, TranslatedImage)
        assert last.image.size == (90, 61)
        return last.image.tobytes()

    zebra = edited("turn the horse into a zebra", 1)
    assert edited("turn the horse into a zebra", 1) == zebra
    assert edited("turn the horse into a zebra", 2) != zebra
    assert edited("turn summer into winter", 1) != zebra


@pytest.mark.parametrize("model", [KLEIN, PIX2PIX])
@pytest.mark.parametrize(("prompt", "sentence"), [(" \n", "Say what should change"), ("x" * 501, "shorten")])
def test_no_instruction_and_too_long_a_one(registry: Registry, model: str, prompt: str, sentence: str) -> None:
    with pytest.raises(BadInputError, match=sentence):
        seen(registry, model, "translate", ImageTranslationRequest(photograph(), prompt))


def test_colours_change_and_the_lightness_stays(registry: Registry) -> None:
    hint = Hint(12, 30, (200, 40, 40))
    photo = photograph().resize((45, 30)).resize((90, 60), Image.Resampling.BICUBIC)
    answer = seen(registry, KLEIN, "colorize", ColorizationRequest(photo, (hint,), draws=2, seed=5))
    best, first, second = (step for step in answer if isinstance(step, Colorized))
    assert [best.seed, first.seed, second.seed] == [None, 5, 6]
    assert len({made.image.tobytes() for made in (best, first, second)}) == 3
    lab = to_lab(np.asarray(best.image))
    assert np.abs(lab[..., 0] - to_lab(np.asarray(photo))[..., 0]).max() < 1, "one level of rounding"
    wanted = to_lab(np.array([[hint.colour]], np.uint8))[0, 0, 1:]
    there = lab[hint.y, hint.x, 1:]
    assert np.dot(wanted, there) > 0.9 * np.linalg.norm(wanted) * np.linalg.norm(there), "the hue that was asked for"
    (again,) = (
        step
        for step in seen(registry, KLEIN, "colorize", ColorizationRequest(photo, (hint,)))
        if isinstance(step, Colorized)
    )
    assert again.image.tobytes() == best.image.tobytes()


@pytest.mark.parametrize("model", [KLEIN, SD_INPAINTING])
@pytest.mark.parametrize("prompt", ["", "a dog"])
def test_only_the_hole_is_painted(registry: Registry, model: str, prompt: str) -> None:
    photo, mask = photograph(), hole()
    last = seen(registry, model, "inpaint", InpaintingRequest(photo, mask, prompt, 1))[-1]
    assert isinstance(last, Inpainted)
    before, after = np.asarray(photo), np.asarray(last.image)
    assert (before[~mask] == after[~mask]).all()
    assert (before[mask] != after[mask]).any(-1).mean() > 0.9

    hidden = before.copy()
    hidden[mask] = 255 - hidden[mask]
    again = seen(registry, model, "inpaint", InpaintingRequest(Image.fromarray(hidden), mask, prompt, 1))[-1]
    assert (np.asarray(again.image)[mask] == after[mask]).all(), "what is masked is not looked at"
    other = seen(registry, model, "inpaint", InpaintingRequest(photo, mask, prompt, 2))[-1]
    assert (np.asarray(other.image)[mask] != after[mask]).any()


def test_a_caption_and_strokes_become_pictures(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in registry.prepare(KLEIN):
        pass
    with registry.lease(KLEIN) as lease:
        painter = lease.backend
        monkeypatch.setattr(painter, "image_size", 64)
        film = list(painter.draw(TextToImageRequest(("a cat", "a dog"), (1, 2), steps=4)))
        assert [state.done for state in film] == [0, 1, 2, 3, 4]
        shares = [state.noise_share for state in film]
        assert shares == sorted(shares, reverse=True)
        assert (shares[0], shares[-1]) == (1, 0)
        assert film[-1].result.shape == (2, 64, 64, 3)
        *_, alone = painter.draw(TextToImageRequest(("a dog",), (2,), steps=4))
        assert np.abs(alone.result[0].astype(int) - film[-1].result[1]).max() <= 2, "whatever is drawn beside it"

        drawing = np.asarray(photograph(64, 64))
        first, *_, painted = painter.from_strokes(StrokeToImageRequest(drawing, "a cat", (0.5, 1.0), steps=2))
        assert first.noise_share == pytest.approx(0.5)
        assert painted.result.shape == (2, 64, 64, 3)


def test_stopping_ends_the_work_after_a_step(registry: Registry) -> None:
    for _ in registry.prepare(PIX2PIX):
        pass
    with registry.lease(PIX2PIX) as lease:
        work = lease.backend.translate(ImageTranslationRequest(photograph(), "make it winter"))
        assert next(work) == Progress("step", 1, FEW)
        work.close()
        again = list(lease.backend.translate(ImageTranslationRequest(photograph(), "make it winter")))
    assert isinstance(again[-1], TranslatedImage), "the weights serve the next request"


@pytest.mark.parametrize("size", [(32, 32), (90, 61), (4000, 3000), (1, 3000), (20_000, 40)])
def test_every_shape_fits(size: tuple[int, int]) -> None:
    width, height = fitted(size, 512 * 512, 1024 * 1024)
    assert width % MULTIPLE == height % MULTIPLE == 0
    assert min(width, height) >= 4 * MULTIPLE
    assert width * height <= 1024 * 1024
    if max(size) < 10 * min(size):
        assert width / height == pytest.approx(size[0] / size[1], rel=0.1)
        assert width * height > 0.9 * 512 * 512


@pytest.fixture(scope="module")
def address(registry: Registry, services: Services) -> Iterator[str]:
    """The three tabs, with these models beside CycleGAN and the small network that the tabs cannot do without."""
    own = [spec for spec in services.registry if spec not in HUB_EDITING and spec.id not in registry]
    registry.add(*own)
    small = Services(registry, read_settings(["--port", "0"]))
    with gr.Blocks() as page:
        for demo in (image_translation, colorization, inpainting):
            with gr.Tab(demo.PAGE.title):
                demo.build(small)
    _, url, _ = page.queue().launch(prevent_thread_lock=True, quiet=True)
    yield url
    page.close()


def saved(picture: Image.Image, folder: Path, name: str) -> Any:
    picture.save(folder / name)
    return handle_file(str(folder / name))


def test_endpoints_pass_prompt_and_seed(address: str, tmp_path: Path) -> None:
    client = Client(address, verbose=False)
    photo = saved(photograph(), tmp_path, "photo.png")
    mask = saved(Image.fromarray(hole().astype(np.uint8) * 255), tmp_path, "mask.png")
    for model in (KLEIN, PIX2PIX):
        path, facts = client.predict(photo, "make it winter", model, 7, api_name="/translate_image")
        assert Image.open(path).size == (90, 61)
        assert (facts["model"], facts["seed"], facts["prompt"]) == (model, 7, "make it winter")
    with pytest.raises(Exception, match="Say what should change"):
        client.predict(photo, "", KLEIN, 0, api_name="/translate_image")
    path, facts = client.predict(photo, KLEIN, 3, "", 0.38, True, api_name="/colorize")
    assert (facts["model"], facts["seed"]) == (KLEIN, 3)
    for model in (KLEIN, SD_INPAINTING):
        path, facts = client.predict(photo, mask, "a dog", model, 4, api_name="/inpaint")
        assert (facts["model"], facts["seed"], facts["prompt"]) == (model, 4, "a dog")


def test_a_prompt_is_asked_for_where_one_is_read(address: str, page: Page) -> None:
    page.goto(address)
    prompt = page.get_by_label("What should change")
    expect(prompt).to_have_value(image_translation.INSTRUCTIONS[0])
    page.get_by_text("turn summer into winter").click()
    expect(prompt).to_have_value("turn summer into winter")
    (vintage,) = IMAGE_TRANSLATION
    picker = page.get_by_label("Model", exact=True).first
    picker.select_option(vintage.id)
    expect(prompt).to_be_hidden()
    expect(page.get_by_role("button", name="Make it vintage")).to_be_visible()
    picker.select_option(PIX2PIX)
    expect(prompt).to_be_visible()
    page.get_by_role("button", name="Change it").click()
    expect(page.locator(".status-line:visible").first).to_contain_text("px in")
    page.get_by_role("tab", name="Inpainting").click()
    there = page.get_by_label("What should be there")
    expect(there).to_be_visible()
    page.locator("select:visible").first.select_option("inpainting-telea")
    expect(there).to_be_hidden()
