"""Models that write text and code, and translate."""

from models.pinned import QWEN25_CODER_05B, SMOLLM2_135M
from models.spec import ModelSpec, Paper
from models.tasks import Task
from models.units import MB

_SMOLLM2_PAPER = Paper(
    "Ben Allal et al.",
    "SmolLM2: When Smol Goes Big",
    2025,
    "https://arxiv.org/abs/2502.02737",
)

LANGUAGE = (
    ModelSpec(
        id="smollm2-135m",
        tasks=(Task.LANGUAGE,),
        title="SmolLM2-135M-Instruct (llama.cpp)",
        year=2024,
        paper=_SMOLLM2_PAPER,
        licence="Apache-2.0",
        homepage="https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
        parameters=134_515_008,
        weights=SMOLLM2_135M,
        loader="models.backends.llama_cpp:load",
        memory={"cpu": 500 * MB},
        trained_on="2 trillion tokens of web text and code",
        limits="Very small: fluent, but its facts are unreliable. It repeats the prejudices of its training text.",
        concurrency=8,
        preference=10,
    ),
    ModelSpec(
        id="smollm2-135m-transformers",
        tasks=(Task.LANGUAGE,),
        title="SmolLM2-135M-Instruct (transformers)",
        year=2024,
        paper=_SMOLLM2_PAPER,
        licence="Apache-2.0",
        homepage="https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
        parameters=134_515_008,
        weights=SMOLLM2_135M,
        loader="models.backends.causal_lm:load",
        memory={"cuda": 900 * MB},
        trained_on="2 trillion tokens of web text and code",
        limits="Very small: fluent, but its facts are unreliable. It repeats the prejudices of its training text.",
        concurrency=8,
        preference=5,
    ),
    ModelSpec(
        id="qwen2.5-coder-0.5b",
        tasks=(Task.LANGUAGE, Task.CODE_COMPLETION, Task.TRANSLATION),
        title="Qwen2.5-Coder-0.5B-Instruct (llama.cpp)",
        year=2024,
        paper=Paper("Hui et al.", "Qwen2.5-Coder Technical Report", 2024, "https://arxiv.org/abs/2409.12186"),
        licence="Apache-2.0",
        homepage="https://huggingface.co/Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
        parameters=494_032_768,
        weights=QWEN25_CODER_05B,
        loader="models.backends.llama_cpp:load",
        memory={"cpu": 1000 * MB},
        trained_on="5.5 trillion tokens of code and text",
        limits="Small: simple functions often work, longer ones seldom. Read and test before you use what it writes.",
        concurrency=8,
        preference=20,
    ),
)
