"""Models that enlarge pictures."""

from models.pinned import REAL_ESRGAN
from models.sources import InstalledPackage, Weights
from models.spec import ModelSpec, Paper
from models.tasks import Task
from models.units import MB

_REAL_ESRGAN_PAPER = Paper(
    "Wang et al.", "Real-ESRGAN: Training Real-World Blind Super-Resolution", 2021, "https://arxiv.org/abs/2107.10833"
)
_REAL_ESRGAN_HOMEPAGE = "https://github.com/xinntao/Real-ESRGAN"

SUPER_RESOLUTION = (
    ModelSpec(
        id="real-esrgan-x4plus",
        tasks=(Task.SUPER_RESOLUTION,),
        title="Real-ESRGAN x4plus",
        year=2021,
        paper=_REAL_ESRGAN_PAPER,
        licence="BSD-3-Clause",
        homepage=_REAL_ESRGAN_HOMEPAGE,
        parameters=16_697_987,
        weights=REAL_ESRGAN,
        loader="models.backends.realesrgan:load_x4plus",
        memory={"cuda": 1200 * MB, "cpu": 720 * MB},
        trained_on="DF2K and OST photographs, degraded at random",
        limits="Invents plausible texture: skin may turn to wax, letters to other letters. Never evidence of anything.",
        preference=10,
    ),
    ModelSpec(
        id="real-esrgan-x4plus-anime",
        tasks=(Task.SUPER_RESOLUTION,),
        title="Real-ESRGAN x4plus anime",
        year=2021,
        paper=_REAL_ESRGAN_PAPER,
        licence="BSD-3-Clause",
        homepage=_REAL_ESRGAN_HOMEPAGE,
        parameters=4_467_779,
        weights=REAL_ESRGAN,
        loader="models.backends.realesrgan:load_x4plus_anime",
        memory={"cuda": 900 * MB, "cpu": 650 * MB},
        trained_on="anime illustrations, degraded at random",
        limits="Made for drawings: photographs come out as if painted with hard outlines.",
        preference=20,
    ),
    ModelSpec(
        id="real-esrgan-animevideo",
        tasks=(Task.SUPER_RESOLUTION,),
        title="Real-ESRGAN anime video v3",
        year=2022,
        paper=_REAL_ESRGAN_PAPER,
        licence="BSD-3-Clause",
        homepage=_REAL_ESRGAN_HOMEPAGE,
        parameters=621_424,
        weights=REAL_ESRGAN,
        loader="models.backends.realesrgan:load_animevideo",
        memory={"cuda": 600 * MB, "cpu": 280 * MB},
        trained_on="frames of anime videos, degraded at random",
        limits="A small, fast network for drawings; photographs lose their fine texture.",
        preference=30,
    ),
    ModelSpec(
        id="bicubic",
        tasks=(Task.SUPER_RESOLUTION,),
        title="Bicubic interpolation",
        year=1981,
        paper=Paper(
            "Keys",
            "Cubic convolution interpolation for digital image processing",
            1981,
            "https://doi.org/10.1109/TASSP.1981.1163711",
        ),
        licence="none needed",
        homepage="https://pillow.readthedocs.io",
        parameters=0,
        weights=Weights("pillow", (), (InstalledPackage("pillow", "12.3.0"),)),
        loader="models.backends.bicubic:load",
        memory={"cpu": 50 * MB},
        trained_on="",
        limits="Knows nothing about pictures: it can only blur between the pixels it has.",
        concurrency=4,
        preference=90,
    ),
)
