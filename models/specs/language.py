"""Models that write text and code, and translate."""

from models.pinned import QWEN25_CODER_05B, SMOLLM2_135M
from models.sources import PackagedFiles, WeightFile, Weights
from models.spec import ModelSpec, Paper
from models.specs.papers import QWEN25_CODER
from models.tasks import Task
from models.units import MB

AUSTEN_NOVELS = Weights(
    name="austen-novels",
    files=(
        WeightFile("learnt.txt.xz", "726942ae41e66be40aec94010eb69154c367102a42061400895e8dc6d41ee58c", 1_007_792),
        WeightFile("held_out.txt.xz", "b9d4b67b80b052bc8b0bc7f0157ef1cddfdf724c5875d0f8e1b5cf1e45f1eac6", 62_836),
    ),
    mirrors=(PackagedFiles("austen-novels"),),
)
"""Emma, Mansfield Park, Northanger Abbey, Persuasion, Pride and Prejudice, Sense and Sensibility (1811 to 1818): what
the chain and the LSTM learnt from, and the last twentieth of each novel, which they did not."""

CHARACTER_LSTM = Weights(
    name="character-lstm",
    files=(
        WeightFile(
            "character_lstm.safetensors",
            "12d35a788388e74e56176ae80e531d5963bbae6b83ad4822792ffd5d9e05c918",
            2_455_872,
        ),
    ),
    mirrors=(PackagedFiles("character-lstm"),),
)
"""One layer of 512 LSTM cells over 76 characters, in float16: see the card beside the weights."""

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
        paper=QWEN25_CODER,
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
    ModelSpec(
        id="markov-chain",
        tasks=(Task.LANGUAGE,),
        title="Word Markov chain",
        year=2026,
        paper=Paper(
            "Shannon",
            "A Mathematical Theory of Communication",
            1948,
            "https://doi.org/10.1002/j.1538-7305.1948.tb01338.x",
        ),
        licence="public domain",
        homepage="https://github.com/juliasilge/janeaustenr",
        # The transition probabilities above zero at order 2.
        parameters=491_972,
        weights=AUSTEN_NOVELS,
        loader="models.markov_chain:load",
        memory={"cpu": 120 * MB},
        trained_on="Jane Austen's six novels: the words that follow each two words, counted in a second",
        limits="Looks a few words back and knows nothing else. At order 5 it recites its text word for word.",
        concurrency=8,
        preference=60,
    ),
    ModelSpec(
        id="character-lstm",
        tasks=(Task.LANGUAGE,),
        title="Character LSTM",
        year=2026,
        paper=Paper(
            "Hochreiter and Schmidhuber", "Long Short-Term Memory", 1997, "https://doi.org/10.1162/neco.1997.9.8.1735"
        ),
        licence="Apache-2.0",
        homepage="https://github.com/juliasilge/janeaustenr",
        parameters=1_227_596,
        weights=CHARACTER_LSTM,
        loader="models.backends.character_lstm:load",
        memory={"cpu": 40 * MB},
        trained_on="Jane Austen's six novels, by us, 44 minutes on two shared CPU cores",
        limits="Spells words and sentences of 1815, letter by letter; their meaning gets lost within a line.",
        concurrency=8,
        preference=70,
    ),
)
