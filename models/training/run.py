"""A training run that can be stopped and started: what it learns, where it stands, its checkpoint and its records."""

import copy
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

KEEP_EVERY = 3 * 60
"""Seconds between checkpoints."""
LOOK_EVERY = 15 * 60
"""Seconds between two looks at what has been learnt."""

Losses = dict[str, Tensor]


class Run:
    """Networks with their moving averages and optimizers, trained by `train` for a fixed number of steps.

    The randomness of a step follows from its number alone, so a run that was stopped is the same as one that was not.
    The learning rate warms up over `warm_up` steps, stays, and falls to zero over the last `falling` of all steps.
    Beside the checkpoint NAME.pt lie NAME.losses.csv (step, mean loss) and, if training is looked at, NAME.looks.jsonl.
    """

    def __init__(
        self,
        checkpoint: Path,
        networks: Mapping[str, nn.Module],
        learning_rate: float,
        steps: int,
        ema: float,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.001,
        warm_up: int = 100,
        falling: float = 0.25,
        log_every: int = 100,
    ) -> None:
        self.checkpoint = checkpoint
        self.networks = networks
        self.averages = {name: copy.deepcopy(network).requires_grad_(False) for name, network in networks.items()}
        self.optimizers = {
            name: torch.optim.AdamW(network.parameters(), learning_rate, betas, weight_decay=weight_decay, fused=True)
            for name, network in networks.items()
        }
        self.learning_rate = learning_rate
        self.steps = steps
        self.ema = ema
        self.warm_up = warm_up
        self.falling = falling
        self.log_every = log_every
        self.done = 0
        self.seconds = 0.0
        self.history: list[tuple[int, float]] = []
        """Steps done, and the mean loss of the `log_every` steps before."""
        if checkpoint.exists():
            self._load()

    def train(
        self,
        losses: Callable[[torch.Generator], Losses],
        update: Callable[[Losses], None] | None = None,
        look: Callable[[], Mapping[str, float]] | None = None,
    ) -> bool:
        """Minimises the sum of `losses` until `steps` are done, or does with them what `update` does instead.

        `look` draws samples and returns held-out figures; it is called now and then and at the end. True when all
        steps are done, False when SIGTERM or SIGINT ended it before: then it goes on where it stopped next time.
        """
        with _asked_to_end() as ending:
            self._steps(ending, losses, update, look)
        self._save()
        finished = self.done >= self.steps
        if look and finished:
            self._record(look())
        return finished

    def _steps(
        self,
        ending: threading.Event,
        losses: Callable[[torch.Generator], Losses],
        update: Callable[[Losses], None] | None,
        look: Callable[[], Mapping[str, float]] | None,
    ) -> None:
        started = kept = looked = time.monotonic()
        already = self.seconds
        recent: list[float] = []
        while self.done < self.steps and not ending.is_set():
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
            recent.append(sum(part.item() for part in parts.values()))
            if self.done % self.log_every == 0:
                told = ", ".join(f"{name} {part.item():.4f}" for name, part in parts.items())
                print(
                    f"{time.strftime('%H:%M:%S')} {self.checkpoint.stem} {self.done}/{self.steps}: {told}", flush=True
                )
                self.history.append((self.done, sum(recent) / len(recent)))
                recent.clear()
            if time.monotonic() - kept > KEEP_EVERY:
                self._save()
                kept = time.monotonic()
            if look and time.monotonic() - looked > LOOK_EVERY:
                self._record(look())
                looked = time.monotonic()

    def descend(self, loss: Tensor, *names: str) -> None:
        """One step down `loss` for the networks of these names."""
        for name in names:
            self.optimizers[name].zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        for name in names:
            nn.utils.clip_grad_norm_(self.networks[name].parameters(), 1.0)
            self.optimizers[name].step()

    def _rate(self) -> float:
        falling = self.steps * self.falling
        return min(1.0, (self.done + 1) / self.warm_up, (self.steps - self.done) / falling if falling else 1.0)

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

    def _record(self, figures: Mapping[str, float]) -> None:
        with self.checkpoint.with_suffix(".looks.jsonl").open("a") as file:
            file.write(json.dumps({"step": self.done, **figures}) + "\n")

    def _save(self) -> None:
        """In one go: a crash leaves the old file or the new one."""
        state = {
            "networks": {name: network.state_dict() for name, network in self.networks.items()},
            "averages": {name: network.state_dict() for name, network in self.averages.items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "done": self.done,
            "seconds": self.seconds,
            "history": self.history,
        }
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        os.replace(partial, self.checkpoint)
        rows = (f"{step},{loss:.5f}\n" for step, loss in self.history)
        self.checkpoint.with_suffix(".losses.csv").write_text("".join(rows))

    def _load(self) -> None:
        state = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        for name in self.networks:
            self.networks[name].load_state_dict(state["networks"][name])
            self.averages[name].load_state_dict(state["averages"][name])
            self.optimizers[name].load_state_dict(state["optimizers"][name])
        self.done, self.seconds, self.history = state["done"], state["seconds"], state.get("history", [])


def release(network: nn.Module, weights: Path, card: Mapping[str, Any]) -> None:
    """Writes the weights in float16 to the safetensors file `weights`, and `card` to card.json beside it."""
    weights.parent.mkdir(parents=True, exist_ok=True)
    partial = weights.with_suffix(".partial")
    save_file({name: tensor.half().cpu().contiguous() for name, tensor in network.state_dict().items()}, partial)
    partial.chmod(0o644)
    os.replace(partial, weights)
    told = {"parameters": sum(parameter.numel() for parameter in network.parameters()), **card}
    (weights.parent / "card.json").write_text(json.dumps(told, indent=1) + "\n")


@contextmanager
def _asked_to_end() -> Iterator[threading.Event]:
    """Set by SIGTERM and SIGINT, so that a run ends between two steps, with a checkpoint."""
    ending = threading.Event()
    before = {asked: signal.getsignal(asked) for asked in (signal.SIGTERM, signal.SIGINT)}
    for asked in before:
        signal.signal(asked, lambda number, frame: ending.set())
    try:
        yield ending
    finally:
        for asked, handler in before.items():
            signal.signal(asked, handler)
