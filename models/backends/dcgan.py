"""DCGAN: a generator of transposed convolutions, from noise to a picture in one pass (Radford et al. 2016,
arXiv:1511.06434), and its conditional form that also reads a class (Mirza and Osindero 2014, arXiv:1411.1784).
"""

from collections.abc import Generator, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.devices import Device, configure_torch
from models.generation import EYE_COLOURS, Latents, Pixels, SampleRequest, Samples, check_request, draw_latents
from models.tasks import Progress

LATENT_SIZE = 100
BATCH = 16


def load_faces(files: Path, device: Device) -> "DCGAN":
    """64 x 64 px faces of nobody, from `files / "weights.tar"` (a torch checkpoint, whatever its name says)."""
    checkpoint = torch.load(files / "weights.tar", map_location="cpu", weights_only=True)
    return DCGAN(GeneratorNet(LATENT_SIZE, widths=(512, 256, 128, 64)), checkpoint["netG_state_dict"], device)


def load_eyes(files: Path, device: Device) -> "DCGAN":
    """128 x 128 px painted eyes of eight colours, from `files / "generator_model_state.pth"`."""
    weights = torch.load(files / "generator_model_state.pth", map_location="cpu", weights_only=True)
    inputs = LATENT_SIZE + len(EYE_COLOURS)
    net = GeneratorNet(inputs, widths=(1024, 512, 256, 128, 64), dropout=0.2)
    return DCGAN(net, weights, device, labels=EYE_COLOURS)


class DCGAN:
    """An `ImageGenerator`. Any number of threads may use it at once: after loading, nothing in it changes.

    It computes in float32 everywhere: the network is small, and the same seed gives the same picture on every machine.
    """

    def __init__(
        self, net: "GeneratorNet", weights: Mapping[str, Tensor], device: Device, labels: tuple[str, ...] = ()
    ) -> None:
        configure_torch()
        net.load_state_dict(weights)
        self.generator = net.eval().requires_grad_(False).to(device.kind)
        """(n, latent size + number of labels) -> (n, 3, image size, image size) in [-1, 1]. Its weights are frozen;
        gradients flow to its input."""
        self.labels = labels
        self.latent_size = LATENT_SIZE
        self.image_size = net.image_size
        self._device = torch.device(device.kind)

    def latents(self, count: int, seed: int) -> Latents:
        """(count, 100), drawn from N(0, 1); the first ones of a seed are the same whatever the count."""
        return draw_latents(count, self.latent_size, seed)

    @torch.inference_mode()
    def generate(self, latents: Latents, label: str | None = None) -> Pixels:
        """(n, 100) -> (n, image size, image size, 3), all in one batch. `label` as in `SampleRequest`."""
        check_request(SampleRequest(latents, label), self.latent_size, self.labels)
        inputs = torch.from_numpy(latents).to(self._device)
        if label is not None:
            classes = torch.full((len(inputs),), self.labels.index(label), device=self._device)
            inputs = torch.cat((inputs, F.one_hot(classes, len(self.labels)).to(inputs)), 1)
        x: Tensor = self.generator(inputs)
        levels = ((x + 1) * 127.5).round_().to(torch.uint8)
        return levels.permute(0, 2, 3, 1).cpu().numpy()

    def sample(self, request: SampleRequest) -> Generator[Progress | Samples, None, None]:
        """Yields `Progress` after each batch of 16 and `Samples` last.

        Raises `BadInputError` for latents of another size and for an unknown label.
        """
        check_request(request, self.latent_size, self.labels)
        latents, pictures = request.latents, []
        for start in range(0, len(latents), BATCH):
            pictures.append(self.generate(latents[start : start + BATCH], request.label))
            yield Progress("picture", min(start + BATCH, len(latents)), len(latents))
        yield Samples(np.concatenate(pictures))


class GeneratorNet(nn.Module):
    """(n, inputs) -> (n, 3, size, size) in [-1, 1]: from one point to 4 x 4, then doubled by each further layer.

    `widths` are the channels behind each layer but the last. Layers are numbered as in the published checkpoints.
    """

    def __init__(self, inputs: int, widths: tuple[int, ...], dropout: float | None = None) -> None:
        super().__init__()
        self.image_size = 4 * 2 ** len(widths)
        first, *others = widths
        layers = [nn.ConvTranspose2d(inputs, first, 4, bias=False), nn.BatchNorm2d(first), nn.ReLU(inplace=True)]
        if dropout is not None:
            layers.append(nn.Dropout(dropout))
        for width, wider in zip(others, widths, strict=False):
            layers += [upsampling(wider, width), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        self.main = nn.Sequential(*layers, upsampling(widths[-1], 3), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        picture: Tensor = self.main(x[:, :, None, None])
        return picture


def upsampling(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    """Twice the height and width."""
    return nn.ConvTranspose2d(inputs, outputs, kernel_size=4, stride=2, padding=1, bias=False)
