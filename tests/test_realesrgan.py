"""The Real-ESRGAN port: its numbers against ncnn's, tiles against the whole picture, odd sizes, damaged weights."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from models.backends import bicubic
from models.backends.ncnn_weights import load_ncnn_weights
from models.backends.realesrgan import (
    RealESRGAN,
    RRDBNet,
    SRVGGNetCompact,
    load_animevideo,
    load_x4plus,
    load_x4plus_anime,
)
from models.backends.tiling import split
from models.devices import Device
from models.errors import BadInputError, IntegrityError
from models.image_metrics import psnr
from models.pinned import REAL_ESRGAN
from models.specs.super_resolution import SUPER_RESOLUTION
from models.store import WeightStore
from models.tasks import Progress, Upscaled, Upscaler, UpscaleRequest
from tests.ncnn_reference import NETWORKS, STRUCTURES, NcnnNet

FLOAT32 = Device("cpu", "any processor", 8_000_000_000, "float32", 2)
BFLOAT16 = replace(FLOAT32, precision="bfloat16")
COFFEE = Path(__file__).parent.parent / "assets" / "examples" / "coffee.png"

Load = Callable[[Path, Device], RealESRGAN]
LOADERS: dict[str, Load] = {
    "real-esrgan-x4plus": load_x4plus,
    "real-esrgan-x4plus-anime": load_x4plus_anime,
    "real-esrgan-animevideo": load_animevideo,
}
every_model = pytest.mark.parametrize("model", LOADERS)


@pytest.fixture(scope="module")
def files(store: WeightStore) -> Path:
    return store.fetch(REAL_ESRGAN)


@pytest.fixture(scope="module")
def photograph() -> Image.Image:
    return Image.open(COFFEE).convert("RGB")


def enlarge(upscaler: Upscaler, image: Image.Image, tile: int = 512) -> Image.Image:
    *_, result = upscaler.upscale(UpscaleRequest(image, tile))
    assert isinstance(result, Upscaled)
    return result.image


def run(net: RRDBNet | SRVGGNetCompact, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    with torch.inference_mode():
        *_, enlarged = net.steps(torch.from_numpy(pixels)[None])
    array: NDArray[np.float32] = enlarged[0].numpy()
    return array


@every_model
def test_same_numbers_as_ncnn(model: str, store: WeightStore, files: Path, photograph: Image.Image) -> None:
    """Measured on this crop: at most 0.0017 of 255 levels apart (the anime network; 0.0006 for x4plus)."""
    pixels = np.asarray(photograph.crop((300, 150, 348, 190)), np.float32).transpose(2, 0, 1) / np.float32(255)
    weights = files / f"{NETWORKS[model]}.bin"
    ncnn_net = NcnnNet(store.fetch(STRUCTURES) / f"{NETWORKS[model]}.param", weights)
    ours = run(LOADERS[model](files, FLOAT32).net, pixels)
    theirs = ncnn_net(pixels)
    assert ours.shape == theirs.shape == (3, 160, 192)
    assert np.abs(ours - theirs).max() * 255 < 0.005


@every_model
def test_bfloat16_differs_invisibly(model: str, files: Path, photograph: Image.Image) -> None:
    small = photograph.crop((300, 150, 348, 190))
    precise, fast = (enlarge(LOADERS[model](files, device), small) for device in (FLOAT32, BFLOAT16))
    assert psnr(fast, precise) > 45


@every_model
@pytest.mark.parametrize(("size", "tile"), [((201, 17), 70), ((15, 190), 64)])
def test_tiles_equal_the_whole_picture(
    model: str, size: tuple[int, int], tile: int, files: Path, photograph: Image.Image
) -> None:
    upscaler = LOADERS[model](files, FLOAT32)
    image = photograph.crop((200, 100, 200 + size[0], 100 + size[1]))
    whole = np.asarray(enlarge(upscaler, image), np.int16)
    tiled = np.asarray(enlarge(upscaler, image, tile), np.int16)
    assert np.abs(whole - tiled).max() <= 1


@given(height=st.integers(1, 30), width=st.integers(1, 12), band=st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_bands_of_the_last_layers_equal_the_whole(height: int, width: int, band: int) -> None:
    torch.manual_seed(0)
    net = RRDBNet(blocks=1, features=8, growth=4)
    pixels = np.random.default_rng(0).random((3, height, width), np.float32)
    whole = run(net, pixels)
    net.band = band
    np.testing.assert_allclose(run(net, pixels), whole, atol=1e-6)


@given(length=st.integers(1, 3000), size=st.integers(1, 700), overlap=st.integers(0, 100))
def test_pieces_cover_every_pixel_exactly_once(length: int, size: int, overlap: int) -> None:
    pieces = split(length, size, overlap)
    lengths = [piece.stop - piece.start for piece in pieces]
    assert [pixel for piece in pieces for pixel in range(piece.start, piece.stop)] == list(range(length))
    assert max(lengths) <= size
    assert max(lengths) - min(lengths) <= 1
    for piece in pieces:
        assert piece.first == max(0, piece.start - overlap)
        assert piece.last == min(length, piece.stop + overlap)


@given(length=st.integers(1, 200), size=st.integers(1, 60), overlap=st.integers(0, 30), scale=st.integers(1, 4))
def test_pieces_put_together_are_the_whole(length: int, size: int, overlap: int, scale: int) -> None:
    axis = np.arange(length)
    output = np.full(length * scale, -1)
    for piece in split(length, size, overlap):
        output[piece.own(scale)] = np.repeat(axis[piece.seen], scale)[piece.own_of_seen(scale)]
    np.testing.assert_array_equal(output, np.repeat(axis, scale))


@pytest.mark.parametrize("size", [(1, 1), (1, 30), (30, 1), (2, 3), (5, 700)])
def test_any_size(size: tuple[int, int], files: Path, photograph: Image.Image) -> None:
    large = enlarge(load_animevideo(files, BFLOAT16), photograph.resize(size))
    assert (large.mode, large.size) == ("RGB", (size[0] * 4, size[1] * 4))


@every_model
def test_colours_and_places_stay(model: str, files: Path, photograph: Image.Image) -> None:
    small = photograph.crop((120, 60, 168, 92))
    shrunk_again = enlarge(LOADERS[model](files, FLOAT32), small).resize(small.size, Image.Resampling.BOX)
    difference = np.asarray(small, np.float32) - np.asarray(shrunk_again, np.float32)
    assert np.abs(difference).mean(axis=(0, 1)).max() < 8


@every_model
def test_catalog_counts_the_parameters(model: str, files: Path) -> None:
    (spec,) = (spec for spec in SUPER_RESOLUTION if spec.id == model)
    assert spec.parameters == sum(parameter.numel() for parameter in LOADERS[model](files, FLOAT32).net.parameters())


def test_progress_counts_tiles_and_blocks(files: Path, photograph: Image.Image) -> None:
    *progress, last = load_animevideo(files, FLOAT32).upscale(UpscaleRequest(photograph.resize((20, 9)), tile=10))
    assert isinstance(last, Upscaled)
    assert [str(step) for step in progress] == [
        f"tile {tile} of 2, block {block} of 18" for tile in (1, 2) for block in range(1, 19)
    ]


def test_closing_ends_the_work_at_the_next_block(files: Path, photograph: Image.Image) -> None:
    upscaler = load_x4plus_anime(files, FLOAT32)
    finished: list[nn.Module] = []
    for block in upscaler.net.body:
        block.register_forward_hook(lambda block, inputs, output: finished.append(block))
    work = upscaler.upscale(UpscaleRequest(photograph.resize((8, 8))))
    assert isinstance(next(work), Progress)
    assert isinstance(next(work), Progress)
    assert not torch.is_inference_mode_enabled()
    work.close()
    assert len(finished) == 2


def test_threads_do_not_disturb_each_other(files: Path, photograph: Image.Image) -> None:
    upscaler = load_animevideo(files, FLOAT32)
    pictures = [photograph.crop((x, 40, x + 24, 60)) for x in range(0, 200, 25)]
    alone = [enlarge(upscaler, picture) for picture in pictures]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda picture: enlarge(upscaler, picture), pictures))
    assert together == alone


@pytest.mark.parametrize("size", [(0, 0), (0, 5), (5, 0)])
def test_a_picture_without_pixels_gets_a_sentence(size: tuple[int, int], files: Path) -> None:
    upscalers: tuple[Upscaler, ...] = (load_animevideo(files, FLOAT32), bicubic.load(files, FLOAT32))
    for upscaler in upscalers:
        with pytest.raises(BadInputError, match="no pixels"):
            enlarge(upscaler, Image.new("RGB", size))


def test_bicubic_is_pillows(photograph: Image.Image) -> None:
    small = photograph.crop((0, 0, 7, 5))
    large = enlarge(bicubic.load(Path(), FLOAT32), small)
    assert large == small.resize((28, 20), Image.Resampling.BICUBIC)


def as_ncnn(net: nn.Module) -> bytes:
    """`net` in ncnn's format; its numbers must be exact in half precision."""
    written = b""
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            kernel = layer.weight.detach().numpy().astype("<f2").tobytes()
            written += (0x01306B47).to_bytes(4, "little") + kernel + bytes(-len(kernel) % 4)
            if layer.bias is not None:
                written += layer.bias.detach().numpy().astype("<f4").tobytes()
        elif isinstance(layer, nn.PReLU):
            written += layer.weight.detach().numpy().astype("<f4").tobytes()
    return written


def odd_net() -> nn.Sequential:
    """27 kernel numbers in the first layer: an odd number of half-precision ones, so padding follows."""
    return nn.Sequential(nn.Conv2d(3, 1, 3), nn.PReLU(1), nn.Conv2d(1, 5, 1, bias=False), nn.PReLU(5))


def test_weights_are_read_back(tmp_path: Path) -> None:
    written, read = odd_net(), odd_net()
    with torch.no_grad():
        for parameter in written.parameters():
            parameter.copy_(parameter.half().float())
    (tmp_path / "net.bin").write_bytes(as_ncnn(written))
    load_ncnn_weights(read, tmp_path / "net.bin")
    for name, value in written.state_dict().items():
        assert torch.equal(read.state_dict()[name], value), name


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[:-4],
        lambda data: data + bytes(4),
        lambda data: bytes(4) + data[4:],
        lambda data: data[:2] + data,
    ],
    ids=["empty", "a byte short", "a number short", "too long", "no tag", "shifted"],
)
def test_a_damaged_file_gets_a_sentence(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    (tmp_path / "net.bin").write_bytes(damage(as_ncnn(odd_net())))
    with pytest.raises(IntegrityError, match=r"net\.bin .* fetch the model again"):
        load_ncnn_weights(odd_net(), tmp_path / "net.bin")


def test_weights_of_another_network_get_a_sentence(files: Path) -> None:
    with pytest.raises(IntegrityError, match="RRDBNet"):
        load_ncnn_weights(RRDBNet(blocks=6), files / "REALESRGAN_X4PLUS_UP4X.bin")
