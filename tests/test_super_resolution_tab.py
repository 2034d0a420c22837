"""The Super-resolution tab: what its functions, its endpoint and its page do, on the real weights."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from playwright.sync_api import Page, expect

from demos.enlarging import (
    AS_IT_IS,
    BICUBIC,
    MAX_REFERENCE_SIDE,
    ORIGINAL,
    PIXELS,
    SHRINK,
    Enlarged,
    enlarge,
    kept_views,
    prepare_task,
)
from demos.examples import example
from demos.pictures import keep_png, read_picture
from demos.services import Services
from demos.super_resolution import PAGE
from models.errors import BadInputError
from tests import browser


def write_picture(folder: Path, mode: str, size: tuple[int, int], kind: str = "PNG", **options: Any) -> str:
    path = folder / f"picture.{kind.lower()}"
    Image.new(mode, size, 1 if mode in ("1", "P") else None).save(path, kind, **options)
    return str(path)


@given(
    mode=st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"]),
    width=st.integers(1, 300),
    height=st.integers(1, 300),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_picture_becomes_rgb(tmp_path: Path, mode: str, width: int, height: int) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    picture = read_picture(write_picture(tmp_path, mode, (width, height), kind))
    assert (picture.mode, picture.size) == ("RGB", (width, height))


@given(content=st.binary(max_size=2000))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_file_that_is_no_picture_gets_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file.png").write_bytes(content)
    with pytest.raises(BadInputError):
        read_picture(str(tmp_path / "file.png"))


@given(cut=st.integers(200, 5000))
@settings(max_examples=60, deadline=None)
def test_truncated_picture_gets_a_sentence(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    whole = Path(example("drawing.png")).read_bytes()
    path = tmp_path_factory.mktemp("cut") / "cut.png"
    path.write_bytes(whole[:-cut])
    with pytest.raises(BadInputError, match=r"damaged|not a PNG"):
        read_picture(str(path))


def test_phone_photograph_stands_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees
    path = write_picture(tmp_path, "RGB", (40, 20), "JPEG", exif=exif.tobytes())
    assert read_picture(path).size == (20, 40)


def test_transparency_lies_on_white(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert read_picture(str(tmp_path / "clear.png")).getpixel((0, 0)) == (255, 255, 255)


def test_sixteen_bit_grey_keeps_its_brightness(tmp_path: Path) -> None:
    Image.new("I;16", (4, 4), 128 * 256).save(tmp_path / "deep.png")
    assert read_picture(str(tmp_path / "deep.png")).getpixel((0, 0)) == (128, 128, 128)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(("side", "megapixels"), [(10_000, "100"), (20_000, "far too many")])
def test_too_many_pixels_are_refused_before_decoding(tmp_path: Path, side: int, megapixels: str) -> None:
    # A PNG header alone: decoding would need the rest, so passing means that nothing was decoded.
    content = BytesIO()
    Image.new("1", (side, side)).save(content, "PNG")
    (tmp_path / "huge.png").write_bytes(content.getvalue()[:100])
    with pytest.raises(BadInputError, match=f"{megapixels} megapixels"):
        read_picture(str(tmp_path / "huge.png"))


def test_fair_test_shrinks_by_four_and_bounds_the_work(tmp_path: Path) -> None:
    task = prepare_task(write_picture(tmp_path, "RGB", (3001, 1999)), SHRINK)
    assert task.original is not None
    assert max(task.original.size) <= MAX_REFERENCE_SIDE
    assert task.original.size == (task.small.width * 4, task.small.height * 4)


def test_one_pixel_can_be_enlarged_but_not_shrunk(tmp_path: Path) -> None:
    path = write_picture(tmp_path, "RGB", (1, 1))
    assert prepare_task(path, AS_IT_IS).small.size == (1, 1)
    with pytest.raises(BadInputError, match="too small to shrink"):
        prepare_task(path, SHRINK)


def test_too_large_as_it_is_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="512 x 512"):
        prepare_task(write_picture(tmp_path, "RGB", (600, 600)), AS_IT_IS)


def test_download_carries_its_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with Image.open(keep_png(Image.new("RGB", (2, 2)), "made.png", {"model": "m", "seed": 3})) as picture:
        assert isinstance(picture, PngImagePlugin.PngImageFile)
        assert picture.text["Comment"] == "AI-generated"
        assert '"seed": 3' in picture.text["Parameters"]


def test_only_what_a_network_has_made_is_labelled_as_generated(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    task = prepare_task(write_picture(tmp_path, "RGB", (64, 64)), SHRINK)
    results = [
        step
        for model in ("bicubic", "real-esrgan-animevideo")
        for step in enlarge(services, task, model)
        if isinstance(step, Enlarged)
    ]
    labels = {}
    for name, path in kept_views(task, results).items():
        with Image.open(path) as picture:
            assert isinstance(picture, PngImagePlugin.PngImageFile)
            labels[name] = picture.text.get("Comment")
    network = results[1].made_by.spec.title
    assert labels == {PIXELS: None, BICUBIC: None, ORIGINAL: None, network: "AI-generated"}
    monkeypatch.setattr("demos.enlarging.keep_png", lambda *_, **__: pytest.fail("encoded a second time"))
    assert all(Path(result.file).is_file() for result in results)


def test_endpoint_returns_the_picture_and_its_facts(client: Client, tmp_path: Path) -> None:
    Image.open(example("cat.png")).crop((0, 0, 48, 32)).save(tmp_path / "small.png")
    from gradio_client import handle_file

    path, facts = client.predict(
        handle_file(str(tmp_path / "small.png")), "real-esrgan-animevideo", api_name="/super_resolution"
    )
    with Image.open(path) as enlarged:
        assert enlarged.size == (192, 128)
    assert facts["model"] == "real-esrgan-animevideo"
    assert facts["seed"] is None
    assert 0 < facts["seconds"] < 60


@pytest.mark.parametrize(
    ("model", "sentence"),
    [("no-such-model", "There is no model 'no-such-model'"), ("hibari-heart", "cannot enlarge pictures")],
)
def test_endpoint_says_what_is_wrong(client: Client, model: str, sentence: str) -> None:
    from gradio_client import handle_file

    with pytest.raises(Exception, match=sentence):
        client.predict(handle_file(example("drawing.png")), model, api_name="/super_resolution")


def open_tab(page: Page, gallery: str) -> None:
    browser.open_tab(page, gallery, PAGE)
    expect(page.get_by_role("heading", name="Super-resolution")).to_be_visible()


def test_tab_opens_on_a_recorded_result(page: Page, gallery: str) -> None:
    open_tab(page, gallery)
    expect(page).to_have_title("Deep Generative Models")
    expect(page.locator("#super-resolution-slider img").first).to_be_visible()
    expect(page.locator(".answer .block.model-strip:visible")).to_contain_text("recorded")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_example_runs_with_one_click(page: Page, gallery: str) -> None:
    open_tab(page, gallery)
    page.locator(".model-picker:visible select").select_option("real-esrgan-animevideo")
    page.locator(".examples:visible button").nth(3).click()
    status = page.locator(".status-line:visible").first
    expect(status).to_contain_text("against the original: PSNR")
    strip = page.locator(".answer .block.model-strip:visible")
    expect(strip).to_contain_text("Real-ESRGAN anime video v3")
    expect(strip).not_to_contain_text("recorded")


def test_stop_stops_between_tiles_and_the_next_run_works(page: Page, gallery: str) -> None:
    open_tab(page, gallery)
    page.locator(".examples:visible button").nth(1).click()
    status = page.locator(".status-line:visible").first
    expect(status).to_contain_text("tile")
    page.keyboard.press("Escape")
    expect(status).to_have_text("Stopped.")
    expect(page.locator(".stop-button:visible").first).to_be_disabled()
    page.locator(".model-picker:visible select").select_option("bicubic")
    page.keyboard.press("Control+Enter")
    expect(status).to_contain_text("PSNR")


def test_wrong_file_gets_a_sentence_and_keeps_the_result(page: Page, gallery: str, tmp_path: Path) -> None:
    open_tab(page, gallery)
    (tmp_path / "notes.png").write_text("these are my notes")
    page.get_by_label("Remove Image").or_(page.get_by_label("Clear")).first.click()
    page.locator(".input-picture:visible input[type=file]").set_input_files(str(tmp_path / "notes.png"))
    page.get_by_role("button", name="Enlarge four times").click()
    expect(page.get_by_role("alert")).to_contain_text("not a PNG, JPEG or WebP")
    expect(page.locator("#super-resolution-slider img").first).to_be_visible()
