"""Models that enlarge, of the real classes and with random weights, small enough to make on the spot."""

from pathlib import Path

import torch
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer, Swin2SRConfig, Swin2SRForImageSuperResolution

from tests.tiny_text_to_image import KINDS, LETTERS


def save_swin2sr(folder: Path) -> None:
    """Two stages of a plain and a shifted layer, so that a pixel is seen no further than 32 pixels away."""
    torch.manual_seed(0)
    config = Swin2SRConfig(
        embed_dim=12, depths=[2, 2], num_heads=[2, 2], window_size=8, upscale=4, upsampler="pixelshuffle"
    )
    net = Swin2SRForImageSuperResolution(config)
    for parameter in net.parameters():  # fresh ones are so small that the picture would be grey
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)
    net.save_pretrained(folder)


def save_upscaler(folder: Path) -> None:
    """A `StableDiffusionUpscalePipeline`: a network of latents and small picture, an autoencoder of four."""
    torch.manual_seed(1)
    tokens = ["<|startoftext|>", "<|endoftext|>", *LETTERS, *(f"{letter}</w>" for letter in LETTERS)]
    text_encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokens),
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=1,
        )
    )
    unet = KINDS.UNet2DConditionModel(
        sample_size=16,
        in_channels=7,
        out_channels=4,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=2,
        cross_attention_dim=16,
        num_class_embeds=1000,
        only_cross_attention=(True, True),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )
    vae = KINDS.AutoencoderKL(
        block_out_channels=(4, 4, 8),
        norm_num_groups=2,
        sample_size=256,
        scaling_factor=0.08333,
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
    )
    noise = {"beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear"}
    pipeline = KINDS.StableDiffusionUpscalePipeline(
        vae,
        text_encoder,
        CLIPTokenizer({token: place for place, token in enumerate(tokens)}, [], model_max_length=77),
        unet,
        KINDS.DDPMScheduler(**noise),
        KINDS.DDIMScheduler(**noise, prediction_type="v_prediction", clip_sample=False, set_alpha_to_one=False),
    )
    pipeline.save_pretrained(folder)
