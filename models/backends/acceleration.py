"""What may make the denoiser of a pipeline faster on a graphics card: the kernel of its attention, and compiling it.

No card was at hand to measure either, so both are careful: attention is PyTorch's own unless the host has installed
another, and compiling is an option of the host.
"""

import logging
from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from diffusers.models.attention_dispatch import attention_backend as default_attention
from diffusers.utils.import_utils import is_flash_attn_3_available, is_flash_attn_available

from models.devices import Device

log = logging.getLogger(__name__)

NATIVE = "native"
COMPILER = "inductor"
"""The backend of `torch.compile`."""
_NEVER_MASKED = ("Flux2Transformer2DModel",)
"""FlashAttention knows no masks, and Z-Image masks prompts of different lengths in one batch."""
_MOST_VERSIONS = 64
"""Of one kind of block; see `_compile`. PyTorch's own limit is 8, and beyond it `fullgraph` would refuse to draw."""


def accelerate(pipeline: Any, device: Device) -> None:
    """Prepares the transformer or the U-Net of a pipeline that has just been loaded on `device`."""
    denoiser = getattr(pipeline, "transformer", None) or getattr(pipeline, "unet", None)
    if type(denoiser).__name__ in _NEVER_MASKED:
        _use_attention(denoiser, attention_backend(_capability(device), _installed()))
    if device.compiled and getattr(denoiser, "_repeated_blocks", None):
        _compile(denoiser)


def enough_versions(device: Device) -> AbstractContextManager[object]:
    """For the thread that runs compiled networks, since PyTorch keeps its limit for each thread."""
    return torch._dynamo.config.patch(recompile_limit=_MOST_VERSIONS) if device.compiled else nullcontext()


def attention_backend(capability: tuple[int, int] | None, installed: Collection[str]) -> str:
    """Diffusers' name for the attention without masks on a card of compute `capability` (None: no card).

    `installed` may hold "flash_attn" (version 2) and "flash_attn_3". This rests on what those packages say they are
    built for: version 3 for Hopper (9.x), version 2 for Ampere, Ada and Hopper (8.x and 9.x). Everywhere else it is
    PyTorch's own attention, which chooses among its kernels by itself. Diffusers' kernels from the hub ("..._hub") are
    never chosen: they are code that is downloaded and run.
    """
    generation = capability[0] if capability else 0
    if generation == 9 and "flash_attn_3" in installed:
        return "_flash_3"
    if generation in (8, 9) and "flash_attn" in installed:
        return "flash"
    return NATIVE


def _capability(device: Device) -> tuple[int, int] | None:
    # A card on loan is not there to be asked.
    return torch.cuda.get_device_capability() if device.kind == "cuda" and not device.on_loan else None


def _installed() -> list[str]:
    packages: dict[str, Any] = {"flash_attn": is_flash_attn_available, "flash_attn_3": is_flash_attn_3_available}
    return [name for name, available in packages.items() if available()]


def _use_attention(denoiser: Any, name: str) -> None:
    if name == NATIVE:
        return
    # What is set for one network becomes the default of all others, until this block is left.
    with default_attention(NATIVE):
        try:
            denoiser.set_attention_backend(name)
        except RuntimeError as error:  # installed, but too old or built for another PyTorch
            log.warning("attention stays PyTorch's own: %s", error)


def _compile(denoiser: Any) -> None:
    """Compiles the blocks that the network repeats, once for all of a kind.

    Shapes stay few without any padding. The compiler takes the first shape it meets as fixed, and so it remains where
    nothing varies: captions are drawn at one size, and texts are padded. A dimension that differs the second time (the
    pictures in a batch of students, the size of an edited photograph, the length of Z-Image's texts) becomes a variable
    for good. So there are at most two versions for one picture and two for several, each with and without a mask, for
    each of the three widths of a U-Net or the three uses that Z-Image makes of its block.
    """
    denoiser.compile_repeated_blocks(fullgraph=True, backend=COMPILER)
