"""Fills holes in pictures of any size: a network foresees structure and colour, copied patches bring the texture.

Only the surroundings of the hole are looked at, reduced where they are large; only masked pixels ever change.
"""

from collections.abc import Generator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from models.backends import fast_marching, patch_match
from models.backends.gated_convolution import SIDE, STRIDE, GatedUNet, interpolated
from models.backends.morphology import Holes, depth, grown
from models.devices import Device
from models.inpainting import Draft, Inpainted, InpaintingRequest
from models.tasks import Progress

Floats = NDArray[np.float32]
"""Pictures: (height, width, 3) in [0, 1]."""

LARGEST_SIDE = 2048
"""Pixels: larger surroundings are reduced to this, and what is filled is enlarged again."""
NETWORK_SIDE = 512
FORESEEN_DEPTH = 16
"""Pixels from the border to the middle of a hole that the network is asked to bridge."""
MARCHING_SIDE = 256
LEAST_CONTEXT = 48
RING = 3
"""Pixels around a hole that tell how well a filling fits."""
FADE = 8.0
"""Pixels: how deep into the hole its filling is adapted to the border."""


def load_structure_and_texture(files: Path, device: Device) -> "HoleFiller":
    """The network's foresight guides which patches are copied."""
    return HoleFiller(_network(files, device), device, copies=True)


def load_network_alone(files: Path, device: Device) -> "HoleFiller":
    """What the network foresees, as it stands."""
    return HoleFiller(_network(files, device), device, copies=False)


def load_copying_alone(files: Path, device: Device) -> "HoleFiller":
    """Patches that continue the border of the hole, with nothing to guide them."""
    return HoleFiller(None, device, copies=True)


def load_fast_marching(files: Path, device: Device) -> "FastMarching":
    """Telea's method; there is nothing to load."""
    return FastMarching()


def _network(files: Path, device: Device) -> GatedUNet:
    network = GatedUNet()
    network.load_state_dict({name: t.float() for name, t in load_file(files / "gated-unet.safetensors").items()})
    return network.eval().requires_grad_(False).to(device.kind, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


class HoleFiller:
    """An `Inpainter` that foresees with a network, copies patches, or does both."""

    reads_prompts = False

    def __init__(self, network: GatedUNet | None, device: Device, *, copies: bool) -> None:
        self._network = network
        self._device = device
        self._copies = copies
        self.draws = copies
        """Whether the answer depends on the seed: the search for patches begins with random guesses."""

    def inpaint(self, request: InpaintingRequest) -> Generator[Progress | Draft | Inpainted, None, None]:
        """Yields `Progress` and drafts after the network and after each scale of copying, then `Inpainted`."""
        surroundings = Surroundings(request)
        picture, hole = surroundings.picture, surroundings.hole
        if self._network is None:
            filled = _smooth(picture, hole)
        else:
            filled = self._foreseen(self._network, picture, hole)
            yield surroundings.draft("the network", filled)
        if self._copies:
            rounds = patch_match.fill(
                picture,
                hole,
                filled,
                np.random.default_rng(request.seed),
                np.where(hole[..., None], filled, picture) if self._network else None,
            )
            filled = yield from _copied(rounds)
        yield Inpainted(surroundings.finished(filled))

    @torch.inference_mode()
    def _foreseen(self, network: GatedUNet, picture: Floats, hole: Holes) -> Floats:
        """Small enough for the network to see across the hole, large enough to keep what it can see."""
        height, width = hole.shape
        longest = max(height, width)
        # Its depth, seen at a size at which it is quickly found.
        seen = min(1.0, SIDE / longest)
        deepest = float(depth(_resized_hole(hole, seen), SIDE).max()) / seen
        scale = min(1.0, NETWORK_SIDE / longest, max(SIDE / longest, FORESEEN_DEPTH / deepest))
        rows, columns = (max(STRIDE, round(length * scale / STRIDE) * STRIDE) for length in (height, width))
        pictures, holes = _shrunk(picture, hole, (rows, columns))
        kind = self._device.kind
        with torch.autocast(kind, torch.bfloat16, enabled=self._device.precision == "bfloat16"):
            foreseen = network(pictures.to(kind) * 2 - 1, holes.to(kind))
        return _pixels(_enlarged((foreseen.float().cpu() + 1) / 2, hole))


class FastMarching:
    """An `Inpainter` by Telea's method. It blurs, so it works on a reduced picture and loses nothing by that."""

    reads_prompts = False
    draws = False

    def inpaint(self, request: InpaintingRequest) -> Generator[Progress | Draft | Inpainted, None, None]:
        """Yields `Progress` after some hundred pixels, and `Inpainted` last."""
        surroundings = Surroundings(request)
        height, width = surroundings.hole.shape
        scale = min(1.0, MARCHING_SIDE / max(height, width))
        size = _scaled_size(surroundings.hole, scale)
        pictures, holes = _shrunk(surroundings.picture, surroundings.hole, size)
        hole = holes[0, 0].numpy() > 0
        marching = fast_marching.fill(_pixels(pictures), hole)
        total = int(hole.sum())
        while True:
            try:
                yield Progress("pixel", next(marching), total)
            except StopIteration as end:
                filled = end.value
                break
        large = _enlarged(_tensor(filled), surroundings.hole)
        yield Inpainted(surroundings.finished(_pixels(large)))


class Surroundings:
    """The part of a picture around its hole, and the way back."""

    def __init__(self, request: InpaintingRequest) -> None:
        self._request = request
        self._box = _box(request.mask)
        left, top, right, bottom = self._box
        part = request.image.crop(self._box)
        mask = request.mask[top:bottom, left:right]
        scale = min(1.0, LARGEST_SIDE / max(part.size))
        self.picture = np.asarray(part, np.float32) / np.float32(255)
        """(height, width, 3) in [0, 1]."""
        self.hole = mask
        """(height, width), true where the picture is unknown."""
        if scale < 1:
            pictures, holes = _shrunk(self.picture, mask, _scaled_size(mask, scale))
            self.picture, self.hole = _pixels(pictures), holes[0, 0].numpy() > 0

    def draft(self, what: str, filled: Floats) -> Draft:
        return Draft(what, _image(np.where(self.hole[..., None], filled, self.picture)))

    def finished(self, filled: Floats) -> Image.Image:
        """The whole picture with `filled` (the surroundings) in its hole, adapted to the border from inside."""
        left, top, right, bottom = self._box
        part = _image(adapted(filled, self.picture, self.hole)).resize(
            (right - left, bottom - top), Image.Resampling.BICUBIC
        )
        pixels = np.array(self._request.image)
        mask = self._request.mask[top:bottom, left:right]
        pixels[top:bottom, left:right][mask] = np.asarray(part)[mask]
        return Image.fromarray(pixels)


def adapted(filled: Floats, picture: Floats, hole: Holes) -> Floats:
    """`filled`, its colours inside the hole shifted so that it meets the border without a seam.

    Just outside the hole both it and the picture are known; their difference is continued smoothly into the hole, less
    and less the deeper (a membrane, as in Poisson image editing, Pérez et al. 2003).
    """
    ring = grown(hole, RING) & ~hole
    difference = _smooth(picture - filled, ~ring)
    fade = np.exp(-depth(hole, int(4 * FADE)) / FADE)[..., None]
    return np.asarray((filled + difference * fade).clip(0, 1), np.float32)


def _copied(rounds: Generator[tuple[int, int, Floats], None, Floats]) -> Generator[Progress | Draft, None, Floats]:
    before: Floats | None = None
    while True:
        try:
            done, total, picture = next(rounds)
        except StopIteration as end:
            filled: Floats = end.value
            return filled
        if before is not None and before.shape != picture.shape:
            yield Draft(f"copied at {max(before.shape)} px", _image(before))
        before = picture
        yield Progress("copying, round", done, total)


def _box(mask: Holes) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the hole with as much around it on every side as it is wide or high."""
    sides = []
    for axis in (0, 1):
        (where,) = np.nonzero(mask.any(axis))
        first, last = int(where[0]), int(where[-1]) + 1
        context = max(LEAST_CONTEXT, last - first)
        sides.append((max(0, first - context), min(mask.shape[1 - axis], last + context)))
    (left, right), (top, bottom) = sides
    return left, top, right, bottom


def _smooth(values: Floats, hole: Holes) -> Floats:
    return _pixels(interpolated(_tensor(values), _tensor(hole[..., None].astype(np.float32))))


def _shrunk(picture: Floats, hole: Holes, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Picture [1, 3, height, width] and hole [1, 1, height, width] at another size; a pixel that is partly missing is
    missing there."""
    known = _tensor((~hole)[..., None].astype(np.float32))
    share = functional.adaptive_avg_pool2d(known, size)
    values = functional.adaptive_avg_pool2d(_tensor(picture) * known, size) / share.clamp(min=1e-6)
    return values, (share < 0.999).float()


def _scaled_size(hole: Holes, scale: float) -> tuple[int, int]:
    rows, columns = hole.shape
    return max(1, round(rows * scale)), max(1, round(columns * scale))


def _resized_hole(hole: Holes, scale: float) -> Holes:
    size = _scaled_size(hole, scale)
    return np.asarray(
        functional.adaptive_avg_pool2d(_tensor(hole[..., None].astype(np.float32)), size)[0, 0].numpy() > 0.5
    )


def _enlarged(pictures: Tensor, hole: Holes) -> Tensor:
    return functional.interpolate(pictures, size=hole.shape, mode="bicubic", antialias=True).clamp(0, 1)


def _tensor(values: Floats) -> Tensor:
    """(height, width, channels) -> [1, channels, height, width]."""
    return torch.from_numpy(np.ascontiguousarray(values.transpose(2, 0, 1)))[None]


def _pixels(pictures: Tensor) -> Floats:
    """[1, channels, height, width] -> (height, width, channels)."""
    return np.asarray(pictures[0].permute(1, 2, 0).numpy())


def _image(values: Floats) -> Image.Image:
    return Image.fromarray((values * 255).round().clip(0, 255).astype(np.uint8))
