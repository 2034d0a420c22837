"""Models that turn a picture of one kind into one of another."""

from models.sources import WeightFile, Weights, Wheel, WheelFiles
from models.spec import ModelSpec, Paper
from models.tasks import Task
from models.units import MB

VINTAGE = Weights(
    name="cyclegan-vintage",
    files=(
        WeightFile("G_A2B_epoch33.pth", "c502cd44ca720d004f89775f593fc403acc6b36d27d65390cbe2f476f771e560", 45_588_424),
    ),
    mirrors=(
        WheelFiles(
            wheels=(Wheel("vintagify", "0.1.2", "f3b38b728cc6158e97f77c3cc1bf784a63f427db47c445941ad2da3747fa208f"),),
            members=(("G_A2B_epoch33.pth", ("vintagify/resources/G_A2B_epoch33.pth",)),),
        ),
    ),
)
"""A generator of Zhu et al. 2017, as a PyTorch state dict."""

IMAGE_TRANSLATION = (
    ModelSpec(
        id="cyclegan-vintage",
        tasks=(Task.IMAGE_TRANSLATION,),
        title="CycleGAN, photo to vintage",
        year=2025,
        paper=Paper(
            "Zhu et al.",
            "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks",
            2017,
            "https://arxiv.org/abs/1703.10593",
        ),
        licence="MIT",
        homepage="https://junyanz.github.io/CycleGAN/",
        parameters=11_388_675,
        weights=VINTAGE,
        loader="models.backends.cyclegan:load_vintage",
        memory={"cuda": 500 * MB, "cpu": 640 * MB},
        trained_on="photographs, modern and vintage, unpaired",
        limits="A mild effect: colours age, nothing changes shape. Smooth areas can show a fine checkered texture, and "
        "drawings are not what it learnt.",
        preference=10,
    ),
)
