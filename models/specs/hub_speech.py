"""Models of the Hugging Face hub that speak, other than the small ones that every machine runs at once."""

from models.pins import hub_weights
from models.sources import Weights
from models.spec import ModelSpec, Paper
from models.tasks import Task
from models.units import MB


def _bark(repo: str, weights: str, size: int, branch: str = "main") -> Weights:
    """A repository of Bark with its English voices."""
    return hub_weights(
        repo,
        "config.json",
        "generation_config.json",
        weights,
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
        "speaker_embeddings/v2/en_speaker_*",
        size=size,
        branch=branch,
    )


_AUDIO_LM = Paper(
    "Borsos et al.",
    "AudioLM: a Language Modeling Approach to Audio Generation (Bark has no paper, and resembles it)",
    2022,
    "https://arxiv.org/abs/2209.03143",
)
_BARK_LIMITS = (
    "It makes sound up rather than reading: it laughs at [laughs], sings between ♪ and ♪, and at times says what "
    "nobody wrote. "
)

HUB_SPEECH = (
    ModelSpec(
        id="vits-ljs",
        tasks=(Task.SPEECH,),
        title="VITS, LJ Speech",
        year=2021,
        paper=Paper(
            "Kim et al.",
            "Conditional Variational Autoencoder with Adversarial Learning for End-to-End Text-to-Speech",
            2021,
            "https://arxiv.org/abs/2106.06103",
        ),
        licence="MIT",
        homepage="https://huggingface.co/kakao-enterprise/vits-ljs",
        parameters=36_284_592,
        weights=hub_weights(
            "kakao-enterprise/vits-ljs",
            "config.json",
            "model.safetensors",
            "special_tokens_map.json",
            "tokenizer_config.json",
            "vocab.json",
            size=145 * MB,
        ),
        loader="models.backends.vits:load",
        memory={"cuda": 1_000 * MB, "cpu": 800 * MB},
        trained_on="LJ Speech: 24 hours of one woman reading books aloud",
        limits="English only, one reading voice. It was taught with other phonemes than ours, which are translated: "
        "now and then a vowel is off. Slow without a graphics card.",
        concurrency=2,
        preference=20,
    ),
    ModelSpec(
        id="bark-small",
        tasks=(Task.SPEECH,),
        title="Bark small",
        year=2023,
        paper=_AUDIO_LM,
        licence="MIT",
        homepage="https://huggingface.co/suno/bark-small",
        parameters=404_409_058,
        # There alone: https://huggingface.co/suno/bark-small/tree/refs%2Fpr%2F5. The main branch holds pickled weights.
        weights=_bark("suno/bark-small", "model.safetensors", 1_690 * MB, branch="refs/pr/5"),
        loader="models.backends.bark:load",
        memory={"cuda": 2_500 * MB},
        trained_on="speech, song and noises in 13 languages, not published",
        limits=_BARK_LIMITS + "Slower than it speaks on small cards; no speed, no phonemes.",
        preference=30,
    ),
    ModelSpec(
        id="bark",
        tasks=(Task.SPEECH,),
        title="Bark",
        year=2023,
        paper=_AUDIO_LM,
        licence="MIT",
        homepage="https://huggingface.co/suno/bark",
        parameters=1_120_000_000,
        # Nobody here has seen safetensors of it: what is pickled is read with torch's weights-only unpickler.
        weights=_bark("suno/bark", "pytorch_model.bin", 4_500 * MB),
        loader="models.backends.bark:load",
        memory={"cuda": 5_000 * MB},
        trained_on="speech, song and noises in 13 languages, not published",
        limits=_BARK_LIMITS + "Clearer than the small one, and slower than it speaks; no speed, no phonemes.",
        preference=31,
    ),
)
