"""Reads the weights of a network from ncnn's `.bin` format (https://github.com/Tencent/ncnn).

A `.bin` file holds bare numbers in the order of the layers and says nothing about their shapes: those are the network's
own. Each layer with weights is stored as

- convolution: a little-endian uint32 tag (0x01306B47: half precision follows), the kernel as float16 in the order (out,
  in, height, width), zero bytes up to a multiple of 4, then the bias as float32;
- PReLU: its slopes as float32.
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.errors import IntegrityError

HALF_PRECISION = 0x01306B47


def load_ncnn_weights(net: nn.Module, file: Path) -> None:
    """Fills every `Conv2d` and `PReLU` of `net`, in the order in which they were defined, from the `.bin` in `file`.

    Raises `IntegrityError` unless the file is used up exactly and every tag is in its place: so no file of another
    network is mistaken for this one's.
    """
    data = file.read_bytes()
    at = 0

    def take(dtype: str, count: int) -> torch.Tensor:
        nonlocal at
        numbers = np.frombuffer(data, dtype, count, at)
        at += numbers.nbytes
        return torch.from_numpy(numbers.astype(np.float32))

    def fill(parameter: torch.Tensor, numbers: torch.Tensor) -> None:
        parameter.copy_(numbers.view_as(parameter))

    try:
        with torch.no_grad():
            for layer in net.modules():
                if isinstance(layer, nn.Conv2d):
                    tag = int.from_bytes(data[at : at + 4], "little")
                    if tag != HALF_PRECISION:
                        raise ValueError(f"tag {tag:#x} at byte {at}")
                    at += 4
                    fill(layer.weight, take("<f2", layer.weight.numel()))
                    at += -at % 4
                    if layer.bias is not None:
                        fill(layer.bias, take("<f4", layer.bias.numel()))
                elif isinstance(layer, nn.PReLU):
                    fill(layer.weight, take("<f4", layer.weight.numel()))
        if at != len(data):
            raise ValueError(f"{len(data) - at} bytes are left over")
    except ValueError as error:
        raise IntegrityError(
            f"{file.name} does not hold the weights of {type(net).__name__} ({error}); "
            "delete it and fetch the model again."
        ) from error
