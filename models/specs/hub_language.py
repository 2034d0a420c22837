"""Models of the Hugging Face hub that write text and code, and translate. The large ones need a graphics card."""

from collections.abc import Mapping

from models.pins import hub_weights
from models.sources import Weights
from models.spec import ModelSpec, Paper
from models.specs.papers import QWEN25_CODER
from models.tasks import Task
from models.units import MB


def _decoder(repo: str, size: int) -> Weights:
    """A repository of a decoder, without the copies that it may hold for other frameworks."""
    return hub_weights(
        repo,
        "config.json",
        "merges.txt",
        "model.safetensors",
        "model-*-of-*.safetensors",
        "model.safetensors.index.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.json",
        size=size,
    )


def _opus_mt(pair: str, pull_request: int) -> Weights:
    """A repository of OPUS-MT. On its main branch the weights are pickled; a pull request has them as safetensors."""
    return hub_weights(
        f"Helsinki-NLP/opus-mt-{pair}",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "source.spm",
        "target.spm",
        "tokenizer_config.json",
        "vocab.json",
        size=315 * MB,
        branch=f"refs/pr/{pull_request}",
    )


_OPUS_MT_PAPER = Paper(
    "Tiedemann and Thottingal",
    "OPUS-MT: Building open translation services for the World",
    2020,
    "https://aclanthology.org/2020.eamt-1.61/",
)
_OPUS_MT_LIMITS = (
    "One direction, made for single sentences: a longer text may lose its end. Beside each translation it shows where "
    "its decoder looked."
)

HUB_LANGUAGE = (
    ModelSpec(
        id="qwen3-8b-base",
        tasks=(Task.LANGUAGE,),
        title="Qwen3-8B-Base",
        year=2025,
        paper=Paper("Yang et al.", "Qwen3 Technical Report", 2025, "https://arxiv.org/abs/2505.09388"),
        licence="Apache-2.0",
        homepage="https://huggingface.co/Qwen/Qwen3-8B-Base",
        parameters=8_190_735_360,
        weights=_decoder("Qwen/Qwen3-8B-Base", 16_390 * MB),
        loader="models.backends.causal_lm:load",
        memory={"cuda": 19_000 * MB},
        trained_on="36 trillion tokens of text in 119 languages and code",
        limits="A base model: it continues texts and has not been taught to answer. Its facts can be wrong, and it "
        "repeats the prejudices of its training text.",
        concurrency=16,
        preference=3,
    ),
    ModelSpec(
        id="gpt2-xl",
        tasks=(Task.LANGUAGE,),
        title="GPT-2 XL",
        year=2019,
        paper=Paper(
            "Radford et al.",
            "Language Models are Unsupervised Multitask Learners",
            2019,
            "https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf",
        ),
        licence="MIT",
        homepage="https://huggingface.co/openai-community/gpt2-xl",
        parameters=1_557_611_200,
        weights=_decoder("openai-community/gpt2-xl", 6_440 * MB),
        loader="models.backends.causal_lm:load",
        memory={"cuda": 6_000 * MB},
        trained_on="WebText: 8 million English web pages of before 2018 that Reddit linked to",
        limits="The model of the lecture's slide, as it was in 2019: fluent, soon off the subject, with invented facts "
        "and the prejudices of the web. English only.",
        concurrency=16,
        preference=4,
    ),
    ModelSpec(
        id="qwen2.5-coder-7b",
        tasks=(Task.CODE_COMPLETION, Task.TRANSLATION),
        title="Qwen2.5-Coder-7B-Instruct",
        year=2024,
        paper=QWEN25_CODER,
        licence="Apache-2.0",
        homepage="https://huggingface.co/Qwen/Qwen2.5-Coder-7B-Instruct",
        parameters=7_615_616_512,
        weights=_decoder("Qwen/Qwen2.5-Coder-7B-Instruct", 15_240 * MB),
        loader="models.backends.causal_lm:load",
        memory={"cuda": 18_000 * MB},
        trained_on="5.5 trillion tokens of code and text",
        limits="Read and test before you use what it writes. It translates because it is asked to, and was not made "
        "for it.",
        concurrency=16,
        preference=4,
    ),
    ModelSpec(
        id="qwen2.5-coder-1.5b",
        tasks=(Task.CODE_COMPLETION,),
        title="Qwen2.5-Coder-1.5B",
        year=2024,
        paper=QWEN25_CODER,
        licence="Apache-2.0",
        homepage="https://huggingface.co/Qwen/Qwen2.5-Coder-1.5B",
        parameters=1_543_714_304,
        weights=_decoder("Qwen/Qwen2.5-Coder-1.5B", 3_100 * MB),
        loader="models.backends.causal_lm:load",
        memory={"cuda": 5_500 * MB},
        trained_on="5.5 trillion tokens of code and text",
        limits="A base model: it completes and has not been taught to answer. Read and test before you use what it "
        "writes.",
        concurrency=16,
        preference=6,
    ),
    ModelSpec(
        id="opus-mt-zh-en",
        tasks=(Task.TRANSLATION,),
        title="OPUS-MT, Chinese to English",
        year=2020,
        paper=_OPUS_MT_PAPER,
        licence="CC-BY-4.0",
        homepage="https://huggingface.co/Helsinki-NLP/opus-mt-zh-en",
        parameters=77_500_000,
        weights=_opus_mt("zh-en", 12),
        loader="models.backends.marian:load",
        memory={"cuda": 700 * MB, "cpu": 800 * MB},
        trained_on="Chinese texts with their English translations (OPUS)",
        limits=_OPUS_MT_LIMITS,
        preference=30,
    ),
    ModelSpec(
        id="opus-mt-en-zh",
        tasks=(Task.TRANSLATION,),
        title="OPUS-MT, English to Chinese",
        year=2020,
        paper=_OPUS_MT_PAPER,
        licence="Apache-2.0",
        homepage="https://huggingface.co/Helsinki-NLP/opus-mt-en-zh",
        parameters=77_900_000,
        weights=_opus_mt("en-zh", 13),
        loader="models.backends.marian:load",
        memory={"cuda": 700 * MB, "cpu": 800 * MB},
        trained_on="English texts with their Chinese translations (OPUS)",
        limits=_OPUS_MT_LIMITS,
        preference=31,
    ),
)

ONLY_DIRECTION: Mapping[str, str] = {"opus-mt-zh-en": "zh-en", "opus-mt-en-zh": "en-zh"}
"""The single direction that some translators have learnt, by model id."""
