"""A training run that can be stopped and started: what it learns, where it stands, and its checkpoint."""

import copy
import os
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

KEEP_EVERY = 2 * 60
"""Seconds between checkpoints."""
LOG_EVERY = 100
"""Steps between two lines of the log."""

WARM_UP = 100
"""Steps over which the learning rate rises."""
FALLING = 0.25
"""Share of the steps, at the end, over which it falls to zero."""

Losses = dict[str, Tensor]


class Run:
    """Networks with their moving averages and optimizers, trained by `step` for a fixed number of steps.

    The randomness of a step follows from its number alone, so a run that was stopped is the same as one that was not.
    """

    def __init__(
        self,
        checkpoint: Path,
        networks: dict[str, nn.Module],
        learning_rate: float,
        steps: int,
        ema: float,
        betas: tuple[float, float] = (0.9, 0.99),
    ) -> None:
        self.checkpoint = checkpoint
        self.networks = networks
        self.averages = {name: copy.deepcopy(network).requires_grad_(False) for name, network in networks.items()}
        self.optimizers = {
            name: torch.optim.AdamW(network.parameters(), learning_rate, betas, weight_decay=0.001, fused=True)
            for name, network in networks.items()
        }
        self.learning_rate = learning_rate
        self.steps = steps
        self.ema = ema
        self.done = 0
        self.seconds = 0.0
        if checkpoint.exists():
            self._load()

    def train(
        self, losses: Callable[[torch.Generator], Losses], update: Callable[[Losses], None] | None = None
    ) -> None:
        """Minimises the sum of `losses` until `steps` are done, or does with them what `update` does instead."""
        started = kept = time.monotonic()
        already = self.seconds
        while self.done < self.steps:
            generator = torch.Generator().manual_seed(self.done)
            for optimizer in self.optimizers.values():
                for group in optimizer.param_groups:
                    group["lr"] = self.learning_rate * self._rate()
            parts = losses(generator)
            if update:
                update(parts)
            else:
                self.descend(sum(parts.values(), torch.zeros(())), *self.networks)
            self.done += 1
            self._average()
            self.seconds = already + time.monotonic() - started
            if self.done % LOG_EVERY == 0:
                told = ", ".join(f"{name} {part.item():.4f}" for name, part in parts.items())
                print(
                    f"{time.strftime('%H:%M:%S')} {self.checkpoint.stem} {self.done} of {self.steps}: {told}",
                    flush=True,
                )
            if time.monotonic() - kept > KEEP_EVERY:
                self._save()
                kept = time.monotonic()
        self._save()

    def descend(self, loss: Tensor, *names: str) -> None:
        """One step down `loss` for the networks of these names."""
        for name in names:
            self.optimizers[name].zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        for name in names:
            nn.utils.clip_grad_norm_(self.networks[name].parameters(), 1.0)
            self.optimizers[name].step()

    def _rate(self) -> float:
        """Warms up, stays, and falls to zero over the last quarter."""
        return min(1.0, (self.done + 1) / WARM_UP, (self.steps - self.done) / (self.steps * FALLING))

    @torch.no_grad()
    def _average(self) -> None:
        # A young average forgets faster, or it would be mostly the starting weights.
        momentum = min(self.ema, self.done / (self.done + 10))
        for name, network in self.networks.items():
            average = self.averages[name]
            for averaged, current in zip(average.parameters(), network.parameters(), strict=True):
                averaged.lerp_(current, 1 - momentum)
            for kept, buffer in zip(average.buffers(), network.buffers(), strict=True):
                kept.copy_(buffer)

    def _save(self) -> None:
        state = {
            "networks": {name: network.state_dict() for name, network in self.networks.items()},
            "averages": {name: network.state_dict() for name, network in self.averages.items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "done": self.done,
            "seconds": self.seconds,
        }
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        os.replace(partial, self.checkpoint)

    def _load(self) -> None:
        state = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        for name in self.networks:
            self.networks[name].load_state_dict(state["networks"][name])
            self.averages[name].load_state_dict(state["averages"][name])
            self.optimizers[name].load_state_dict(state["optimizers"][name])
        self.done, self.seconds = state["done"], state["seconds"]


def batch(pictures: Tensor, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """`size` pictures [B, 1, 28, 28], -1 to 1, drawn from grey values [N, 28, 28], and which they are."""
    chosen = torch.randint(len(pictures), (size,), generator=generator)
    return pictures[chosen, None].float() / 127.5 - 1, chosen
