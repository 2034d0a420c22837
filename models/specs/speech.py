"""Models that speak."""

from models.pinned import HIBARI
from models.spec import ModelSpec, Paper
from models.tasks import Task
from models.units import MB

SPEECH = (
    ModelSpec(
        id="hibari-heart",
        tasks=(Task.SPEECH,),
        title="Hibari, voice heart",
        year=2026,
        paper=Paper(
            "Li et al.",
            "StyleTTS 2 (the teacher Kokoro-82M's architecture)",
            2023,
            "https://arxiv.org/abs/2306.07691",
        ),
        licence="Apache-2.0",
        homepage="https://huggingface.co/maureesewilliams/hibari",
        parameters=6_887_834,
        weights=HIBARI,
        loader="models.backends.hibari_speech:load",
        memory={"cpu": 600 * MB},
        trained_on="about 30,000 English sentences spoken by its teacher, Kokoro-82M",
        limits="English only, one reading voice without emotion. Foreign names and words are guessed, other scripts "
        "are left out, very large numbers and odd signs are refused.",
        concurrency=4,
        preference=10,
    ),
)
