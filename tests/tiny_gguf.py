"""A language model small enough to make on the spot: a random two-layer Llama with the 256 bytes as its alphabet."""

from pathlib import Path

import gguf
import numpy as np
from transformers.convert_slow_tokenizer import bytes_to_unicode

CONTEXT = 256
WIDTH, HIDDEN, LAYERS, HEADS, KEY_VALUE_HEADS = 64, 128, 2, 4, 2
MERGES = ("Ġ t", "h e", "Ġt he", "i n")


def write_tiny_llama(path: Path, seed: int = 0) -> None:
    """Writes the model to `path`: float32 weights, a vocabulary of 256 bytes, a few merges and two control tokens."""
    alphabet: list[str] = list(bytes_to_unicode().values())  # type: ignore[no-untyped-call]
    tokens = [*alphabet, *(merge.replace(" ", "") for merge in MERGES), "<|endoftext|>", "<|im_end|>"]
    ordinary, control = gguf.TokenType.NORMAL, gguf.TokenType.CONTROL

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_VALUE_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10_000.0)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_merges(list(MERGES))
    writer.add_token_types([ordinary] * (len(tokens) - 2) + [control] * 2)
    writer.add_bos_token_id(len(tokens) - 2)
    writer.add_eos_token_id(len(tokens) - 1)
    writer.add_add_bos_token(False)

    random = np.random.default_rng(seed)

    def add(name: str, *shape: int, scale: float = 0.2) -> None:
        writer.add_tensor(f"{name}.weight", random.normal(0, scale, shape).astype(np.float32))

    def add_norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))

    add("token_embd", len(tokens), WIDTH, scale=0.4)
    add("output", len(tokens), WIDTH, scale=0.4)
    add_norm("output_norm")
    key_value_width = WIDTH * KEY_VALUE_HEADS // HEADS
    for block in (f"blk.{layer}" for layer in range(LAYERS)):
        add_norm(f"{block}.attn_norm")
        add(f"{block}.attn_q", WIDTH, WIDTH)
        add(f"{block}.attn_k", key_value_width, WIDTH)
        add(f"{block}.attn_v", key_value_width, WIDTH)
        add(f"{block}.attn_output", WIDTH, WIDTH)
        add_norm(f"{block}.ffn_norm")
        add(f"{block}.ffn_gate", HIDDEN, WIDTH)
        add(f"{block}.ffn_up", HIDDEN, WIDTH)
        add(f"{block}.ffn_down", WIDTH, HIDDEN)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
