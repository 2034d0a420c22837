"""Tiny checkpoints of the real pipelines that draw from noise: random weights, as laid out in hub repositories."""

import json
from pathlib import Path
from typing import Any

import diffusers as untyped_diffusers
import torch

diffusers: Any = untyped_diffusers
"""Without types: its constructors have none."""


def write_tiny_ddpm(folder: Path) -> None:
    """Weights of a `DDPMPipeline`: pictures of 16 x 16, all files side by side."""
    torch.manual_seed(0)
    network = diffusers.UNet2DModel(
        sample_size=16,
        block_out_channels=(8, 8),
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=None,
        downsample_padding=0,
        flip_sin_to_cos=False,
        freq_shift=1,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
    )
    diffusers.DDPMPipeline(network.eval(), diffusers.DDPMScheduler()).save_pretrained(folder)
    _side_by_side(folder)


def write_tiny_ldm(folder: Path) -> None:
    """Weights of an `LDMPipeline`: latents of 8 x 8, pictures of 32 x 32."""
    torch.manual_seed(1)
    network = diffusers.UNet2DModel(
        sample_size=8,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=4,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
    )
    autoencoder = diffusers.VQModel(
        block_out_channels=(4, 4, 8),
        layers_per_block=1,
        latent_channels=3,
        num_vq_embeddings=64,
        norm_num_groups=2,
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
    )
    torch.nn.init.normal_(autoencoder.quantize.embedding.weight)  # among latents, as after training
    scheduler = diffusers.DDIMScheduler(
        beta_start=0.0015, beta_end=0.0195, beta_schedule="scaled_linear", clip_sample=False
    )
    diffusers.LDMPipeline(autoencoder.eval(), network.eval(), scheduler).save_pretrained(folder)
    file = folder / "vqvae" / "config.json"
    configuration = json.loads(file.read_text())
    del configuration["scaling_factor"]  # as in the repository
    file.write_text(json.dumps(configuration))


def write_tiny_score_sde(folder: Path) -> None:
    """Weights of a `ScoreSdeVePipeline`: pictures of 16 x 16, all files side by side."""
    torch.manual_seed(2)
    network = diffusers.UNet2DModel(
        sample_size=16,
        block_out_channels=(32, 32),
        layers_per_block=1,
        norm_num_groups=None,
        attention_head_dim=None,
        center_input_sample=True,
        time_embedding_type="fourier",
        mid_block_scale_factor=2**0.5,
        norm_eps=1e-6,
        down_block_types=("SkipDownBlock2D", "AttnSkipDownBlock2D"),
        up_block_types=("AttnSkipUpBlock2D", "SkipUpBlock2D"),
    )
    scheduler = diffusers.ScoreSdeVeScheduler(sigma_max=348.0)
    pipeline = diffusers.ScoreSdeVePipeline(network.eval(), scheduler)
    pipeline.save_pretrained(folder, safe_serialization=False)  # the repository is that old
    _side_by_side(folder)


def write_tiny_consistency(folder: Path) -> None:
    """Weights of a `ConsistencyModelPipeline` of a thousand classes: pictures of 16 x 16."""
    torch.manual_seed(3)
    network = diffusers.UNet2DModel(
        sample_size=16,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        attn_norm_num_groups=4,
        attention_head_dim=4,
        num_class_embeds=1000,
        resnet_time_scale_shift="scale_shift",
        downsample_type="resnet",
        upsample_type="resnet",
        down_block_types=("ResnetDownsampleBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "ResnetUpsampleBlock2D"),
    )
    diffusers.ConsistencyModelPipeline(network.eval(), diffusers.CMStochasticIterativeScheduler()).save_pretrained(
        folder
    )


def _side_by_side(folder: Path) -> None:
    """The layout of repositories from before there were folders for the parts of a pipeline."""
    for part in ("unet", "scheduler"):
        for file in (folder / part).iterdir():
            file.rename(folder / file.name)
        (folder / part).rmdir()
