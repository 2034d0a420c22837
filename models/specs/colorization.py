"""Models that colour grey pictures: ours, trained by `python -m models.training.colorization`, and a classical one."""

from models.sources import InstalledPackage, PackagedAndFetched, WeightFile, Weights
from models.spec import ModelSpec, Paper
from models.specs.detection import CLIP_PROBE
from models.tasks import Task
from models.units import MB

FOLDER = "colorizer"

COLORIZER = Weights(
    name=FOLDER,
    files=(
        CLIP_PROBE.files[0],
        WeightFile(
            "colorizer.safetensors", "5cc3809bb4b4b5be74325df467588c63ee0a03de722cd8c84c5a2af583f4e7c8", 11_882_514
        ),
    ),
    mirrors=(PackagedAndFetched(FOLDER, CLIP_PROBE.mirrors[0]),),
)
"""The network that colours ships with the gallery; CLIP, through which it sees, is fetched."""

COLORIZATION = (
    ModelSpec(
        id="clip-colorizer",
        tasks=(Task.COLORIZATION,),
        title="Colours seen through CLIP",
        year=2026,
        paper=Paper("Zhang et al.", "Colorful Image Colorization", 2016, "https://arxiv.org/abs/1603.08511"),
        licence="Apache-2.0",
        homepage="https://github.com/openai/CLIP",
        parameters=5_937_523 + 86_193_153,
        weights=COLORIZER,
        loader="models.backends.colorizer:load",
        memory={"cpu": 600 * MB},
        trained_on="770 photographs, by us in 2 hours; CLIP on 400 million captioned pictures",
        limits="Knows the colours of what is common: grass, sky, skin, fur. Clothes, cars and walls are guesses. It "
        "finds them on a grid of 56 x 56 places, so they bleed at fine edges. The photographs are ImageNet's, for "
        "research and teaching.",
        concurrency=4,
        preference=10,
    ),
    ModelSpec(
        id="levin-2004",
        tasks=(Task.COLORIZATION,),
        title="Optimisation from scribbles",
        year=2004,
        paper=Paper("Levin et al.", "Colorization using Optimization", 2004, "https://doi.org/10.1145/1015706.1015780"),
        licence="none needed",
        homepage="https://www.cs.huji.ac.il/~yweiss/Colorization/",
        parameters=0,
        weights=Weights("numpy", (), (InstalledPackage("numpy", "2.4.6"),)),
        loader="models.backends.levin:load",
        memory={"cpu": 60 * MB},
        trained_on="",
        limits="Knows nothing about the world: without colour hints it has no colours, and what has no hint takes "
        "that of its neighbours.",
        concurrency=2,
        preference=90,
    ),
)
