"""The model that draws from captions and from strokes, trained by `python -m models.training.text_to_image`."""

from models.pinned import ALL_MINILM_L6_V2
from models.sources import PackagedAndFetched, WeightFile, Weights
from models.spec import ModelSpec, Paper
from models.tasks import Task
from models.units import MB

FOLDER = "text-to-image"

PIXEL_DIT = Weights(
    name=FOLDER,
    files=(
        *ALL_MINILM_L6_V2.files,
        WeightFile(
            "pixel_dit.safetensors", "3f0592bca7fb43fce60d1c006236e2d07c189d1ec6df7923e84472a8ed91a55c", 21_980_348
        ),
        WeightFile("neighbours.json", "868553812e177b2efe867448684c96c35e99d4bd574e52e821f0d42afd6da3e2", 172_619),
        WeightFile(
            "neighbours.safetensors", "4a8570377c72f9c5b7dbc5e586d1d8eac9645ab0ced0c7c6be5b27d802a5c32d", 2_463_832
        ),
        WeightFile("neighbours.webp", "92da036bda2b0d055efb6f6a333fcdb3456f4757d5886c36dcadcff3f8725c00", 1_167_510),
    ),
    mirrors=(PackagedAndFetched(FOLDER, ALL_MINILM_L6_V2.mirrors[0]),),
)
"""The network and the index of its captions ship with the gallery; the encoder that reads prompts is fetched."""

TEXT_TO_IMAGE = (
    ModelSpec(
        id="pixel-dit",
        tasks=(Task.TEXT_TO_IMAGE, Task.STROKE_TO_IMAGE),
        title="Small pixel DiT",
        year=2026,
        paper=Paper(
            "Peebles and Xie", "Scalable Diffusion Models with Transformers", 2023, "https://arxiv.org/abs/2212.09748"
        ),
        licence="Apache-2.0",
        homepage="https://github.com/lobehub/fluent-emoji",
        parameters=10_984_562,
        weights=PIXEL_DIT,
        loader="models.backends.text_to_image:load",
        memory={"cuda": 500 * MB, "cpu": 400 * MB},
        trained_on="8,883 emoji, clip art drawings and photo cut-outs, by us, 7.5 hours on two shared CPU cores",
        limits="Draws 64 x 64 pixels and knows a small world: what no emoji or clip art shows, it has never seen. It "
        "reads about a dozen words.",
        concurrency=2,
        preference=10,
    ),
)
