"""Tiny checkpoints of the real text-to-image pipelines with random weights, as their hub repositories hold them."""

from pathlib import Path
from typing import Any

import diffusers
import torch
from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer, Qwen2Tokenizer, Qwen3Config, Qwen3Model

KINDS: Any = diffusers
"""Without types: diffusers gives its constructors none."""
LETTERS = sorted(ByteLevel.alphabet())
_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def save_z_image(folder: Path) -> None:
    """Weights of a `ZImagePipeline` in float32."""
    torch.manual_seed(0)
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokenizer = Qwen2Tokenizer({token: place for place, token in enumerate(LETTERS + specials)}, [])
    tokenizer.chat_template = _CHAT
    text_encoder = Qwen3Model(
        Qwen3Config(
            vocab_size=len(LETTERS) + len(specials),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=16,
        )
    )
    transformer = KINDS.ZImageTransformer2DModel(
        in_channels=4,
        dim=32,
        n_layers=1,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=32,
        axes_dims=[4, 6, 6],
        axes_lens=[1024, 64, 64],
    )
    _leave_the_origin(transformer)
    pipeline = KINDS.ZImagePipeline(
        KINDS.FlowMatchEulerDiscreteScheduler(shift=3.0),
        tiny_autoencoder(latent_channels=4, scaling_factor=0.36, shift_factor=0.12),
        text_encoder,
        tokenizer,
        transformer,
    )
    pipeline.save_pretrained(folder)


def save_stable_diffusion(folder: Path, *, distilled: bool) -> None:
    """Weights of a `StableDiffusionPipeline` in float16: pictures of 256 x 256."""
    torch.manual_seed(1)
    tokens = ["<|startoftext|>", "<|endoftext|>", *LETTERS, *(f"{letter}</w>" for letter in LETTERS)]
    tokenizer = CLIPTokenizer({token: place for place, token in enumerate(tokens)}, [], model_max_length=77)
    text_encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokens),
            hidden_size=32,
            intermediate_size=37,
            num_hidden_layers=2,
            num_attention_heads=4,
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=1,
        )
    )
    unet = KINDS.UNet2DConditionModel(
        sample_size=32,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=4,
        cross_attention_dim=32,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )
    scheduler = KINDS.EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        timestep_spacing="trailing" if distilled else "leading",
        steps_offset=1,
    )
    parts: dict[str, Any] = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    vae = tiny_autoencoder(latent_channels=4)
    pipeline = KINDS.StableDiffusionPipeline(vae, text_encoder, tokenizer, unet, scheduler, **parts)
    pipeline.to(torch.float16).save_pretrained(folder, variant="fp16")


def tiny_autoencoder(**options: Any) -> Any:
    """Pictures become latents with sides an eighth as long."""
    return KINDS.AutoencoderKL(
        block_out_channels=(4, 4, 4, 8),
        norm_num_groups=2,
        sample_size=512,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        **options,
    )


def _leave_the_origin(network: torch.nn.Module) -> None:
    """Random values where a fresh network has zeros, or it would see neither time nor text."""
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
