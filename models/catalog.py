"""The catalog: every model of the gallery, in one list. Adding a model means adding a spec here and a loader for it.

Memory figures were measured on the CPU as growth of the resident set; those for CUDA are weights in bfloat16 plus
working memory, estimated.
"""

from models.pinned import HIBARI, QWEN25_CODER_05B, REAL_ESRGAN, SMOLLM2_135M
from models.sources import InstalledPackage, Weights
from models.spec import ModelSpec, Paper
from models.tasks import Task

MB = 1_000_000

_REAL_ESRGAN_PAPER = Paper(
    "Wang et al.", "Real-ESRGAN: Training Real-World Blind Super-Resolution", 2021, "https://arxiv.org/abs/2107.10833"
)
_REAL_ESRGAN_HOMEPAGE = "https://github.com/xinntao/Real-ESRGAN"

SUPER_RESOLUTION = (
    ModelSpec(
        id="real-esrgan-x4plus",
        tasks=(Task.SUPER_RESOLUTION,),
        title="Real-ESRGAN x4plus",
        year=2021,
        paper=_REAL_ESRGAN_PAPER,
        licence="BSD-3-Clause",
        homepage=_REAL_ESRGAN_HOMEPAGE,
        parameters=16_697_987,
        weights=REAL_ESRGAN,
        loader="models.backends.realesrgan:load_x4plus",
        memory={"cuda": 1200 * MB, "cpu": 720 * MB},
        trained_on="DF2K and OST photographs, degraded at random",
        limits="Invents plausible texture: skin may turn to wax, letters to other letters. Never evidence of anything.",
        preference=10,
    ),
    ModelSpec(
        id="real-esrgan-x4plus-anime",
        tasks=(Task.SUPER_RESOLUTION,),
        title="Real-ESRGAN x4plus anime",
        year=2021,
        paper=_REAL_ESRGAN_PAPER,
        licence="BSD-3-Clause",
        homepage=_REAL_ESRGAN_HOMEPAGE,
        parameters=4_467_779,
        weights=REAL_ESRGAN,
        loader="models.backends.realesrgan:load_x4plus_anime",
        memory={"cuda": 900 * MB, "cpu": 650 * MB},
        trained_on="anime illustrations, degraded at random",
        limits="Made for drawings: photographs come out as if painted with hard outlines.",
        preference=20,
    ),
    ModelSpec(
        id="real-esrgan-animevideo",
        tasks=(Task.SUPER_RESOLUTION,),
        title="Real-ESRGAN anime video v3",
        year=2022,
        paper=_REAL_ESRGAN_PAPER,
        licence="BSD-3-Clause",
        homepage=_REAL_ESRGAN_HOMEPAGE,
        parameters=621_424,
        weights=REAL_ESRGAN,
        loader="models.backends.realesrgan:load_animevideo",
        memory={"cuda": 600 * MB, "cpu": 280 * MB},
        trained_on="frames of anime videos, degraded at random",
        limits="A small, fast network for drawings; photographs lose their fine texture.",
        preference=30,
    ),
    ModelSpec(
        id="bicubic",
        tasks=(Task.SUPER_RESOLUTION,),
        title="Bicubic interpolation",
        year=1981,
        paper=Paper(
            "Keys",
            "Cubic convolution interpolation for digital image processing",
            1981,
            "https://doi.org/10.1109/TASSP.1981.1163711",
        ),
        licence="none needed",
        homepage="https://pillow.readthedocs.io",
        parameters=0,
        weights=Weights("pillow", (), (InstalledPackage("pillow", "12.3.0"),)),
        loader="models.backends.bicubic:load",
        memory={"cpu": 50 * MB},
        trained_on="",
        limits="Knows nothing about pictures: it can only blur between the pixels it has.",
        concurrency=4,
        preference=90,
    ),
)

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
)

QWEN25_CODER = ModelSpec(
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
)

CATALOG: tuple[ModelSpec, ...] = (*SUPER_RESOLUTION, *SPEECH, *LANGUAGE, QWEN25_CODER)
