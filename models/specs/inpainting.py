"""Models that fill holes in pictures. The network of two of them was trained by models/training/inpainting.py."""

from models.sources import InstalledPackage, PackagedFiles, WeightFile, Weights
from models.spec import ModelSpec, Paper
from models.tasks import Task
from models.units import MB

_NETWORK = Weights(
    name="inpainting",
    files=(
        WeightFile(
            "gated-unet.safetensors", "d1e385abd8960653ea596da21a91bad4f33c9b84999f5da22871fb7b4cc83842", 5_939_232
        ),
    ),
    mirrors=(PackagedFiles("inpainting"),),
)
_NUMPY = Weights("numpy", (), (InstalledPackage("numpy", "2.4.6"),))
_PARAMETERS = 2_967_564
_GATED = Paper(
    "Yu et al.", "Free-Form Image Inpainting with Gated Convolution", 2019, "https://arxiv.org/abs/1806.03589"
)
_PATCH_MATCH = Paper(
    "Barnes et al.",
    "PatchMatch: A Randomized Correspondence Algorithm for Structural Image Editing",
    2009,
    "https://doi.org/10.1145/1531326.1531330",
)
_TRAINED_ON = "926 sample photographs of ImageNet (research and teaching only), by us"

INPAINTING = (
    ModelSpec(
        id="inpainting-structure-and-texture",
        tasks=(Task.INPAINTING,),
        title="Network and copying",
        year=2026,
        paper=_GATED,
        licence="Apache-2.0",
        homepage="https://arxiv.org/abs/1806.03589",
        parameters=_PARAMETERS,
        weights=_NETWORK,
        loader="models.backends.inpainting:load_structure_and_texture",
        memory={"cuda": 300 * MB, "cpu": 400 * MB},
        trained_on=_TRAINED_ON,
        limits="Draws nothing that is not in the picture already. Held-out photographs: 18.4 dB inside the hole, "
        "copying alone 17.5, fast marching 18.6; decibels reward blur, so look for yourself.",
        concurrency=2,
        preference=10,
    ),
    ModelSpec(
        id="inpainting-network",
        tasks=(Task.INPAINTING,),
        title="Network alone",
        year=2026,
        paper=_GATED,
        licence="Apache-2.0",
        homepage="https://arxiv.org/abs/1806.03589",
        parameters=_PARAMETERS,
        weights=_NETWORK,
        loader="models.backends.inpainting:load_network_alone",
        memory={"cuda": 300 * MB, "cpu": 150 * MB},
        trained_on=_TRAINED_ON,
        limits="Trained for half an hour (4,000 steps): continues edges and colours, blurs large holes. Held-out "
        "photographs: 19.3 dB inside the hole, fast marching 18.6.",
        concurrency=2,
        preference=20,
    ),
    ModelSpec(
        id="inpainting-patch-match",
        tasks=(Task.INPAINTING,),
        title="Copying alone (PatchMatch)",
        year=2009,
        paper=_PATCH_MATCH,
        licence="none needed",
        homepage="https://gfx.cs.princeton.edu/pubs/Barnes_2009_PAR/",
        parameters=0,
        weights=_NUMPY,
        loader="models.backends.inpainting:load_copying_alone",
        memory={"cpu": 400 * MB},
        trained_on="",
        limits="Sharp but blind: it continues texture without an idea of what the picture shows.",
        concurrency=2,
        preference=30,
    ),
    ModelSpec(
        id="inpainting-telea",
        tasks=(Task.INPAINTING,),
        title="Fast marching (Telea)",
        year=2004,
        paper=Paper(
            "Telea",
            "An Image Inpainting Technique Based on the Fast Marching Method",
            2004,
            "https://doi.org/10.1080/10867651.2004.10487596",
        ),
        licence="none needed",
        homepage="https://doi.org/10.1080/10867651.2004.10487596",
        parameters=0,
        weights=_NUMPY,
        loader="models.backends.inpainting:load_fast_marching",
        memory={"cpu": 100 * MB},
        trained_on="",
        limits="Fine for scratches; whatever is wider becomes a smear.",
        concurrency=2,
        preference=40,
    ),
)
