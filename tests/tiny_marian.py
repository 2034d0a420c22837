"""An encoder-decoder translation model small enough to make on the spot: random weights, real SentencePiece pieces."""

import json
from pathlib import Path

import sentencepiece
import torch
from transformers import MarianConfig, MarianMTModel

from demos.translating import sentence_pairs

LAYERS, HEADS, POSITIONS = 2, 4, 64


_THREE_LETTERS = {"zh": "zho", "en": "eng"}


def write_tiny_marian(folder: Path, seed: int = 0, direction: tuple[str, str] = ("zh", "en")) -> None:
    """Writes the files of an opus-mt repository for `direction` into `folder`, in safetensors."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs = sentence_pairs(*direction)
    vocabulary = {"</s>": 0, "<unk>": 1}
    for name, sentences in (("source", [pair.source for pair in pairs]), ("target", [pair.target for pair in pairs])):
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences),
            model_prefix=str(folder / name),
            vocab_size=500,
            hard_vocab_limit=False,
            minloglevel=2,
        )
        (folder / f"{name}.model").rename(folder / f"{name}.spm")
        for line in (folder / f"{name}.vocab").read_text(encoding="utf-8").splitlines():
            vocabulary.setdefault(line.split("\t")[0], len(vocabulary))
        (folder / f"{name}.vocab").unlink()
    vocabulary["<pad>"] = len(vocabulary)
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    settings = {
        "source_lang": _THREE_LETTERS[direction[0]],
        "target_lang": _THREE_LETTERS[direction[1]],
        "tokenizer_class": "MarianTokenizer",
        "model_max_length": 64,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))

    torch.manual_seed(seed)
    pad = vocabulary["<pad>"]
    config = MarianConfig(
        vocab_size=len(vocabulary),
        decoder_vocab_size=len(vocabulary),
        d_model=32,
        encoder_layers=LAYERS,
        decoder_layers=LAYERS,
        encoder_attention_heads=HEADS,
        decoder_attention_heads=HEADS,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=POSITIONS,
        pad_token_id=pad,
        eos_token_id=0,
        forced_eos_token_id=0,
        decoder_start_token_id=pad,
        init_std=0.6,
        dropout=0.0,
    )
    network = MarianMTModel(config)
    network.generation_config.bad_words_ids = [[pad]]
    network.save_pretrained(folder, safe_serialization=True)
