"""Trains WaveNet on one synthetic voice: `python -m models.training.wavenet RUN`, stopped and started again at will.

It learns from 1,000 sentences that hibari reads, see spoken_sentences.py. One example in four does not see the
spectrogram and learns to babble; one in four is heard through fewer blocks, drawn at random, so that any depth works.
`--release` writes what the checkpoint holds, with its figures, to models/weights/wavenet/.
"""

import argparse
from hashlib import sha256
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.backends.wavenet_network import WaveNet
from models.training.precision import mixed_precision
from models.training.run import Losses, Run, release
from models.training.wavenet_figures import bits_by_depth, figures
from models.training.wavenet_sound import Sound, prepared_sound
from models.wavenet import DILATIONS, HOP

BATCH = 3
CROP_FRAMES = 60
"""0.6 s: more than twice what the network sees of the past."""
WITHOUT_CONDITION = 0.25
SHALLOW = 0.25
STEPS = 4_000
LEARNING_RATE = 2e-3


def crops(sound: Sound, count: int, frames: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Levels [count, 80 frames] and mel [count, frames, 64] from random places."""
    starts = torch.randint(len(sound.mel) - frames + 1, (count,), generator=generator).tolist()
    levels = np.stack([sound.levels[start * HOP : (start + frames) * HOP] for start in starts])
    mel = np.stack([sound.mel[start : start + frames] for start in starts])
    return torch.from_numpy(levels).long(), torch.from_numpy(mel).float()


def train(run: Run, network: WaveNet, learnt: Sound, held_out: Sound, device: torch.device) -> bool:
    """Trains until all steps are done (True) or the run is asked to end (False)."""

    def losses(generator: torch.Generator) -> Losses:
        levels, mel = (part.to(device) for part in crops(learnt, BATCH, CROP_FRAMES, generator))
        conditioned = torch.rand(BATCH, generator=generator) >= WITHOUT_CONDITION
        shallow = torch.rand(BATCH, generator=generator) < SHALLOW
        depth = torch.randint(1, len(DILATIONS) + 1, (BATCH,), generator=generator)
        depth = torch.where(shallow, depth, len(DILATIONS))
        with mixed_precision(device.type):
            logits = network(levels, mel, depth.to(device), conditioned.to(device))
        return {"nats": functional.cross_entropy(logits.float().flatten(0, 1), levels.flatten())}

    def look() -> dict[str, float]:
        average = cast(WaveNet, run.averages["wavenet"])
        return {
            "bits": bits_by_depth(average, held_out, conditioned=False, seconds=4)[-1],
            "bits_conditioned": bits_by_depth(average, held_out, conditioned=True, seconds=4)[-1],
        }

    return run.train(losses, look=look)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of the run: goes on from the checkpoint in it")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument(
        "--cache", type=Path, default=Path.home() / ".cache/gallery-training", help="speech and packages"
    )
    parser.add_argument("--release", action="store_true", help="judge and write what is in the folder")
    parser.add_argument("--weights", type=Path, default=Path("models/weights/wavenet"), help="where --release writes")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.run.mkdir(parents=True, exist_ok=True)
    learnt, held_out = prepared_sound(arguments.cache)
    torch.manual_seed(0)
    network = WaveNet().to(arguments.device)
    run = Run(
        arguments.run / "wavenet.pt",
        {"wavenet": network},
        LEARNING_RATE,
        arguments.steps,
        ema=0.998,
        falling=0.4,
        log_every=25,
    )
    if not arguments.release and not train(run, network, learnt, held_out, torch.device(arguments.device)):
        return
    average = cast(WaveNet, run.averages["wavenet"]).cpu()
    card = {
        "steps": run.done,
        "hours": round(run.seconds / 3600, 2),
        "heard_hours": round(run.done * BATCH * CROP_FRAMES / 100 / 3600, 1),
        **figures(average, learnt, held_out),
    }
    weights = arguments.weights / "wavenet.safetensors"
    release(average, weights, card)
    content = weights.read_bytes()
    print(f'models/specs/wavenet.py: "{weights.name}", "{sha256(content).hexdigest()}", {len(content):_}')


if __name__ == "__main__":
    main()
