"""WaveNet, trained by `python -m models.training.wavenet`."""

from pathlib import Path

from models.sources import PackagedFiles, WeightFile, Weights
from models.spec import ModelSpec, Paper
from models.tasks import Task
from models.units import MB

CARD = Path(__file__).parent.parent / "weights" / "wavenet" / "card.json"
"""How it was trained, and its bits per sample on held-out speech."""

WAVENET = (
    ModelSpec(
        id="wavenet",
        tasks=(Task.WAVENET,),
        title="WaveNet, 20 blocks, 8 kHz",
        year=2026,
        paper=Paper(
            "van den Oord et al.",
            "WaveNet: A Generative Model for Raw Audio",
            2016,
            "https://arxiv.org/abs/1609.03499",
        ),
        licence="Apache-2.0",
        homepage="https://huggingface.co/maureesewilliams/hibari",
        parameters=936_608,
        weights=Weights(
            "wavenet",
            (
                WeightFile(
                    "wavenet.safetensors", "e8e180fdf7717c1e397180e90c70cac3dcb62ce0584081584d353992b47ac9ba", 1_874_536
                ),
            ),
            (PackagedFiles("wavenet"),),
        ),
        loader="models.backends.wavenet:load",
        memory={"cpu": 30 * MB},
        trained_on="65 minutes of Jane Austen, read by the synthetic voice of hibari, by us on shared CPU cores",
        limits="One voice at telephone quality, trained far shorter than the networks of the paper: it hisses and its "
        "words are blurred. Without a sentence it babbles, means nothing and may fall silent.",
        concurrency=4,
        preference=10,
    ),
)
