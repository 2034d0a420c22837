"""Trains the colorizer: `python -m models.training.colorization RUN PHOTOGRAPHS`, stopped and started again at will.

PHOTOGRAPHS is a folder or a tar file of colour photographs. Everything else lives in the folder RUN: the prepared
examples, `colorizer.pt`, its losses and held-out figures, and `samples/`. `--release` does not train: it judges what
the checkpoint holds, prints the figures, and writes the weights with their card. Either way it prints at the end what
models/specs/colorization.py has to say about the file.
"""

import argparse
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from models.backends.colorizer_network import COLOUR_SIDE, Colorizer, ColorizerConfig, annealed_mean
from models.backends.guided_filter import honour
from models.lab import from_lab
from models.locations import default_cache
from models.specs.detection import CLIP_PROBE
from models.store import WeightStore
from models.training.colour_photographs import Examples, prepared
from models.training.precision import mixed_precision
from models.training.run import Losses, Run, release

CELL = 10.0
"""Side of a colour cell in units of ab."""
RAREST_CELL = 1e-5
"""Cells that hold less than this share of all places are left out."""
TEMPERATURES = (1.0, 0.6, 0.38, 0.2)
CLICKS = (5, 20)
"""Numbers of true colours that are told where hints are judged."""


@dataclass(frozen=True)
class Settings:
    """How to train. The defaults are those of the released model."""

    batch: int = 16
    learning_rate: float = 1e-3
    steps: int = 560
    ema: float = 0.98
    rebalancing: float = 0.75
    """Lambda of Zhang et al. 2016: 0 weights all colours by their rarity, 1 all the same. Theirs is 0.5, which with
    a thousand photographs makes everything lurid."""
    token_dropout: float = 0.2
    with_hints: float = 0.5
    """Share of examples that reveal some of their colours."""
    channels: tuple[int, int, int] = (256, 192, 128)
    """Of the network, at 14, 28 and 56 places a side."""
    device: str = "cpu"


def new_run(folder: Path, settings: Settings, examples: Examples) -> Run:
    """The run in `folder` as far as it got, or a new one."""
    torch.manual_seed(0)
    palette, _ = colour_cells(examples, settings.rebalancing)
    network = Colorizer(ColorizerConfig(len(palette), *settings.channels))
    network.palette.copy_(palette)
    network.to(settings.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Run(
        folder / "colorizer.pt",
        {"colorizer": network},
        settings.learning_rate,
        settings.steps,
        settings.ema,
        betas=(0.9, 0.95),
        weight_decay=0.02,
        falling=0.5,
        log_every=25,
    )


def objective(network: Colorizer, settings: Settings, examples: Examples) -> Callable[[torch.Generator], Losses]:
    """The loss of a random batch, some of it mirrored, with blind patches and with hints."""
    device = torch.device(settings.device)
    _, weights = colour_cells(examples, settings.rebalancing)

    def losses(generator: torch.Generator) -> Losses:
        rows = torch.randint(len(examples), (settings.batch,), generator=generator)
        mirrored = torch.rand(settings.batch, generator=generator) < 0.5
        tokens, lightness, colours = examples.at(rows.tolist(), mirrored.tolist())
        kept = torch.rand(settings.batch, tokens.shape[1], 1, generator=generator) >= settings.token_dropout
        hints = reveal(colours, clicks(settings, generator), generator)
        with mixed_precision(device.type):
            logits = network((tokens * kept).to(device), lightness.to(device), hints.to(device)).float()
        return {"colour": colour_loss(logits, colours.to(device), network.palette, weights.to(device))}

    return losses


def colour_loss(logits: Tensor, colours: Tensor, palette: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy with each true colour spread over its five nearest cells, rare colours weighted up."""
    distance = (colours[:, None] - palette[None, :, :, None, None]).square().sum(2)
    near, cells = distance.topk(min(5, distance.shape[1]), 1, largest=False)
    share = (near / -(2 * 5.0**2)).softmax(1)
    entropy = -(share * logits.log_softmax(1).gather(1, cells)).sum(1)
    return (weights[cells[:, 0]] * entropy).mean()


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


def clicks(settings: Settings, generator: torch.Generator) -> list[int]:
    """How many hints each picture of a batch has: often none, mostly few, at most 30."""
    some = torch.rand(settings.batch, generator=generator) < settings.with_hints
    many = torch.empty(settings.batch).exponential_(0.25, generator=generator)
    return ((1 + many.long()).clamp(max=30) * some).tolist()


def reveal(colours: Tensor, clicks: list[int], generator: torch.Generator) -> Tensor:
    """Hints [n, 3, 56, 56] as a visitor might click them: small squares with the mean of their true colours."""
    hints = torch.zeros(len(colours), 3, COLOUR_SIDE, COLOUR_SIDE)
    for hint, colour, count in zip(hints, colours, clicks, strict=True):
        for side in (2 * torch.randint(3, (count,), generator=generator) + 1).tolist():
            top, left = torch.randint(COLOUR_SIDE - side + 1, (2,), generator=generator).tolist()
            square = (slice(None), slice(top, top + side), slice(left, left + side))
            hint[:2][square] = colour[square].mean((1, 2), keepdim=True) / 110
            hint[2:][square] = 1
    return hints


@torch.no_grad()
def predict(network: Colorizer, examples: Examples, rows: list[int], hints: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, lightness and true colours of some examples, when `hints` of the colours are told."""
    device = next(network.parameters()).device
    tokens, lightness, colours = examples.at(rows, [False] * len(rows))
    told = told_colours(colours, hints, rows)
    with mixed_precision(device.type):
        logits = network(tokens.to(device), lightness.to(device), told.to(device)).float().cpu()
    return logits, lightness, colours


def told_colours(colours: Tensor, hints: int, rows: list[int]) -> Tensor:
    """As many hints for each of these examples, always the same ones."""
    return reveal(colours, [hints] * len(rows), torch.Generator().manual_seed(rows[0]))


def honoured(colours: Tensor, lightness: Tensor, told: Tensor) -> Tensor:
    """The colours as a visitor gets them: with exactly the hinted ones, spread to what is near and equally light."""
    light = functional.avg_pool2d((lightness + 1) * 50, 2)[:, 0].numpy()
    changed = []
    for ab, grey, hint in zip(colours.permute(0, 2, 3, 1).numpy(), light, told.numpy(), strict=True):
        row, column = np.nonzero(hint[2])
        changed.append(honour(ab, grey, np.stack([column, row], 1), 110 * hint[:2, row, column].T))
    return torch.from_numpy(np.stack(changed)).permute(0, 3, 1, 2)


def held_out_figures(network: Colorizer, examples: Examples, mean_colour: Tensor) -> dict[str, float]:
    """Mean distance in ab and mean chroma on held-out photographs: at several temperatures, and with hints, against
    grey and the mean colour of the training photographs."""
    palette = network.palette.cpu()
    measured: dict[str, list[Tensor]] = {}
    for begin in range(0, len(examples), 20):
        rows = list(range(begin, min(begin + 20, len(examples))))
        logits, lightness, colours = predict(network, examples, rows)
        guesses = {"grey": torch.zeros_like(colours), "mean colour": mean_colour.view(1, 2, 1, 1).expand_as(colours)}
        guesses |= {f"T {t}": annealed_mean(logits, palette, t) for t in TEMPERATURES}
        for count in CLICKS:
            guess = annealed_mean(predict(network, examples, rows, count)[0], palette, 0.38)
            guesses[f"{count} hints"] = honoured(guess, lightness, told_colours(colours, count, rows))
        guesses["truth"] = colours
        for name, guess in guesses.items():
            measured.setdefault(f"ab error, {name}", []).append((guess - colours).norm(dim=1).mean((1, 2)))
            measured.setdefault(f"chroma, {name}", []).append(guess.norm(dim=1).mean((1, 2)))
    return {name: round(torch.cat(values).mean().item(), 2) for name, values in measured.items()}


def sample_sheet(network: Colorizer, examples: Examples) -> Image.Image:
    """Held-out photographs: grey, ours at two temperatures, true, one above the other."""
    rows = list(range(min(16, len(examples))))
    logits, lightness, colours = predict(network, examples, rows)
    ours = [annealed_mean(logits, network.palette.cpu(), temperature) for temperature in (0.6, 0.38)]
    side = lightness.shape[-1]
    sheet = Image.new("RGB", (side * len(rows), side * 4))
    for line, ab in enumerate((torch.zeros_like(colours), *ours, colours)):
        large = functional.interpolate(ab, size=(side, side), mode="bilinear")
        lab = torch.cat([(lightness + 1) * 50, large], 1).permute(0, 2, 3, 1).numpy()
        for column, picture in enumerate(from_lab(lab)):
            sheet.paste(Image.fromarray(picture), (column * side, line * side))
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of the run: goes on from the checkpoint in it")
    parser.add_argument("photographs", type=Path, help="folder or tar file of colour photographs")
    parser.add_argument("--steps", type=int, default=Settings.steps, help="steps in all")
    parser.add_argument("--release", action="store_true", help="judge and write what is in the folder")
    parser.add_argument("--weights", type=Path, default=Path("models/weights/colorizer"), help="where to write")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    encoder = WeightStore(default_cache()).fetch(CLIP_PROBE) / "clip_encoder.int8.onnx"
    examples, held_out = prepared(arguments.photographs, encoder, arguments.run / "examples")
    mean_colour = torch.from_numpy(np.asarray(examples.colours).reshape(-1, 2).mean(0).astype(np.float32))
    settings = Settings(steps=arguments.steps, device="cuda" if torch.cuda.is_available() else "cpu")
    run = new_run(arguments.run, settings, examples)
    average = cast(Colorizer, run.averages["colorizer"])

    def look() -> dict[str, float]:
        (arguments.run / "samples").mkdir(exist_ok=True)
        sample_sheet(average, held_out).save(arguments.run / "samples" / f"{run.done:06}.png")
        return held_out_figures(average, held_out, mean_colour)

    network = cast(Colorizer, run.networks["colorizer"])
    if arguments.release or run.train(objective(network, settings, examples), look=look):
        figures = look()
        print(json.dumps(figures, indent=1))
        card = {
            "colours": average.config.colours,
            "steps": run.done,
            "hours": round(run.seconds / 3600, 2),
            "settings": asdict(settings),
            "crops": len(examples),
            "loss": run.history[-1][1],
            "held-out photographs": len(held_out),
            "held out": figures,
        }
        weights = arguments.weights / "colorizer.safetensors"
        release(average, weights, card)
        content = weights.read_bytes()
        print(f'WeightFile("{weights.name}", "{hashlib.sha256(content).hexdigest()}", {len(content):_})')


if __name__ == "__main__":
    main()
