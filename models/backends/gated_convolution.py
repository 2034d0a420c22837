"""A small U-Net of gated convolutions that foresees what is missing in a picture (Yu et al. 2019, arXiv:1806.03589).

A plain convolution treats the hole as if it were picture. A gated one multiplies each of its features by a gate between
0 and 1 that it computes from the same neighbourhood, so it learns for itself which places to believe; the partial
convolution of Liu et al. 2018 (arXiv:1804.07723) is the special case in which the gates are given by the mask.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

SIDE = 128
"""Pixels: the side of the squares it was trained on."""
STRIDE = 8
"""Heights and widths are divisible by it."""


FEATURE_GAIN = 2.2
"""Of the first weights of the features: it keeps the variance from layer to layer."""


class GatedConvolution(nn.Module):
    """[n, inputs, h, w] -> [n, outputs, h / stride, w / stride]: features, each times its gate, brought to root mean
    square 1 at every place (Karras et al. 2018): without that the residual layers let them grow until training dies."""

    def __init__(self, inputs: int, outputs: int, size: int = 3, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        padding = dilation * (size // 2)
        self.convolution = nn.Conv2d(inputs, 2 * outputs, size, stride, padding, dilation)
        # Gates and activations would shrink the signal to a third in every layer.
        nn.init.normal_(self.convolution.weight, std=(inputs * size**2) ** -0.5)
        with torch.no_grad():
            self.convolution.weight[:outputs] *= FEATURE_GAIN

    def forward(self, x: Tensor) -> Tensor:
        features, gates = self.convolution(x).chunk(2, 1)
        gated = functional.silu(features) * torch.sigmoid(gates)
        return gated * torch.rsqrt(gated.square().mean(1, keepdim=True) + 1e-6)


class Residual(nn.Module):
    """A gated convolution and a plain one, added to what comes in."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.gated = GatedConvolution(channels, channels, dilation=dilation)
        self.mix = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.mix.weight)

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = self.mix(self.gated(x))
        return x + mixed


class GatedUNet(nn.Module):
    """What belongs into the hole: it corrects the smooth interpolation of the surroundings."""

    def __init__(self, channels: tuple[int, int, int] = (32, 64, 128), dilations: tuple[int, ...] = (1, 2, 4, 8) * 2):
        super().__init__()
        fine, middle, coarse = channels
        self.enter = GatedConvolution(4 * 4, fine)
        self.down = GatedConvolution(fine, middle, stride=2)
        self.down_again = GatedConvolution(middle, coarse, stride=2)
        self.middle = nn.Sequential(*(Residual(coarse, dilation) for dilation in dilations))
        self.up = GatedConvolution(coarse + middle, middle)
        self.up_again = GatedConvolution(middle + fine, fine)
        self.leave = nn.Conv2d(fine, 3 * 4, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def forward(self, pictures: Tensor, holes: Tensor) -> Tensor:
        """`pictures` [n, 3, h, w] in [-1, 1], `holes` [n, 1, h, w] with 1 where the picture is unknown; what `pictures`
        hold there is ignored. h and w are multiples of `STRIDE`. Returns pictures; outside the holes they mean nothing.
        """
        smooth = interpolated(pictures, holes)
        fine = self.enter(functional.pixel_unshuffle(torch.cat([smooth, holes * 2 - 1], 1), 2))
        middle = self.down(fine)
        coarse = self.middle(self.down_again(middle))
        middle = self.up(torch.cat([_doubled(coarse), middle], 1))
        fine = self.up_again(torch.cat([_doubled(middle), fine], 1))
        return smooth + functional.pixel_shuffle(self.leave(fine), 2)


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


def interpolated(pictures: Tensor, holes: Tensor) -> Tensor:
    """`pictures` [n, channels, h, w] with their `holes` [n, 1, h, w] filled smoothly: each place from the finest level
    of an averaging pyramid that knows it (pull-push, Gortler et al. 1996)."""
    known = 1 - holes
    values = pictures * known
    levels = [(values, known)]
    while max(values.shape[-2:]) > 1:
        values = functional.avg_pool2d(values, 2, ceil_mode=True)
        known = functional.avg_pool2d(known, 2, ceil_mode=True)
        # A coarse place speaks with full weight as soon as a quarter of it is known.
        weight = (known * 4).clamp(max=1)
        values = values * (weight / known.clamp(min=1e-6))
        known = weight
        levels.append((values, known))
    filled = levels[-1][0] / levels[-1][1].clamp(min=1e-6)
    for values, known in reversed(levels[:-1]):
        above = functional.interpolate(filled, size=values.shape[-2:], mode="bilinear")
        filled = values + (1 - known) * above
    return filled
