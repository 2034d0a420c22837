"""The number format that networks are trained in."""

import torch

from models.devices import available_devices


def mixed_precision(kind: str) -> torch.autocast:
    """A block that computes in bfloat16 on a device of `kind` that multiplies it in hardware.

    Other processors compute in float32: bfloat16 would take them longer, and some have no LSTM for it.
    """
    cpu = available_devices()[-1]
    return torch.autocast(kind, torch.bfloat16, enabled=kind == "cuda" or cpu.precision == "bfloat16")
