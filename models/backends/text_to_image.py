"""The backend of text to image and stroke to image: one pixel diffusion transformer, trained by this project."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from models.backends.caption_index import CaptionIndex, sentence_embeddings
from models.backends.pixel_dit import CaptionEncoder, PixelDiT, TextStates, noise, sample
from models.devices import Device, Precision, configure_torch
from models.text_to_image import Denoising, Neighbour, Pixels, StrokeToImageRequest, TextToImageRequest


class PixelDiTPainter:
    """Follows `models.text_to_image.PictureFromText`."""

    def __init__(
        self,
        network: PixelDiT,
        encoder: CaptionEncoder,
        index: CaptionIndex,
        device: torch.device,
        precision: Precision = "float32",
    ) -> None:
        self.network = network
        self.encoder = encoder
        self.index = index
        self.device = device
        self.precision = precision
        self.image_size = network.config.image_size
        self.read = lru_cache(maxsize=256)(self._read)

    def draw(self, request: TextToImageRequest) -> Iterator[Denoising]:
        """Yields the start, then the state after each step."""
        start = noise(request.seeds, self.image_size)
        yield from self._denoise(start, request.prompts, request.steps, request.guidance, [0.0] * len(start))

    def from_strokes(self, request: StrokeToImageRequest) -> Iterator[Denoising]:
        """SDEdit: every strength mixes the same noise into the drawing, then removes it."""
        side = (self.image_size, self.image_size)
        drawing = np.asarray(Image.fromarray(request.drawing).resize(side, Image.Resampling.BOX))
        picture = torch.from_numpy(drawing.copy()).permute(2, 0, 1).float() / 127.5 - 1
        share = torch.tensor(request.strengths)[:, None, None, None]
        start = (1 - share) * picture + share * noise([request.seed], self.image_size)
        prompts = [request.prompt] * len(start)
        times = [1 - strength for strength in request.strengths]
        yield from self._denoise(start, prompts, request.steps, request.guidance, times)

    def nearest(self, prompt: str, count: int) -> tuple[Neighbour, ...]:
        """The nearest captions it was trained on."""
        # A name without a style means the 3-D emoji, and stands in the index without it.
        told = prompt.removesuffix(", 3d emoji")
        return self.index.nearest(sentence_embeddings(self.read(told))[0], count)

    def _denoise(
        self, start: Tensor, prompts: Sequence[str], steps: int, guidance: float, times: Sequence[float]
    ) -> Iterator[Denoising]:
        told = _together([self.read(prompt) for prompt in prompts]).to(self.device)
        untold = _together([self.read("")] * len(prompts)).to(self.device)
        start = start.to(self.device)
        for step in sample(
            self._clean, told, untold, start, steps=steps, guidance=guidance, solver="euler", start_time=times
        ):
            yield Denoising(step.done, step.total, 1 - step.time, _pixels(step.noisy), _pixels(step.clean))

    def _clean(self, noisy: Tensor, times: Tensor, states: Tensor, mask: Tensor) -> Tensor:
        # Entered anew for each step: between steps this thread belongs to others.
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            clean: Tensor = self.network(noisy, times, states, mask)
        return clean

    def _read(self, prompt: str) -> TextStates:
        return self.encoder.encode([prompt])


def _together(texts: Sequence[TextStates]) -> TextStates:
    return TextStates(torch.cat([text.states for text in texts]), torch.cat([text.mask for text in texts]))


def _pixels(pictures: Tensor) -> Pixels:
    """[B, 3, S, S], -1 to 1, as sRGB [B, S, S, 3]."""
    values = ((pictures + 1) * 127.5).round().clamp(0, 255).byte()
    pixels: Pixels = values.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return pixels


def load(files: Path, device: Device) -> PixelDiTPainter:
    configure_torch()
    network = PixelDiT()
    weights = load_file(files / "pixel_dit.safetensors")
    network.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    target = torch.device(device.kind)
    return PixelDiTPainter(
        network.eval().requires_grad_(False).to(target),
        CaptionEncoder(files),
        CaptionIndex.load(files),
        target,
        device.precision,
    )
