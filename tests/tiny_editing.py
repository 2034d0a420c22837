"""Editing pipelines of the real classes, small enough to make on the spot: random weights, tokenizers of bytes."""

import json
from pathlib import Path
from typing import Any

import diffusers as untyped_diffusers
import torch
import transformers as untyped_transformers
from tokenizers.pre_tokenizers import ByteLevel

# Their classes hide their methods from type checkers.
diffusers: Any = untyped_diffusers
transformers: Any = untyped_transformers
_CHAT = "{% for message in messages %}{{ message['content'] }}{% endfor %}<|endoftext|>"


def write_tiny_flux2_klein(folder: Path, seed: int = 0) -> None:
    """Writes a `Flux2KleinPipeline`; its text encoder has the layers that the pipeline reads (9, 18, 27)."""
    torch.manual_seed(seed)
    vocabulary = {symbol: at for at, symbol in enumerate(["<|endoftext|>", *sorted(ByteLevel.alphabet())])}
    tokenizer = transformers.Qwen2TokenizerFast(vocab=vocabulary, merges=[], chat_template=_CHAT, model_max_length=512)
    config = transformers.Qwen3Config(
        vocab_size=len(vocabulary),
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=28,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=4,
        tie_word_embeddings=True,
    )
    vae = diffusers.AutoencoderKLFlux2(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(4, 4, 8, 8),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=2,
        sample_size=64,
    )
    transformer = diffusers.Flux2Transformer2DModel(
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=24,
        timestep_guidance_channels=16,
        axes_dims_rope=(2, 2, 2, 2),
        guidance_embeds=False,
    )
    diffusers.Flux2KleinPipeline(
        diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae.eval(),
        transformers.Qwen3ForCausalLM(config).eval(),
        tokenizer,
        transformer.eval(),
        is_distilled=True,
    ).save_pretrained(folder)


def write_tiny_instruct_pix2pix(folder: Path, seed: int = 0) -> None:
    """Writes a `StableDiffusionInstructPix2PixPipeline`; its network gets the latents and those of the picture."""
    torch.manual_seed(seed)
    parts = _stable_diffusion(channels=8, tokenizer_folder=folder / "made")
    pipeline = diffusers.StableDiffusionInstructPix2PixPipeline(
        **parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False
    )
    pipeline.save_pretrained(folder)


def write_tiny_inpainting(folder: Path, seed: int = 0) -> None:
    """Writes a `StableDiffusionInpaintPipeline` in float16: its network gets latents, mask and masked picture."""
    torch.manual_seed(seed)
    parts = _stable_diffusion(channels=9, tokenizer_folder=folder / "made")
    pipeline = diffusers.StableDiffusionInpaintPipeline(
        **parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False
    )
    pipeline.to(torch.float16).save_pretrained(folder, variant="fp16")


def _stable_diffusion(channels: int, tokenizer_folder: Path) -> dict[str, object]:
    tokenizer_folder.mkdir(parents=True)
    letters = sorted(ByteLevel.alphabet())
    symbols = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary, merges = tokenizer_folder / "vocab.json", tokenizer_folder / "merges.txt"
    vocabulary.write_text(json.dumps({symbol: at for at, symbol in enumerate(symbols)}))
    merges.write_text("#version: 0.2\n")
    tokenizer = transformers.CLIPTokenizer(str(vocabulary), str(merges), model_max_length=77)
    for file in (vocabulary, merges):
        file.unlink()
    tokenizer_folder.rmdir()
    text_config = transformers.CLIPTextConfig(
        vocab_size=len(symbols),
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        bos_token_id=len(symbols) - 2,
        eos_token_id=len(symbols) - 1,
        pad_token_id=len(symbols) - 1,
    )
    unet = diffusers.UNet2DConditionModel(
        sample_size=64,
        in_channels=channels,
        out_channels=4,
        block_out_channels=(4, 8),
        layers_per_block=1,
        norm_num_groups=2,
        cross_attention_dim=8,
        attention_head_dim=2,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )
    vae = diffusers.AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(4, 4, 8, 8),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=2,
        sample_size=64,
    )
    scheduler = diffusers.DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        steps_offset=1,
        clip_sample=False,
        set_alpha_to_one=False,
    )
    return {
        "vae": vae.eval(),
        "text_encoder": transformers.CLIPTextModel(text_config).eval(),
        "tokenizer": tokenizer,
        "unet": unet.eval(),
        "scheduler": scheduler,
    }
