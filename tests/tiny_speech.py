"""Speakers of the real classes, small enough to make on the spot: random weights, which make noise."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers as untyped_transformers
from transformers.models.bark import generation_configuration_bark as untyped_bark_generation

from models.speakers import BARK

# Its classes hide their methods from type checkers.
transformers: Any = untyped_transformers
bark_generation: Any = untyped_bark_generation
_PUNCTUATION = ';:,.!?¡¿—…"«»“” '
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_IPA = "ɑɐɒæɓʙβɔɕçɗɖðʤəɘɚɛɜɝɞɟʄɡɠɢʛɦɧħɥʜɨɪʝɭɬɫɮʟɱɯɰŋɳɲɴøɵɸθœɶʘɹɺɾɻʀʁɽʂʃʈʧʉʊʋⱱʌɣɤʍχʎʏʑʐʒʔʡʕʢǀǁǂǃˈˌːˑʼʴʰʱʲʷˠˤ˞↓↑→↗↘'̩'ᵻ"
VITS_SYMBOLS = f"_{_PUNCTUATION}{_LETTERS}{_IPA}"
"""In the order of their ids, as the authors' own code has them; the apostrophe is there twice."""

_MEANINGS, _CODES = 40, 16
"""Semantic tokens; entries of each codebook."""
_TEXT_OFFSET = 60


def write_tiny_vits(folder: Path, seed: int = 0) -> None:
    """Writes a `VitsModel` with the stochastic duration predictor and the tokenizer of vits-ljs."""
    torch.manual_seed(seed)
    vocabulary = {symbol: at for at, symbol in enumerate(VITS_SYMBOLS)} | {"<unk>": len(VITS_SYMBOLS)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    settings = {
        "add_blank": True,
        "is_uroman": False,
        "language": None,
        "normalize": True,
        "pad_token": "_",
        "phonemize": True,
        "tokenizer_class": "VitsTokenizer",
        "unk_token": "<unk>",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "special_tokens_map.json").write_text(json.dumps({"pad_token": "_", "unk_token": "<unk>"}))
    config = transformers.VitsConfig(
        vocab_size=len(VITS_SYMBOLS),
        hidden_size=16,
        num_hidden_layers=1,
        ffn_dim=16,
        flow_size=16,
        spectrogram_bins=9,
        upsample_initial_channel=16,
        upsample_rates=[4, 4],
        upsample_kernel_sizes=[8, 8],
        resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1]],
        prior_encoder_num_flows=2,
        prior_encoder_num_wavenet_layers=1,
        posterior_encoder_num_wavenet_layers=1,
        duration_predictor_num_flows=2,
        sampling_rate=22_050,
        initializer_range=0.3,
    )
    transformers.VitsModel(config).eval().save_pretrained(folder)


def write_tiny_pickled_bark(folder: Path) -> None:
    """As `write_tiny_bark`, with other weights, pickled as they were before safetensors."""
    write_tiny_bark(folder, seed=1)
    network = transformers.BarkModel.from_pretrained(folder)
    torch.save(network.state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def write_tiny_bark(folder: Path, seed: int = 0) -> None:
    """Writes a `BarkModel` whose sentences have 12 semantic tokens at most, with all English voices."""
    torch.manual_seed(seed)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz.,!?[]", "##a", "##e"]
    (folder / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)

    def network(kind: Any, inputs: int, outputs: int) -> dict[str, Any]:
        sizes = {"num_layers": 1, "num_heads": 2, "hidden_size": 16, "block_size": 1024}
        vocabulary = {"input_vocab_size": inputs, "output_vocab_size": outputs}
        config: dict[str, Any] = kind(**sizes, **vocabulary, bias=False, initializer_range=0.4).to_dict()
        return config

    semantic_pad, sounds = _MEANINGS, _MEANINGS + 2 * _CODES
    text_end = _TEXT_OFFSET + len(words)
    config = transformers.BarkConfig(
        semantic_config=network(transformers.BarkSemanticConfig, text_end + 2, semantic_pad + 8),
        coarse_acoustics_config=network(transformers.BarkCoarseConfig, sounds + 2, sounds + 2),
        fine_acoustics_config=network(transformers.BarkFineConfig, _CODES + 1, _CODES + 1),
        codec_config=transformers.EncodecConfig(
            num_filters=2, hidden_size=8, codebook_size=_CODES, upsampling_ratios=[8, 5, 4, 2], num_lstm_layers=1
        ).to_dict(),
    )
    model = transformers.BarkModel(config).eval()
    for quantizer in model.codec_model.quantizer.layers:
        torch.nn.init.normal_(quantizer.codebook.embed)
    model.save_pretrained(folder)
    generation = bark_generation.BarkGenerationConfig.from_sub_model_configs(
        bark_generation.BarkSemanticGenerationConfig(
            eos_token_id=semantic_pad,
            max_new_tokens=12,
            text_encoding_offset=_TEXT_OFFSET,
            text_pad_token=text_end,
            semantic_infer_token=text_end + 1,
            semantic_vocab_size=_MEANINGS,
        ),
        bark_generation.BarkCoarseGenerationConfig(
            coarse_semantic_pad_token=sounds,
            coarse_infer_token=sounds + 1,
            max_coarse_input_length=32,
            max_coarse_history=24,
            sliding_window_len=8,
        ),
        bark_generation.BarkFineGenerationConfig(temperature=0.5, max_fine_history_length=16, max_fine_input_length=32),
        codebook_size=_CODES,
    )
    (folder / "generation_config.json").write_text(json.dumps(generation.to_dict(), default=str))
    drawn = np.random.default_rng(seed)
    for voice in BARK.voices:
        prompts = {
            "semantic_prompt": drawn.integers(0, _MEANINGS, 20),
            "coarse_prompt": drawn.integers(0, _CODES, (2, 30)),
            "fine_prompt": drawn.integers(0, _CODES, (8, 30)),
        }
        for name, tokens in prompts.items():
            path = folder / "speaker_embeddings" / f"{voice}_{name}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, tokens)
