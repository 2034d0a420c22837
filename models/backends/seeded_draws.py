"""What a network draws at random, drawn from a seed of one's own."""

from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode


class SeededDraws(TorchFunctionMode):
    """Inside this block, on this thread, what torch draws comes from one generator on the CPU.

    So a seed means the same on every device, several requests can draw at once, and nobody else's random numbers
    change. For networks that ask for no generator.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._generator = torch.Generator().manual_seed(seed % 2**63)

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is torch.randn:
            device = kwargs.pop("device", None)
            return func(*args, generator=self._generator, **kwargs).to(device)
        if func is torch.randn_like:
            return torch.randn(args[0].shape, generator=self._generator).to(args[0])
        if func in (torch.multinomial, torch.bernoulli):
            drawn = func(args[0].float().cpu(), *args[1:], generator=self._generator, **kwargs)
            return drawn.to(args[0].device)
        return func(*args, **kwargs)
