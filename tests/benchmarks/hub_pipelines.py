"""Our way through a pipeline of the hub against plain diffusers on the same weights: seconds and memory.

    python -m tests.benchmarks.hub_pipelines [--repeats 7]        # tiny pipelines, wherever this is
    python -m tests.benchmarks.hub_pipelines --full [--compile]   # full-size networks on a graphics card

Both are asked for the same picture and take turns, so that whatever else the machine does meets both; the ratio is the
median of those of each turn. Random weights take as long as trained ones. Ours gives each request a thread and a
pipeline of its own and tells of each step. The memory is that of the card, at its highest above the weights.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import diffusers as untyped_diffusers
import torch
import transformers as untyped_transformers
from PIL import Image
from transformers import CLIPTextConfig, CLIPTextModel, Qwen3Config, Qwen3Model

from models.backends.pipelines import SharedPipeline, placed
from models.devices import Device, available_devices, compiling
from tests.tiny_editing import write_tiny_flux2_klein
from tests.tiny_super_resolution import save_upscaler
from tests.tiny_text_to_image import save_stable_diffusion, save_z_image

diffusers: Any = untyped_diffusers
"""Its classes hide their methods from type checkers."""


@dataclass(frozen=True)
class Entry:
    """What takes part: `save` writes a tiny pipeline into a folder, `full` makes its networks in full size."""

    save: Callable[[Path], None]
    asked: dict[str, Any]
    """Of a call, besides prompt and size."""
    side: int
    """Pixels of the picture in full size."""
    full: Callable[[], dict[str, Any]] | None = None


def stable_diffusion() -> dict[str, Any]:
    """Those of Stable Diffusion 1.5."""
    text = CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12)
    return {
        "unet": diffusers.UNet2DConditionModel(sample_size=64, cross_attention_dim=768),
        "vae": autoencoder(128, 256, 512, 512),
        "text_encoder": CLIPTextModel(text),
    }


def upscaler() -> dict[str, Any]:
    """Those of the Stable Diffusion x4 upscaler, by its published configurations."""
    text = CLIPTextConfig(hidden_size=1024, intermediate_size=4096, num_hidden_layers=23, num_attention_heads=16)
    unet = diffusers.UNet2DConditionModel(
        sample_size=128,
        in_channels=7,
        out_channels=4,
        block_out_channels=(256, 512, 512, 1024),
        cross_attention_dim=1024,
        num_class_embeds=1000,
        only_cross_attention=(True, True, True, False),
        use_linear_projection=True,
        down_block_types=("DownBlock2D", *("CrossAttnDownBlock2D",) * 3),
        up_block_types=(*("CrossAttnUpBlock2D",) * 3, "UpBlock2D"),
    )
    vae = autoencoder(128, 256, 512, scaling_factor=0.08333)
    return {"unet": unet, "vae": vae, "text_encoder": CLIPTextModel(text)}


def z_image() -> dict[str, Any]:
    """The transformer in full size, which diffusers has as the default; the text encoder has only two of its layers."""
    text = Qwen3Config(
        hidden_size=2560, intermediate_size=9728, num_hidden_layers=2, num_attention_heads=32, num_key_value_heads=8
    )
    vae = autoencoder(128, 256, 512, 512, latent_channels=16, scaling_factor=0.3611, shift_factor=0.1159)
    return {"transformer": diffusers.ZImageTransformer2DModel(), "vae": vae, "text_encoder": Qwen3Model(text)}


def autoencoder(*channels: int, **options: Any) -> Any:
    levels = len(channels)
    return diffusers.AutoencoderKL(
        block_out_channels=channels,
        layers_per_block=2,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        **options,
    )


ENTRIES = {
    "StableDiffusionPipeline": Entry(
        lambda folder: save_stable_diffusion(folder, distilled=False),
        {"num_inference_steps": 25, "guidance_scale": 7.5},
        512,
        stable_diffusion,
    ),
    "StableDiffusionUpscalePipeline": Entry(
        save_upscaler, {"num_inference_steps": 25, "guidance_scale": 1.0}, 1024, upscaler
    ),
    "ZImagePipeline": Entry(save_z_image, {"num_inference_steps": 8, "guidance_scale": 0.0}, 1024, z_image),
    "Flux2KleinPipeline": Entry(write_tiny_flux2_klein, {"num_inference_steps": 4, "guidance_scale": 1.0}, 1024),
}
TINY_SIDE = 128


def made(kind: str, entry: Entry, full: bool, device: Device) -> Any:
    """A pipeline with random weights, in the number format of `device`."""
    with tempfile.TemporaryDirectory() as folder:
        entry.save(Path(folder))
        variant = {"variant": "fp16"} if kind == "StableDiffusionPipeline" else {}
        dtype = getattr(torch, device.precision)
        pipeline = getattr(diffusers, kind).from_pretrained(folder, dtype=dtype, use_safetensors=True, **variant)
    if full and entry.full:
        with torch.device(device.kind):
            networks = {name: network.to(dtype).eval() for name, network in entry.full().items()}
        pipeline = type(pipeline)(**{**pipeline.components, **networks})
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def plain(pipeline: Any, asked: dict[str, Any]) -> None:
    """A call as anybody would write it."""
    pipeline(**asked, generator=torch.Generator().manual_seed(0))


def ours(shared: SharedPipeline, asked: dict[str, Any]) -> None:
    """The same through `SharedPipeline`."""
    *_, _ = shared.run(type(shared.pipeline), 1, lambda part: {**asked, "generator": shared.seeded(0)})


def measured(work: Callable[[], None], device: Device) -> tuple[float, int]:
    """Seconds, and bytes of the card at the highest above those before (0 without a card)."""
    before = 0
    if device.kind == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
    started = time.perf_counter()
    work()
    if device.kind == "cuda":
        torch.cuda.synchronize()
    took = time.perf_counter() - started
    return took, torch.cuda.max_memory_allocated() - before if device.kind == "cuda" else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="full-size networks; needs a graphics card")
    parser.add_argument("--compile", action="store_true", help="compile the blocks of ours (on a graphics card)")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--kinds", nargs="+", choices=ENTRIES, default=list(ENTRIES))
    options = parser.parse_args()

    device = available_devices()[0]
    if options.full and device.kind != "cuda":
        parser.error("--full needs a graphics card")
    if options.compile:
        (device,) = compiling((device,))
    if device.kind == "cpu":
        device = replace(device, precision="float32")
    diffusers.utils.logging.set_verbosity_error()
    diffusers.utils.logging.disable_progress_bar()
    untyped_transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    print(f"{device.name}, {device.precision}, load average {os.getloadavg()[0]:.1f}\n")
    print("| pipeline | plain s | ours s | ratio | plain MB | ours MB |\n|---|---|---|---|---|---|")
    for kind in options.kinds:
        entry = ENTRIES[kind]
        if options.full and entry.full is None:
            continue
        side = entry.side if options.full else TINY_SIDE
        size: dict[str, Any] = {"height": side, "width": side}
        if kind == "StableDiffusionUpscalePipeline":
            size = {"image": Image.new("RGB", (side // 4, side // 4), "gray")}
        asked = {"prompt": "a cat", **size, **entry.asked}
        first = made(kind, entry, options.full, device)
        shared = placed(deepcopy(first), device)
        first.to(device.kind)
        works = (partial(plain, first, asked), partial(ours, shared, asked))
        for work in works:
            work()
        turns = [[measured(work, device) for work in works] for _ in range(options.repeats)]
        seconds = [statistics.median(turn[way][0] for turn in turns) for way in (0, 1)]
        peaks = [max(turn[way][1] for turn in turns) / 1e6 for way in (0, 1)]
        ratio = statistics.median(turn[1][0] / turn[0][0] for turn in turns)
        memory = " | ".join(f"{peak:.0f}" if peak else "not told" for peak in peaks)
        print(f"| {kind} | {seconds[0]:.2f} | {seconds[1]:.2f} | {ratio:.2f} | {memory} |", flush=True)
        del first, shared, works


if __name__ == "__main__":
    main()
