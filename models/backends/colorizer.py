"""The colorizer at work on whole pictures: the network's distribution, made into one picture or several.

Zhang et al. 2016 (arXiv:1603.08511) for the distribution and its annealed mean.
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

from models.backends.clip_image_tower import FILE, SIDE, ClipImageTower
from models.backends.colorizer_network import (
    COLOUR_SIDE,
    LIGHTNESS_SIDE,
    Colorizer,
    ColorizerConfig,
    annealed_mean,
)
from models.backends.guided_filter import enlarge_colours, honour
from models.colorization import ColorizationRequest, Colorized, Hint
from models.devices import Device
from models.lab import Floats, from_lab, grey_of, to_lab, within_gamut
from models.tasks import Progress

WEIGHTS = "colorizer.safetensors"
KINDRED = 30.0
"""Distance in ab within which colours are favoured together in a random draw."""
LIKENESS = 0.3
"""Difference in the cosine of two patches' tokens within which they are taken for the same thing in a random draw."""
BOLDNESS = 1.0
"""Random draws are from the distribution to the power of 1 / BOLDNESS: what is hardly likely is left out."""
_STRIP = 256


def load(files: Path, device: Device) -> "LearntColorist":
    """CLIP's image tower in `files / "clip_encoder.int8.onnx"`, the network in `files / "colorizer.safetensors"`."""
    weights = load_file(files / WEIGHTS)
    network = Colorizer(ColorizerConfig(len(weights["palette"])))
    network.load_state_dict(weights)
    return LearntColorist(ClipImageTower(files / FILE, device.threads), network.float().eval().to(device.kind))


class LearntColorist:
    """A `Colorist`. Any number of threads may use it at once."""

    def __init__(self, tower: ClipImageTower, network: Colorizer) -> None:
        self._tower = tower
        self._network = network

    def colorize(self, request: ColorizationRequest) -> Generator[Progress | Colorized, None, None]:
        steps = 3 + request.draws
        lightness, hints = lightness_of(request.image), distinct(request.hints)
        yield Progress("looked at the picture: step", 1, steps)
        logits, tokens = self.look(request.image, hints)
        yield Progress("thought of its colours: step", 2, steps)
        palette = self._network.palette.float().cpu()
        seeds = [None, *range(request.seed, request.seed + request.draws)]
        for done, seed in enumerate(seeds, 3):
            favoured = logits if seed is None else logits + BOLDNESS * favour(palette, tokens, seed)
            colours = annealed_mean(favoured, palette, request.temperature)[0].permute(1, 2, 0).numpy()
            image = coloured(lightness, enlarge_colours(colours, lightness), hints)
            yield Colorized(image, seed, doubt(logits) if seed is None else None)
            if done < steps:
                yield Progress("coloured the picture: step", done, steps)

    @torch.inference_mode()
    def look(self, image: Image.Image, hints: tuple[Hint, ...]) -> tuple[Tensor, Tensor]:
        """What the network says about the whole picture, whatever its shape: logits [1, colours, 56, 56]; and CLIP's
        tokens [197, 768] of it."""
        square = lightness_of(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
        step = SIDE // LIGHTNESS_SIDE
        seen = square.reshape(LIGHTNESS_SIDE, step, LIGHTNESS_SIDE, step).mean((1, 3))
        device = self._network.palette.device
        tokens = torch.from_numpy(self._tower.tokens(grey_of(square)))
        inputs = (
            tokens[None],
            torch.from_numpy(seen)[None, None] / 50 - 1,
            hint_input(hints, image.size),
        )
        logits: Tensor = self._network(*(x.to(device) for x in inputs))
        return logits.float().cpu(), tokens


def lightness_of(image: Image.Image) -> Floats:
    """L [height, width] in [0, 100] of a picture's pixels."""
    pixels = np.asarray(image.convert("RGB"))
    # In strips: a large picture in floating point would take a gigabyte.
    return np.concatenate([to_lab(pixels[top : top + _STRIP])[..., 0] for top in range(0, len(pixels), _STRIP)])


def coloured(lightness: Floats, colours: Floats, hints: tuple[Hint, ...]) -> Image.Image:
    """The picture of this lightness [H, W] and these ab values [H, W, 2], with exactly the hinted ones."""
    places = np.array([(hint.x, hint.y) for hint in hints], np.int64).reshape(-1, 2)
    colours = honour(colours, lightness, places, hinted_colours(hints))
    lab = np.concatenate([lightness[..., None], colours], 2)
    strips = [from_lab(within_gamut(lab[top : top + _STRIP])) for top in range(0, len(lab), _STRIP)]
    return Image.fromarray(np.concatenate(strips))


def distinct(hints: tuple[Hint, ...]) -> tuple[Hint, ...]:
    """The last hint at each pixel."""
    return tuple({(hint.x, hint.y): hint for hint in hints}.values())


def hinted_colours(hints: tuple[Hint, ...]) -> Floats:
    """The ab values [n, 2] of the hints."""
    return to_lab(np.array([hint.colour for hint in hints], np.uint8).reshape(-1, 3))[..., 1:]


def hint_input(hints: tuple[Hint, ...], size: tuple[int, int]) -> Tensor:
    """What the network is told, [1, 3, 56, 56]: each hint as a square of 3 x 3 places. `size` is (width, height)."""
    told = torch.zeros(1, 3, COLOUR_SIDE, COLOUR_SIDE)
    for hint, colour in zip(hints, hinted_colours(hints), strict=True):
        column, row = (int(at * COLOUR_SIDE / length) for at, length in zip((hint.x, hint.y), size, strict=True))
        square = (0, slice(None), slice(max(0, row - 1), row + 2), slice(max(0, column - 1), column + 2))
        told[square] = torch.tensor([*colour / 110, 1.0], dtype=torch.float32)[:, None, None]
    return told


def favour(palette: Tensor, tokens: Tensor, seed: int) -> Tensor:
    """Random numbers [1, colours, 56, 56] to add to the logits, so that sharpening them draws colours instead of
    averaging them.

    Each has the Gumbel distribution, which makes the largest sum an exact draw. They are alike for patches that look
    alike to CLIP, so that one thing gets one colour wherever it is seen, and for colours that are alike (a Gaussian
    copula).
    """
    generator = torch.Generator().manual_seed(seed)
    patches = functional.normalize(tokens[1:] - tokens[1:].mean(0), dim=1)
    alike = torch.exp((patches @ patches.T - 1) / LIKENESS)
    kindred = torch.exp(-(torch.cdist(palette, palette) ** 2) / (2 * KINDRED**2))
    independent = torch.randn(len(palette), len(patches), generator=generator)
    normal = functional.normalize(kindred, dim=1) @ independent @ functional.normalize(alike, dim=1).T
    smooth = functional.interpolate(normal.view(1, -1, 14, 14), size=(COLOUR_SIDE, COLOUR_SIDE), mode="bilinear")
    uniform = torch.special.ndtr(smooth).clamp(1e-6, 1 - 1e-6)
    return -torch.log(-torch.log(uniform))


def doubt(logits: Tensor) -> NDArray[np.float32]:
    """The entropy of each place [56, 56], 1 where all colours are alike."""
    log_shares = logits[0].log_softmax(0)
    entropy: NDArray[np.float32] = (-(log_shares.exp() * log_shares).sum(0) / np.log(len(log_shares))).numpy()
    return entropy
