"""Models that draw pictures from noise alone."""

from collections.abc import Mapping

from models.generation import EYE_COLOURS, IMAGENET_CLASSES, TERRAIN_DIFFICULTIES
from models.sources import WeightFile, Weights, Wheel, WheelFiles
from models.spec import ModelSpec, Paper
from models.specs.papers import CONSISTENCY_MODELS
from models.tasks import Task
from models.units import MB

DIGIFACE_DCGAN = Weights(
    name="digiface-dcgan",
    files=(WeightFile("weights.tar", "0c3b90b138cfc4e8a73310b9fd5ce2a8f1f3a542a037de277412307fcd28771f", 14_322_251),),
    mirrors=(
        WheelFiles(
            wheels=(
                Wheel(
                    "gan-face-generate",
                    "1.1.1",
                    "24102f4be41d164e44251168ede0458a45e498a888c81493e2aea48529640569",
                ),
            ),
            members=(("weights.tar", ("gan_face_generate/weights.tar",)),),
        ),
    ),
)
"""Liu 2023: generator of a DCGAN, a torch checkpoint."""

OMNIART_EYES = Weights(
    name="omniart-eyes",
    files=(
        WeightFile(
            "generator_model_state.pth",
            "dd486abbd738bfe3d28ddd46987bec11e3842ddcc8c28ccc5251b52c6ecf4da0",
            51_691_195,
        ),
    ),
    mirrors=(
        WheelFiles(
            wheels=(
                Wheel(
                    "omniart-eye-generator",
                    "0.1",
                    "e21910eb2ea8ce1eeadd037454fafd5bb7cee28cee7ed07f14d897b67971fd74",
                ),
            ),
            members=(("generator_model_state.pth", ("omniart_eye_generator/generator_model_state.pth",)),),
        ),
    ),
)
"""Knoester 2019: generator of a conditional DCGAN, weights alone."""

TERRAIN_CONSISTENCY = Weights(
    name="terrain-consistency",
    files=(
        WeightFile(
            "terrain_consistency_unet_difficulty100.onnx",
            "95be54b4a39d58320e187a7ec533351c957f16a00be58773c86074828ee67887",
            45_458_109,
        ),
    ),
    mirrors=(
        WheelFiles(
            wheels=(
                Wheel(
                    "adaptive-terrain-diffusion",
                    "0.4.2",
                    "dd803be2c98d764e4e64db18c631eef46c210282b398c4dd080f4cda3fa7c84d",
                ),
            ),
            members=(
                (
                    "terrain_consistency_unet_difficulty100.onnx",
                    ("terrain_diffusion/weights/terrain_consistency_unet_difficulty100.onnx",),
                ),
            ),
        ),
    ),
)
"""Yu 2026: one-step consistency model of height maps, in ONNX."""

_DCGAN_PAPER = Paper(
    "Radford et al.",
    "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks",
    2016,
    "https://arxiv.org/abs/1511.06434",
)

IMAGE_GENERATION: tuple[ModelSpec, ...] = (
    ModelSpec(
        id="dcgan-faces",
        tasks=(Task.IMAGE_GENERATION,),
        title="DCGAN, faces of nobody",
        year=2023,
        paper=_DCGAN_PAPER,
        licence="MIT",
        homepage="https://github.com/chien-liu/DCGAN-PyTorch",
        parameters=3_576_704,
        weights=DIGIFACE_DCGAN,
        loader="models.backends.dcgan:load_faces",
        memory={"cuda": 500 * MB, "cpu": 120 * MB},
        trained_on="rendered synthetic faces (DigiFace-1M): nobody real",
        limits="64 x 64 px. A small network of an early kind: some faces melt, glasses and hats break. It knows only "
        "the rendered heads it has seen.",
        concurrency=4,
        preference=10,
    ),
    ModelSpec(
        id="omniart-eyes",
        tasks=(Task.IMAGE_GENERATION,),
        title="Conditional DCGAN, painted eyes",
        year=2019,
        paper=Paper(
            "Mirza and Osindero", "Conditional Generative Adversarial Nets", 2014, "https://arxiv.org/abs/1411.1784"
        ),
        licence="MIT",
        homepage="https://github.com/rogierknoester/omniart_eye_generator",
        parameters=12_917_632,
        weights=OMNIART_EYES,
        loader="models.backends.dcgan:load_eyes",
        memory={"cuda": 600 * MB, "cpu": 200 * MB},
        trained_on="eyes cut from paintings (OmniArt Eye Dataset)",
        limits="128 x 128 px. It holds the colour well and the shape of an eye only sometimes: the paintings differ "
        "too much.",
        concurrency=4,
        preference=20,
    ),
    ModelSpec(
        id="terrain-consistency",
        tasks=(Task.IMAGE_GENERATION,),
        title="Consistency model, terrain",
        year=2026,
        paper=CONSISTENCY_MODELS,
        licence="MIT",
        homepage="https://github.com/youwyu/Adaptive-Diffusion-Terrain",
        parameters=10_456_637,
        weights=TERRAIN_CONSISTENCY,
        loader="models.backends.terrain:load",
        memory={"cpu": 550 * MB},
        trained_on="height maps of ground that robots train on",
        limits="Height maps of 12.8 m x 12.8 m in one step; more steps or shortened noise leave grain. The outermost "
        "pixels are rough.",
        concurrency=4,
        preference=30,
    ),
)

LABELS: Mapping[str, tuple[str, ...]] = {
    "omniart-eyes": EYE_COLOURS,
    "terrain-consistency": tuple(TERRAIN_DIFFICULTIES),
    "consistency-imagenet-64": tuple(IMAGENET_CLASSES),
}
"""What the conditional generators can be asked for, by model id."""
FULL_LENGTH = (
    "terrain-consistency",
    "ldm-celebahq-256",
    "ddpm-cat-256",
    "ncsnpp-celebahq-256",
    "consistency-imagenet-64",
)
"""Generators that read noise of full strength alone: truncation would leave grain, or take all detail for noise."""
