"""Language models of the real classes, small enough to make on the spot: random weights, tokenizers of bytes."""

from pathlib import Path
from typing import Any

import torch
import transformers as untyped_transformers
from tokenizers.pre_tokenizers import ByteLevel

# Its classes hide their methods from type checkers.
transformers: Any = untyped_transformers
POSITIONS, LAYERS, WIDTH = 512, 2, 32
"""Of the tiny GPT-2; the positions of all."""
_BYTES = {symbol: at for at, symbol in enumerate(sorted(ByteLevel.alphabet()))}
QWEN_CONTROL = {
    "<|endoftext|>": 151643,
    "<|im_start|>": 151644,
    "<|im_end|>": 151645,
    "<|fim_prefix|>": 151659,
    "<|fim_middle|>": 151660,
    "<|fim_suffix|>": 151661,
}
"""Where Qwen2.5 and Qwen3 have them: the prompts of the tabs hold these ids."""


def write_tiny_gpt2(folder: Path, seed: int = 0) -> None:
    """Writes a `GPT2LMHeadModel` and its tokenizer."""
    torch.manual_seed(seed)
    end = len(_BYTES)
    config = transformers.GPT2Config(
        vocab_size=end + 1,
        n_positions=POSITIONS,
        n_embd=WIDTH,
        n_layer=LAYERS,
        n_head=2,
        initializer_range=0.4,
        bos_token_id=end,
        eos_token_id=end,
    )
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer = transformers.GPT2TokenizerFast(vocab={**_BYTES, "<|endoftext|>": end}, merges=[])
    tokenizer.save_pretrained(folder)


def write_tiny_qwen2(folder: Path, seed: int = 0) -> None:
    """Writes a `Qwen2ForCausalLM` with the control tokens of Qwen2.5-Coder."""
    torch.manual_seed(seed)
    _saying_bytes(transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**_QWEN))).save_pretrained(folder)
    _write_qwen_tokenizer(folder)


def write_tiny_qwen3(folder: Path, seed: int = 0) -> None:
    """Writes a `Qwen3ForCausalLM`, in several files as the large ones are."""
    torch.manual_seed(seed)
    network = _saying_bytes(transformers.Qwen3ForCausalLM(transformers.Qwen3Config(**_QWEN, head_dim=8)))
    network.save_pretrained(folder, max_shard_size="5MB")
    _write_qwen_tokenizer(folder)


_QWEN: dict[str, Any] = {
    "vocab_size": 151_936,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": POSITIONS,
    "initializer_range": 0.5,
    "tie_word_embeddings": False,
}


def _saying_bytes(network: Any) -> Any:
    """Of so many tokens that nobody has learnt, only those that spell something are likely."""
    with torch.no_grad():
        network.lm_head.weight[len(_BYTES) :] = 0
    return network


def _write_qwen_tokenizer(folder: Path) -> None:
    tokenizer = transformers.Qwen2TokenizerFast(vocab={**_BYTES, **QWEN_CONTROL}, merges=[])
    tokenizer.add_special_tokens({"additional_special_tokens": list(QWEN_CONTROL)[1:]})
    tokenizer.save_pretrained(folder)
