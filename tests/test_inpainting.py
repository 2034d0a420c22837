"""Inpainting: the network, PatchMatch, fast marching, the tab and its endpoint. About 15 s."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from gradio_client import Client, handle_file
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, expect

from demos.drawing import read_mask
from demos.examples import example
from demos.filling import canvas_value, painted_mask, uploaded_mask
from demos.inpainting_page import PAGE
from demos.mask_examples import MASK_EXAMPLES, READY_MASKS
from models.backends import fast_marching, patch_match
from models.backends.gated_convolution import GatedUNet, interpolated
from models.backends.inpainting import (
    LARGEST_SIDE,
    FastMarching,
    load_copying_alone,
    load_network_alone,
    load_structure_and_texture,
)
from models.backends.morphology import depth, grown
from models.errors import BadInputError
from models.inpainting import Draft, Inpainted, Inpainter, InpaintingRequest
from models.specs.inpainting import INPAINTING
from models.store import WeightStore
from models.training.holes import LARGEST, SMALLEST, random_holes
from tests import browser
from tests.conftest import CPU


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def boxed(width: int, height: int, box: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    left, top, right, bottom = box
    mask = np.zeros((height, width), np.bool_)
    mask[top:bottom, left:right] = True
    return mask


def fill(inpainter: Inpainter, image: Image.Image, mask: NDArray[np.bool_], seed: int = 0) -> NDArray[np.uint8]:
    *_, result = inpainter.inpaint(InpaintingRequest(image, mask, seed=seed))
    assert isinstance(result, Inpainted)
    return np.asarray(result.image)


@pytest.fixture(scope="module")
def inpainters(store: WeightStore) -> dict[str, Inpainter]:
    """All four, by their ids."""
    files = store.fetch(INPAINTING[0].weights)
    return {
        "both": load_structure_and_texture(files, CPU),
        "network": load_network_alone(files, CPU),
        "copying": load_copying_alone(files, CPU),
        "marching": FastMarching(),
    }


@pytest.mark.parametrize("name", ["both", "network", "copying", "marching"])
@pytest.mark.parametrize(
    ("size", "box"),
    [((61, 43), (20, 11, 33, 30)), ((200, 9), (90, 0, 95, 9)), ((40, 40), (0, 0, 8, 8)), ((8, 8), (3, 3, 4, 4))],
)
def test_only_masked_pixels_change(
    inpainters: dict[str, Inpainter], name: str, size: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    picture, mask = noise(*size), boxed(*size, box)
    filled = fill(inpainters[name], picture, mask)
    assert filled.shape == (size[1], size[0], 3)
    assert np.array_equal(filled[~mask], np.asarray(picture)[~mask])
    assert not np.array_equal(filled[mask], np.asarray(picture)[mask])


def test_what_the_mask_hides_has_no_influence(inpainters: dict[str, Inpainter]) -> None:
    mask = boxed(40, 36, (16, 10, 26, 20))
    pixels = np.array(noise(40, 36))
    other = np.where(mask[..., None], 255 - pixels, pixels)
    for inpainter in inpainters.values():
        one, two = (fill(inpainter, Image.fromarray(picture), mask) for picture in (pixels, other))
        assert np.array_equal(one, two)


def test_a_large_photograph_keeps_its_size(inpainters: dict[str, Inpainter]) -> None:
    width, height = LARGEST_SIDE + 501, 300
    picture = Image.fromarray(np.tile(np.array([[[90, 120, 200]]], np.uint8), (height, width, 1)))
    mask = boxed(width, height, (40, 140, width - 40, 160))
    for name in ("network", "copying"):
        filled = fill(inpainters[name], picture, mask)
        assert filled.shape == (height, width, 3)
        assert np.abs(filled.astype(int) - [90, 120, 200]).max() <= 3, "one colour is continued"


@pytest.mark.parametrize(
    ("mask", "sentence"),
    [
        (np.zeros((20, 30), np.bool_), "Nothing is masked yet"),
        (np.ones((20, 30), np.bool_), "covers the whole picture"),
        (np.ones((30, 20), np.bool_), "same size"),
    ],
)
def test_useless_masks_get_a_sentence(mask: NDArray[np.bool_], sentence: str) -> None:
    with pytest.raises(BadInputError, match=sentence):
        InpaintingRequest(noise(30, 20), mask)
    with pytest.raises(BadInputError):
        InpaintingRequest(noise(1, 1), np.array([[True]]))


def test_too_little_to_copy_from_gets_a_sentence(inpainters: dict[str, Inpainter]) -> None:
    mask = ~boxed(40, 40, (0, 0, 1, 1))
    with pytest.raises(BadInputError, match="Too little"):
        fill(inpainters["copying"], noise(40, 40), mask)
    assert fill(inpainters["network"], noise(40, 40), mask).shape == (40, 40, 3)


def test_copying_restores_a_periodic_texture(inpainters: dict[str, Inpainter]) -> None:
    y, x = np.mgrid[:96, :96]
    pattern = 128 + 50 * np.sin(2 * np.pi * x / 12) + 50 * np.sin(2 * np.pi * y / 8)
    texture = np.stack([pattern, 255 - pattern, np.full_like(pattern, 90)], -1).astype(np.uint8)
    mask = boxed(96, 96, (36, 36, 60, 60))
    errors = {
        name: np.abs(fill(inpainters[name], Image.fromarray(texture), mask).astype(float) - texture)[mask].mean()
        for name in ("copying", "marching")
    }
    assert errors["copying"] < 6
    assert errors["marching"] > 4 * errors["copying"], "what only smears cannot know the pattern"


def test_the_seed_decides_and_drafts_show_the_stages(inpainters: dict[str, Inpainter]) -> None:
    picture, mask = noise(80, 80), boxed(80, 80, (30, 30, 50, 50))
    one, same, other = (fill(inpainters["copying"], picture, mask, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    steps = list(inpainters["both"].inpaint(InpaintingRequest(picture, mask)))
    drafts = [step.what for step in steps if isinstance(step, Draft)]
    assert drafts[0] == "the network"
    assert "copied at 40 px" in drafts


def test_a_guide_decides_between_two_textures() -> None:
    random = np.random.default_rng(0)
    halves = np.where(np.arange(96)[None, :, None] < 48, 0.2, 0.8)
    picture = np.asarray(halves + random.uniform(-0.1, 0.1, (96, 96, 3)), np.float32)
    hole = boxed(96, 96, (30, 30, 66, 66))
    foreseen = np.where(hole[..., None], 0.8, picture).astype(np.float32)
    *_, (_, _, filled) = patch_match.fill(picture, hole, foreseen, random, foreseen)
    assert filled[36:60, 36:60].mean() > 0.6, "dark on the left without a guide"


def test_fast_marching_continues_a_plane_and_comes_from_the_border() -> None:
    ramp = np.repeat(np.linspace(0, 1, 40, dtype=np.float32)[None, :, None], 30, 0).repeat(3, 2)
    hole = boxed(40, 30, (15, 10, 25, 20))
    marching = fast_marching.fill(np.where(hole[..., None], 9, ramp).astype(np.float32), hole)
    with pytest.raises(StopIteration) as end:  # small enough to be done before the first sign of life
        next(marching)
    assert np.abs(end.value.value - ramp).max() < 0.08


def test_smooth_interpolation_and_the_networks_first_answer_agree() -> None:
    torch.manual_seed(0)
    pictures, holes = torch.rand(2, 3, 32, 40) * 2 - 1, torch.zeros(2, 1, 32, 40)
    holes[:, :, 8:20, 10:30] = 1
    smooth = interpolated(pictures, holes)
    assert torch.equal(smooth[:, :, :8], pictures[:, :, :8])
    assert torch.equal(GatedUNet()(pictures, holes), smooth), "training begins with nothing to unlearn"
    assert torch.allclose(interpolated(torch.full_like(pictures, 0.5), holes), torch.tensor(0.5))


def test_depth_and_growth_of_a_hole() -> None:
    hole = boxed(9, 9, (2, 2, 7, 7))
    assert depth(hole, 30)[4].tolist() == [0, 0, 1, 2, 3, 2, 1, 0, 0]
    assert depth(hole, 2).max() == 2
    assert grown(hole, 1).sum() == 49


def test_random_holes_are_neither_tiny_nor_huge() -> None:
    import random

    shares = [random_holes(64, random.Random(number)).mean() for number in range(30)]
    assert SMALLEST <= min(shares) < 0.1 < max(shares) <= LARGEST


@pytest.mark.parametrize("size", [(640, 480), (300, 900), (801, 601), (5, 3)])
def test_a_mask_comes_back_from_the_canvas(
    size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    mask = boxed(*size, (size[0] // 4, size[1] // 3, size[0] // 2 + 1, size[1] // 2 + 1))
    value = canvas_value(noise(*size), mask)
    assert read_mask(value)[0].size == (800, 600)
    back = painted_mask(value, size)
    assert back.shape == mask.shape
    assert (back != mask).sum() <= 6 * sum(size) / min(800 / size[0], 600 / size[1], 1), "but for the border"
    assert not painted_mask(canvas_value(noise(*size)), size).any()


def test_uploaded_masks(tmp_path: Path) -> None:
    white = Image.new("L", (20, 10))
    white.paste(255, (0, 0, 5, 10))
    white.save(tmp_path / "white.png")
    assert uploaded_mask(str(tmp_path / "white.png"), (40, 20))[:, :9].all()
    assert not uploaded_mask(str(tmp_path / "white.png"), (40, 20))[:, 12:].any()
    clear = Image.new("RGBA", (20, 10))
    clear.paste((0, 0, 0, 255), (0, 0, 5, 10))
    clear.save(tmp_path / "clear.png")
    assert uploaded_mask(str(tmp_path / "clear.png"), (20, 10)).sum() == 50
    with pytest.raises(BadInputError, match="same shape"):
        uploaded_mask(str(tmp_path / "white.png"), (20, 20))
    with pytest.raises(BadInputError, match="give a picture"):
        uploaded_mask(None, (20, 20))


@pytest.mark.parametrize("mask", [*READY_MASKS.values(), *(shown.mask for shown in MASK_EXAMPLES)])
@pytest.mark.parametrize("size", [(768, 512), (64, 64)])
def test_ready_masks_can_be_filled(mask: Callable[[tuple[int, int]], NDArray[np.bool_]], size: tuple[int, int]) -> None:
    assert mask(size).shape == (size[1], size[0])
    assert 0.01 < mask(size).mean() < 0.3


def write_case(folder: Path) -> tuple[Image.Image, NDArray[np.bool_]]:
    picture = Image.open(example("cat.png")).convert("RGB").resize((150, 100))
    mask = boxed(150, 100, (60, 30, 90, 60))
    picture.save(folder / "picture.png")
    Image.fromarray(mask).save(folder / "mask.png")
    return picture, mask


def test_endpoint_fills_the_hole_alone(client: Client, tmp_path: Path) -> None:
    picture, mask = write_case(tmp_path)
    files = [handle_file(str(tmp_path / name)) for name in ("picture.png", "mask.png")]
    path, facts = client.predict(*files, "a hat", INPAINTING[0].id, 3, api_name="/inpaint")
    filled = np.asarray(Image.open(path).convert("RGB"))
    assert np.array_equal(filled[~mask], np.asarray(picture)[~mask])
    assert not np.array_equal(filled[mask], np.asarray(picture)[mask])
    assert facts["model"] == INPAINTING[0].id
    assert facts["seed"] == 3
    assert facts["masked"] == 0.06
    assert facts["prompt"].startswith("ignored")
    assert 0 < facts["seconds"] < 60
    _, facts = client.predict(*files, "", "inpainting-telea", 3, api_name="/inpaint")
    assert facts["seed"] is None
    assert "prompt" not in facts
    with pytest.raises(Exception, match="cannot fill holes"):
        client.predict(*files, "", "bicubic", 0, api_name="/inpaint")
    with pytest.raises(Exception, match="must be a number from 0"):
        client.predict(*files, "", INPAINTING[0].id, -1, api_name="/inpaint")


def test_a_student_paints_a_mask_and_fills_it(page: Page, gallery: str, tmp_path: Path) -> None:
    browser.open_tab(page, gallery, PAGE)
    expect(page.locator(".answer .block.model-strip:visible")).to_contain_text("recorded")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    status = page.locator(".status-line:visible").first
    fill_button = page.get_by_role("button", name="Fill the hole")
    fill_button.click()
    expect(status).to_contain_text("Nothing is masked yet")

    write_case(tmp_path)
    page.locator(".mask-tools:visible input[type=file]").first.set_input_files(str(tmp_path / "picture.png"))
    expect(status).to_contain_text("Paint over")
    page.wait_for_timeout(1000)  # the canvas draws the photograph
    browser.draw_stroke(page, page.locator("#inpainting-canvas"), [(0.45, 0.4), (0.55, 0.5)])
    page.wait_for_timeout(500)  # the canvas sends the stroke
    fill_button.click()
    expect(status).to_contain_text("150 x 100 px")
    expect(page.locator(".stop-button:visible").first).to_be_disabled()
    page.wait_for_timeout(500)  # the slider gets the new files
    with page.expect_download() as download:
        page.locator(".answer:visible").get_by_role("button", name="Download").click()
    assert "inpainting" in download.value.suggested_filename
    exact = np.asarray(Image.open(download.value.path()).convert("RGB"))
    slider = page.locator("#inpainting-slider img").locator("visible=true")
    shown = [page.request.get(slider.nth(place).get_attribute("src") or "").body() for place in (0, 1)]
    original = np.asarray(Image.open(tmp_path / "picture.png")).astype(int)
    assert np.array_equal(exact[:, :40], original[:, :40]), "outside the stroke every pixel stays"
    assert (exact != original).any()
    changed = [np.abs(np.asarray(Image.open(BytesIO(view)).convert("RGB")) - original).mean(-1) for view in shown]
    filled = min(changed, key=lambda change: float(change.max()))  # the other shows the outline
    assert filled[:25].max() < 30, "far from the stroke only the compression for the page shows"
    assert filled[:, :40].max() < 30
    assert max(float(change[25:75, 40:110].max()) for change in changed) > 40
