"""Trains the colorizer: `python -m models.training.colorization RUN PHOTOGRAPHS`, stopped and started again at will.

PHOTOGRAPHS is a folder or a tar file of colour photographs. Everything else lives in the folder RUN: the prepared
examples, `checkpoint.pt`, `loss.csv`, `held_out.csv` and `samples/`. The randomness of a step follows from its number
alone, so a run that was stopped and resumed is the same as one that was not. The learning rate falls to zero over the
second half of `--steps`; then the weights to release are written.
"""

import argparse
import copy
import json
import os
import random
import signal
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from models.backends.colorizer_network import COLOUR_SIDE, Colorizer, ColorizerConfig, annealed_mean
from models.lab import from_lab
from models.locations import default_cache
from models.specs.detection import CLIP_PROBE
from models.store import WeightStore
from models.training.colour_photographs import Examples, prepared

CELL = 10.0
"""Side of a colour cell in units of ab."""
RAREST_CELL = 1e-5
"""Cells that hold less than this share of all places are left out."""
KEEP_EVERY = 5 * 60
LOOK_EVERY = 10 * 60
"""Seconds between checkpoints, and between sample sheets."""
TEMPERATURES = (1.0, 0.38, 0.2)


@dataclass(frozen=True)
class Settings:
    """How to train. The defaults are those of the released model."""

    batch: int = 24
    learning_rate: float = 1e-3
    steps: int = 8_000
    ema: float = 0.999
    rebalancing: float = 0.5
    """Lambda of Zhang et al. 2016: 0 weights all colours by their rarity, 1 all the same."""
    token_dropout: float = 0.1
    with_hints: float = 0.5
    """Share of examples that reveal some of their colours."""
    seed: int = 0
    device: str = "cpu"


class Training:
    """The state of a run, and the one step that changes it."""

    def __init__(self, settings: Settings, examples: Examples) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.examples = examples
        self.device = torch.device(settings.device)
        palette, self.weights = colour_cells(examples, settings.rebalancing)
        self.network = Colorizer(ColorizerConfig(len(palette))).to(self.device)
        self.network.palette.copy_(palette)
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=settings.learning_rate, betas=(0.9, 0.95), weight_decay=0.02, fused=True
        )
        self.steps = 0
        self.history: list[float] = []
        """The mean loss of each 25 steps."""
        self.recent = 0.0

    def step(self) -> None:
        settings = self.settings
        draw = random.Random(settings.seed * 1_000_003 + self.steps)
        generator = torch.Generator().manual_seed(draw.getrandbits(40))
        rows = draw.choices(range(len(self.examples)), k=settings.batch)
        tokens, lightness, colours = self.examples.at(rows, [draw.random() < 0.5 for _ in rows])
        kept = torch.rand(settings.batch, tokens.shape[1], 1, generator=generator) >= settings.token_dropout
        hints = reveal(colours, settings.with_hints, draw)
        with torch.autocast(self.device.type, torch.bfloat16):
            logits = self.network(
                (tokens * kept).to(self.device), lightness.to(self.device), hints.to(self.device)
            ).float()
        loss = self.loss(logits, colours.to(self.device))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = settings.learning_rate * min(1, (self.steps + 1) / 100, 2 - 2 * self.steps / settings.steps)
        self.optimizer.step()
        self.steps += 1
        momentum = min(settings.ema, self.steps / (self.steps + 10))
        with torch.no_grad():
            for averaged, current in zip(self.average.parameters(), self.network.parameters(), strict=True):
                averaged.lerp_(current, 1 - momentum)
        self.recent += loss.item() / 25
        if self.steps % 25 == 0:
            self.history.append(self.recent)
            self.recent = 0.0

    def loss(self, logits: Tensor, colours: Tensor) -> Tensor:
        """Cross-entropy with each true colour spread over its five nearest cells, rare colours weighted up."""
        distance = (colours[:, None] - self.network.palette[None, :, :, None, None]).square().sum(2)
        near, cells = distance.topk(min(5, distance.shape[1]), 1, largest=False)
        share = (near / -(2 * 5.0**2)).softmax(1)
        weight = self.weights.to(self.device)[cells[:, 0]]
        entropy = -(share * logits.log_softmax(1).gather(1, cells)).sum(1)
        return (weight * entropy).mean()

    def save(self, path: Path) -> None:
        """Writes all there is to go on from, in one go: a crash leaves the old file or the new one."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "steps": self.steps,
            "history": self.history,
            "recent": self.recent,
        }
        torch.save(state, path.with_suffix(".partial"))
        path.with_suffix(".partial").rename(path)

    def load(self, path: Path) -> None:
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.steps, self.history, self.recent = state["steps"], state["history"], state["recent"]


def colour_cells(examples: Examples, rebalancing: float) -> tuple[Tensor, Tensor]:
    """The ab values [cells, 2] of the grid cells that occur, and the weight of each in the loss (on average 1)."""
    cells = np.floor(np.asarray(examples.colours).reshape(-1, 2) / CELL).astype(np.int16)
    occurring, counts = np.unique(cells, axis=0, return_counts=True)
    share = counts / counts.sum()
    occurring, share = occurring[share >= RAREST_CELL], share[share >= RAREST_CELL]
    palette = (occurring.astype(np.float32) + 0.5) * CELL
    # The shares of neighbours are mixed, as rare cells are counted badly.
    distance = ((palette[:, None] - palette[None]) ** 2).sum(-1)
    mixing = np.exp(-distance / (2 * 5.0**2))
    smooth = mixing / mixing.sum(0) @ (share / share.sum())
    weights = 1 / ((1 - rebalancing) * smooth + rebalancing / len(palette))
    weights /= (weights * smooth).sum()
    return torch.from_numpy(palette), torch.from_numpy(weights.astype(np.float32))


def reveal(colours: Tensor, share: float, draw: random.Random) -> Tensor:
    """Hints [n, 3, 56, 56] as a visitor might click them: a few small squares with the mean of their true colours."""
    hints = torch.zeros(len(colours), 3, COLOUR_SIDE, COLOUR_SIDE)
    for hint, colour in zip(hints, colours, strict=True):
        clicks = 1 + int(draw.expovariate(0.25)) if draw.random() < share else 0
        for _ in range(min(clicks, 30)):
            side = draw.choice((1, 2, 3, 5))
            top, left = (draw.randrange(COLOUR_SIDE - side + 1) for _ in range(2))
            square = (slice(None), slice(top, top + side), slice(left, left + side))
            hint[:2][square] = colour[square].mean((1, 2), keepdim=True) / 110
            hint[2:][square] = 1
    return hints


@torch.no_grad()
def predict(network: Colorizer, examples: Examples, rows: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, lightness and true colours of some examples, without hints."""
    device = next(network.parameters()).device
    tokens, lightness, colours = examples.at(rows, [False] * len(rows))
    hints = torch.zeros(len(rows), 3, COLOUR_SIDE, COLOUR_SIDE)
    with torch.autocast(device.type, torch.bfloat16):
        logits = network(tokens.to(device), lightness.to(device), hints.to(device)).float().cpu()
    return logits, lightness, colours


def held_out_figures(network: Colorizer, examples: Examples, mean_colour: Tensor) -> dict[str, float]:
    """Mean distance in ab and mean chroma on held-out photographs, at three temperatures, against grey and the mean
    colour of the training photographs."""
    errors: dict[str, list[Tensor]] = {}
    for begin in range(0, len(examples), 20):
        rows = list(range(begin, min(begin + 20, len(examples))))
        logits, _, colours = predict(network, examples, rows)
        guesses = {f"T {t}": annealed_mean(logits, network.palette.cpu(), t) for t in TEMPERATURES}
        guesses["grey"] = torch.zeros_like(colours)
        guesses["mean colour"] = mean_colour[None, :, None, None].expand_as(colours)
        for name, guess in guesses.items():
            errors.setdefault(f"ab error, {name}", []).append((guess - colours).square().sum(1).sqrt().mean((1, 2)))
            errors.setdefault(f"chroma, {name}", []).append(guess.square().sum(1).sqrt().mean((1, 2)))
        errors.setdefault("chroma, truth", []).append(colours.square().sum(1).sqrt().mean((1, 2)))
    return {name: round(torch.cat(values).mean().item(), 2) for name, values in errors.items()}


def sample_sheet(network: Colorizer, examples: Examples) -> Image.Image:
    """Held-out photographs: grey, ours, true, one above the other."""
    rows = list(range(min(16, len(examples))))
    logits, lightness, colours = predict(network, examples, rows)
    ours = annealed_mean(logits, network.palette.cpu(), 0.38)
    side = lightness.shape[-1]
    sheet = Image.new("RGB", (side * len(rows), side * 3))
    for line, ab in enumerate((torch.zeros_like(colours), ours, colours)):
        large = functional.interpolate(ab, size=(side, side), mode="bilinear")
        lab = torch.cat([(lightness + 1) * 50, large], 1).permute(0, 2, 3, 1).numpy()
        for column, picture in enumerate(from_lab(lab)):
            sheet.paste(Image.fromarray(picture), (column * side, line * side))
    return sheet


def train(training: Training, held_out: Examples, run: Path, ending: threading.Event) -> None:
    """Steps until the settings' number of steps, or until `ending` is set."""
    mean_colour = torch.from_numpy(np.asarray(training.examples.colours).reshape(-1, 2).mean(0).astype(np.float32))

    def keep() -> None:
        training.save(run / "checkpoint.pt")
        rows = (f"{(i + 1) * 25},{loss:.5f}\n" for i, loss in enumerate(training.history))
        (run / "loss.csv").write_text("".join(rows))

    def look() -> dict[str, float]:
        (run / "samples").mkdir(parents=True, exist_ok=True)
        sample_sheet(training.average, held_out).save(run / "samples" / f"{training.steps:06}.png")
        figures = held_out_figures(training.average, held_out, mean_colour)
        with (run / "held_out.csv").open("a") as file:
            file.write(f"{training.steps},{json.dumps(figures)}\n")
        return figures

    kept = looked = time.monotonic()
    while training.steps < training.settings.steps and not ending.is_set():
        training.step()
        if training.steps % 25 == 0:
            print(f"{time.strftime('%H:%M:%S')} step {training.steps}: loss {training.history[-1]:.4f}", flush=True)
        if time.monotonic() - kept > KEEP_EVERY:
            keep()
            kept = time.monotonic()
        if time.monotonic() - looked > LOOK_EVERY:
            look()
            looked = time.monotonic()
    keep()
    if training.steps == training.settings.steps:
        release(training, look(), Path("models/weights/colorizer"))


def release(training: Training, figures: dict[str, float], folder: Path) -> None:
    """Writes the averaged weights in float16 and what is known about them."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({n: t.half().cpu() for n, t in training.average.state_dict().items()}, folder / "colorizer.safetensors")
    card = {
        "parameters": sum(parameter.numel() for parameter in training.average.parameters()),
        "colours": training.network.config.colours,
        "settings": asdict(training.settings),
        "crops": len(training.examples),
        "loss": training.history[-1],
        "held out": figures,
    }
    (folder / "card.json").write_text(json.dumps(card, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of the run: goes on from the checkpoint in it")
    parser.add_argument("photographs", type=Path, help="folder or tar file of colour photographs")
    parser.add_argument("--steps", type=int, default=Settings.steps, help="steps in all")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    encoder = WeightStore(default_cache()).fetch(CLIP_PROBE) / "clip_encoder.int8.onnx"
    examples, held_out = prepared(arguments.photographs, encoder, arguments.run / "examples")
    settings = Settings(steps=arguments.steps, device="cuda" if torch.cuda.is_available() else "cpu")
    training = Training(settings, examples)
    if (arguments.run / "checkpoint.pt").exists():
        training.load(arguments.run / "checkpoint.pt")
    ending = threading.Event()
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, lambda number, frame: ending.set())
    train(training, held_out, arguments.run, ending)


if __name__ == "__main__":
    main()
