"""Trains the models of the progress strip: `python -m models.training.progress RUN [--only vae]`.

Everything lives in the folder RUN. The same command goes on from the checkpoints in it; what is finished is not done
again. `--release` does not train: it judges what the checkpoints hold, writes the weights and their figures, and prints
what models/specs/progress.py has to say about the files.
"""

import argparse
from pathlib import Path

import torch

from models.training.progress import density, diffusion, gan, vae
from models.training.progress.release import release
from models.training.small_pictures import picture_sets

NETWORKS = ("vae", "gan", "diffusion")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of the run: goes on from the checkpoints in it")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/gallery-training", help="packages")
    parser.add_argument("--only", choices=["density", *NETWORKS], help="train this kind of model alone")
    parser.add_argument("--release", action="store_true", help="judge and write what is in the folder")
    parser.add_argument("--weights", type=Path, default=Path("models/weights"), help="where --release writes")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.run.mkdir(parents=True, exist_ok=True)
    sets = picture_sets(arguments.cache / "packages")
    if arguments.release:
        release(arguments.run, sets, arguments.weights)
        return
    wanted = (arguments.only,) if arguments.only else ("density", *NETWORKS)
    if "density" in wanted:
        density.train(arguments.run, sets)
    for data, pictures in sets.items():
        if "vae" in wanted:
            vae.train(arguments.run, data, pictures)
        if "gan" in wanted:
            gan.train(arguments.run, data, pictures)
    if "diffusion" in wanted:
        diffusion.train(arguments.run, sets)


if __name__ == "__main__":
    main()
