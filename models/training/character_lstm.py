"""Trains the character LSTM: `python -m models.training.character_lstm RUN`, stopped and started again at will.

Everything lives in the folder RUN: `checkpoint.pt` (written every five minutes and on the way out), `held_out.csv` and
`release/`, the weights as the gallery loads them. The learning rate falls to zero over `--minutes` of training time,
pauses not counted; the text comes in the same order in every run.
"""

import argparse
import json
import math
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from models.backends.character_lstm import WEIGHTS
from models.training.character_ngrams import bits_per_character
from models.training.precision import mixed_precision
from models.training.texts import novels, split

State = tuple[Tensor, Tensor]
"""Hidden and cell state, each [1, streams, hidden]: all that the network remembers of the text so far."""

LOOK_EVERY = 300
"""Seconds of training between checkpoints, each with the bits on the held-out text."""


@dataclass(frozen=True)
class Settings:
    """How to train. The defaults are those of the released model."""

    minutes: float = 44
    streams: int = 64
    """Places of the text that are read side by side."""
    window: int = 128
    """Characters that the gradient reaches back; the state is carried on from window to window."""
    learning_rate: float = 3e-3
    seed: int = 0
    device: str = "cpu"
    embedding: int = 64
    hidden: int = 512
    dropout: float = 0.1


class Network(nn.Module):
    """Character ids [streams, time] and a state to logits [streams, time, alphabet] and the new state.

    `models.backends.character_lstm` computes the same from the same weights, a character at a time.
    """

    def __init__(self, characters: int, settings: Settings) -> None:
        super().__init__()
        self.embedding = nn.Embedding(characters, settings.embedding)
        self.lstm = nn.LSTM(settings.embedding, settings.hidden, batch_first=True)
        self.dropout = nn.Dropout(settings.dropout)
        self.output = nn.Linear(settings.hidden, characters)

    def forward(self, characters: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        read, state = self.lstm(self.embedding(characters), state)
        return self.output(self.dropout(read)), state


class Training:
    """The state of a run, and the one step that changes it."""

    def __init__(self, settings: Settings, learnt: str, held_out: str) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.device = torch.device(settings.device)
        self.alphabet = "".join(sorted(set(learnt)))
        self.learnt, self.held_out = _ids(learnt, self.alphabet), _ids(held_out, self.alphabet)
        self.network = Network(len(self.alphabet), settings).to(self.device)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=settings.learning_rate, betas=(0.9, 0.99), weight_decay=0.01, fused=True
        )
        self.steps = 0
        self.seconds = 0.0
        self._state: State | None = None

    @property
    def windows(self) -> int:
        """Steps in one pass over the text."""
        return (len(self.learnt) // self.settings.streams - 1) // self.settings.window - 1

    def batch(self) -> Tensor:
        """The characters [streams, window + 1] of the present step. Each pass starts at another place of the text."""
        settings = self.settings
        a_pass, place = divmod(self.steps, self.windows)
        generator = np.random.default_rng((settings.seed, a_pass))
        stream = len(self.learnt) // settings.streams
        first = int(generator.integers(settings.window)) + place * settings.window
        starts = torch.arange(settings.streams) * stream + first
        return self.learnt[starts[:, None] + torch.arange(settings.window + 1)].to(self.device)

    def step(self) -> float:
        """One step on one window; returns its loss in bits per character."""
        began = time.monotonic()
        torch.manual_seed(self.settings.seed * 1_000_003 + self.steps)  # for the dropout
        if self.steps % self.windows == 0:
            self._state = None
        batch = self.batch()
        with mixed_precision(self.device.type):
            logits, (hidden, cell) = self.network(batch[:, :-1], self._state)
        loss = nn.functional.cross_entropy(logits.float().flatten(0, 1), batch[:, 1:].flatten())
        self._state = hidden.detach(), cell.detach()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        left = max(0.0, 1 - self.seconds / (60 * self.settings.minutes))
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.learning_rate * left * min(1.0, (self.steps + 1) / 100)
        self.optimizer.step()
        self.steps += 1
        self.seconds += time.monotonic() - began
        return loss.item() / math.log(2)

    @property
    def done(self) -> bool:
        return self.seconds >= 60 * self.settings.minutes

    @torch.no_grad()
    def held_out_bits(self) -> float:
        """Bits per character on the text that training never sees, read in 32 streams."""
        self.network.eval()
        streams = self.held_out[: len(self.held_out) // 32 * 32].view(32, -1).to(self.device)
        total, state = 0.0, None
        for window, targets in zip(
            torch.split(streams[:, :-1], 256, 1), torch.split(streams[:, 1:], 256, 1), strict=True
        ):
            logits, state = self.network(window, state)
            total += nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum").item()
        self.network.train()
        return total / streams[:, 1:].numel() / math.log(2)

    def save(self, path: Path) -> None:
        """Writes all there is to go on from, in one go: a crash leaves the old file or the new one."""
        state = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "state": self._state,
            "steps": self.steps,
            "seconds": self.seconds,
        }
        partial = path.with_name(path.name + ".partial")
        torch.save(state, partial)
        partial.rename(path)

    def load(self, path: Path) -> None:
        """Goes on from what `save` wrote."""
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self._state, self.steps, self.seconds = state["state"], state["steps"], state["seconds"]


def train(training: Training, run: Path, ending: Callable[[], bool] = lambda: False) -> None:
    """Steps until the minutes are over or `ending` says so."""

    def look() -> None:
        training.save(run / "checkpoint.pt")
        bits = training.held_out_bits()
        line = f"{training.steps},{training.seconds / 60:.1f},{bits:.4f}"
        print(f"steps, minutes, held-out bits per character: {line}", flush=True)
        with (run / "held_out.csv").open("a") as file:
            file.write(line + "\n")
        release(training, bits, run / "release")

    looked = training.seconds
    while not training.done and not ending():
        bits = training.step()
        if training.steps % 50 == 0:
            print(f"{time.strftime('%H:%M:%S')} step {training.steps}: {bits:.3f} bits per character", flush=True)
        if training.seconds - looked > LOOK_EVERY:
            look()
            looked = training.seconds
    look()


def release(training: Training, bits: float, folder: Path) -> None:
    """Writes the weights in float16 and what there is to know about them."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.half().cpu() for name, tensor in training.network.state_dict().items()}
    partial = folder / (WEIGHTS + ".partial")
    save_file(weights, partial, {"alphabet": training.alphabet})
    partial.chmod(0o644)
    partial.rename(folder / WEIGHTS)
    card = {
        "parameters": sum(parameter.numel() for parameter in training.network.parameters()),
        "steps": training.steps,
        "passes": round(training.steps / training.windows, 2),
        "minutes": round(training.seconds / 60, 1),
        "held_out_bits_per_character": round(bits, 4),
        "learnt_characters": len(training.learnt),
        "held_out_characters": len(training.held_out),
        "settings": asdict(training.settings),
    }
    (folder / "card.json").write_text(json.dumps(card, indent=1) + "\n")


def _ids(text: str, alphabet: str) -> Tensor:
    return torch.tensor([alphabet.index(character) for character in text if character in alphabet])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of the run: goes on from the checkpoint in it")
    parser.add_argument(
        "--cache", type=Path, default=Path.home() / ".cache/gallery-training", help="where the novels are kept"
    )
    parser.add_argument("--minutes", type=float, default=Settings.minutes, help="of training, over all runs")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--weights", type=Path, help="copy the release to this folder at the end")
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    learnt, held_out = split(novels(arguments.cache / "packages"))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    training = Training(Settings(minutes=arguments.minutes, device=device), learnt, held_out)
    arguments.run.mkdir(parents=True, exist_ok=True)
    if (arguments.run / "checkpoint.pt").exists():
        training.load(arguments.run / "checkpoint.pt")
    for order in range(6):
        print(f"character {order + 1}-gram: {bits_per_character(learnt, held_out, order):.3f} bits per character")
    ending = threading.Event()
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, lambda number, frame: ending.set())
    train(training, arguments.run, ending.is_set)
    if arguments.weights:
        shutil.copytree(arguments.run / "release", arguments.weights, dirs_exist_ok=True)


if __name__ == "__main__":
    main()
