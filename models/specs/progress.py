"""The small models of the progress strip, trained by `python -m models.training.progress`."""

from pathlib import Path

from models.sources import PackagedFiles, WeightFile, Weights
from models.spec import ModelSpec, Paper
from models.tasks import Task
from models.units import MB

FIGURES_FOLDER = Path(__file__).parent.parent / "weights" / "progress"
"""Figures of all these models on held-out pictures, the card, and eight real pictures of each set."""
_TRAINED_ON = "Fashion-MNIST (60,000 pictures) and 9,003 digits of MNIST, by us, {} on two shared CPU cores"
_HOMEPAGE = "https://github.com/zalandoresearch/fashion-mnist"


def _packaged(kind: str, *files: tuple[str, str, int]) -> Weights:
    folder = f"progress-{kind}"
    return Weights(folder, tuple(WeightFile(*file) for file in files), (PackagedFiles(folder),))


PROGRESS = (
    ModelSpec(
        id="progress-mixture",
        tasks=(Task.SMALL_PICTURES,),
        title="Gaussian mixture, 60 components",
        year=2026,
        paper=Paper(
            "Dempster et al.",
            "Maximum Likelihood from Incomplete Data via the EM Algorithm",
            1977,
            "https://doi.org/10.1111/j.2517-6161.1977.tb01600.x",
        ),
        licence="Apache-2.0",
        homepage=_HOMEPAGE,
        parameters=188_280,
        weights=_packaged(
            "mixture",
            ("digits.safetensors", "66d5c70832e91ddf8d5781a663cef5b04c4bbe091a3d315e9304bc116a1a2deb", 188_504),
            ("fashion.safetensors", "baaa3165254330070cb61a4bcd723e87f75d41a219ece0e752929636d754ddc0", 188_504),
        ),
        loader="models.backends.small_mixture:load",
        memory={"cpu": 20 * MB},
        trained_on=_TRAINED_ON.format("1 minute"),
        limits="Each component holds the mean and the spread of every pixel alone, so no shape is ever sharp.",
        concurrency=4,
        preference=50,
    ),
    ModelSpec(
        id="progress-pca",
        tasks=(Task.SMALL_PICTURES,),
        title="Probabilistic PCA, 50 directions",
        year=2026,
        paper=Paper(
            "Tipping and Bishop",
            "Probabilistic Principal Component Analysis",
            1999,
            "https://doi.org/10.1111/1467-9868.00196",
        ),
        licence="Apache-2.0",
        homepage=_HOMEPAGE,
        parameters=79_968,
        weights=_packaged(
            "pca",
            ("digits.safetensors", "9e85cca12e0b319eee185dd9602c9578e158ace563412bf2b60e70076cb96ee5", 80_120),
            ("fashion.safetensors", "f75c48d7635203c3f25d1a1b88a521550f70f037032cb5b920bc1e1394f25903", 80_120),
        ),
        loader="models.backends.small_pca:load",
        memory={"cpu": 20 * MB},
        trained_on=_TRAINED_ON.format("3 seconds"),
        limits="Only flat: it mixes things that do not mix, and its pictures are ghosts.",
        concurrency=4,
        preference=40,
    ),
    ModelSpec(
        id="progress-vae",
        tasks=(Task.SMALL_PICTURES,),
        title="Variational autoencoder, 28 x 28",
        year=2026,
        paper=Paper("Kingma and Welling", "Auto-Encoding Variational Bayes", 2014, "https://arxiv.org/abs/1312.6114"),
        licence="Apache-2.0",
        homepage=_HOMEPAGE,
        parameters=458_436,
        weights=_packaged(
            "vae",
            ("digits.safetensors", "4227fbddde625dcbd549dbb46169163ade069483336b2c0306e4ba06c735efaa", 459_308),
            ("fashion.safetensors", "171450fe3ddca28a79f8310261e9dc7a5a32180a2029afb1e3b438784db53c8d", 459_308),
        ),
        loader="models.backends.small_vae:load",
        memory={"cuda": 100 * MB, "cpu": 60 * MB},
        trained_on=_TRAINED_ON.format("19 minutes"),
        limits="Blurs whatever it is unsure of; shows the mean of each pixel, not a draw.",
        concurrency=4,
        preference=30,
    ),
    ModelSpec(
        id="progress-gan",
        tasks=(Task.SMALL_PICTURES,),
        title="Small DCGAN, 28 x 28",
        year=2026,
        paper=Paper("Goodfellow et al.", "Generative Adversarial Nets", 2014, "https://arxiv.org/abs/1406.2661"),
        licence="Apache-2.0",
        homepage=_HOMEPAGE,
        parameters=543_970,
        weights=_packaged(
            "gan",
            ("digits.safetensors", "193112745579b12d1d597723cd61dc55a31faaecbbe88b57f0c2b2bc0d01bc03", 546_386),
            ("fashion.safetensors", "784d1f9818d43db08c05600d865be545e99ecb81264002ca0bdeaaebf824d683", 546_386),
        ),
        loader="models.backends.small_gan:load",
        memory={"cuda": 100 * MB, "cpu": 60 * MB},
        trained_on=_TRAINED_ON.format("25 minutes"),
        limits="Trained for minutes: some pictures are broken, and it draws some things too rarely.",
        concurrency=4,
        preference=20,
    ),
    ModelSpec(
        id="progress-diffusion",
        tasks=(Task.SMALL_PICTURES,),
        title="Small denoising diffusion model, 28 x 28",
        year=2026,
        paper=Paper("Ho et al.", "Denoising Diffusion Probabilistic Models", 2020, "https://arxiv.org/abs/2006.11239"),
        licence="Apache-2.0",
        homepage=_HOMEPAGE,
        parameters=1_137_569,
        weights=_packaged(
            "diffusion",
            ("unet.safetensors", "cef3cf5de9c7dfe04759acf11d18863a2c9ae485cd7359294ddd7f4ef185ab9e", 2_284_098),
        ),
        loader="models.backends.small_diffusion:load",
        memory={"cuda": 150 * MB, "cpu": 80 * MB},
        trained_on=_TRAINED_ON.format("37 minutes"),
        limits="Told one of 20 classes drawn from the seed; a small network, so a few pictures are broken.",
        concurrency=2,
        preference=10,
    ),
)
