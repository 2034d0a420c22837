"""Models of the Hugging Face hub that enlarge pictures."""

from models.pins import hub_weights
from models.spec import ModelSpec, Paper
from models.specs.papers import LATENT_DIFFUSION
from models.specs.stable_diffusion_files import stable_diffusion
from models.tasks import Task
from models.units import MB

SWIN2SR = hub_weights("caidas/swin2SR-classical-sr-x4-64", "config.json", "model.safetensors", size=49 * MB)
"""Its sister for photographs with unknown faults, swin2SR-realworld-sr-x4-64-bsrgan-psnr, has safetensors only in a
pull request."""

STABLE_DIFFUSION_UPSCALER = stable_diffusion(
    "stabilityai/stable-diffusion-x4-upscaler", 3_480 * MB, also=("low_res_scheduler/*",)
)
"""In float32: nobody here has seen a half-precision copy of its text encoder."""

HUB_SUPER_RESOLUTION = (
    ModelSpec(
        id="swin2sr-classical",
        tasks=(Task.SUPER_RESOLUTION,),
        title="Swin2SR classical",
        year=2022,
        paper=Paper(
            "Conde et al.",
            "Swin2SR: SwinV2 Transformer for Compressed Image Super-Resolution and Restoration",
            2022,
            "https://arxiv.org/abs/2209.11345",
        ),
        licence="Apache-2.0",
        homepage="https://huggingface.co/caidas/swin2SR-classical-sr-x4-64",
        parameters=12_239_283,
        weights=SWIN2SR,
        loader="models.backends.swin2sr:load",
        memory={"cuda": 1_500 * MB, "cpu": 1_500 * MB},
        trained_on="photographs shrunk by bicubic interpolation",
        limits="Learnt to come close to the original, not to invent: where texture is lost it stays smooth. It undoes "
        "shrinking alone, so noise and JPEG artefacts are enlarged with the rest.",
        preference=40,
    ),
    ModelSpec(
        id="stable-diffusion-x4-upscaler",
        tasks=(Task.SUPER_RESOLUTION,),
        title="Stable Diffusion x4 upscaler",
        year=2022,
        paper=LATENT_DIFFUSION,
        licence="CreativeML-OpenRAIL++-M",
        homepage="https://huggingface.co/stabilityai/stable-diffusion-x4-upscaler",
        parameters=869_111_787,
        weights=STABLE_DIFFUSION_UPSCALER,
        loader="models.backends.diffusion_upscaler:load",
        memory={"cuda": 10_000 * MB},
        trained_on="10 million pictures of LAION, larger than 2048 x 2048 pixels, with captions",
        limits="Draws detail that was never there, another with each seed: letters and small faces become others. Its "
        "licence is open but forbids harmful uses.",
        preference=50,
        reads_prompts=True,
    ),
)
