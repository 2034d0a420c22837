"""Diffusion, score and consistency models of the Hugging Face hub that draw from noise alone. All need a card.

Each is run so that the noise alone decides what it draws: then a walk from one noise to another is one from picture to
picture.
"""

from models.pins import hub_weights
from models.spec import ModelSpec, Paper
from models.specs.papers import CONSISTENCY_MODELS, LATENT_DIFFUSION
from models.tasks import Task
from models.units import MB

LDM_CELEBAHQ = hub_weights(
    "CompVis/ldm-celebahq-256",
    "model_index.json",
    "scheduler/*.json",
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
    "vqvae/config.json",
    "vqvae/diffusion_pytorch_model.safetensors",
    size=1_320 * MB,
    branch="refs/pr/7",
)
"""Its main branch holds pickled weights alone."""

_SIDE_BY_SIDE = ("model_index.json", "config.json", "scheduler_config.json")
"""The files of repositories from before there were folders for the parts of a pipeline."""

DDPM_CAT = hub_weights("google/ddpm-cat-256", *_SIDE_BY_SIDE, "diffusion_pytorch_model.safetensors", size=455 * MB)
"""Not its sister for CelebA-HQ, whose main branch holds pickled weights alone."""

NCSNPP_CELEBAHQ = hub_weights(
    "google/ncsnpp-celebahq-256", *_SIDE_BY_SIDE, "diffusion_pytorch_model.bin", size=262 * MB
)
"""There are pickled weights alone of it and of its sisters; they are read with torch's weights-only unpickler."""

CONSISTENCY_IMAGENET = hub_weights(
    "openai/diffusers-cd_imagenet64_l2",
    "model_index.json",
    "scheduler/*.json",
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
    size=1_184 * MB,
)

HUB_IMAGE_GENERATION = (
    ModelSpec(
        id="ldm-celebahq-256",
        tasks=(Task.IMAGE_GENERATION,),
        title="Latent diffusion (faces)",
        year=2022,
        paper=LATENT_DIFFUSION,
        licence="Apache-2.0",
        homepage="https://huggingface.co/CompVis/ldm-celebahq-256",
        parameters=329_378_945,
        weights=LDM_CELEBAHQ,
        loader="models.backends.unconditional_pipelines:load_ldm",
        memory={"cuda": 3_000 * MB},
        trained_on="30,000 photographs of celebrities (CelebA-HQ)",
        limits="256 x 256 px, in 50 steps of DDIM without fresh noise. Nobody real, but all look like celebrities; "
        "ears, hats and hands go wrong.",
        concurrency=4,
        preference=5,
    ),
    ModelSpec(
        id="ddpm-cat-256",
        tasks=(Task.IMAGE_GENERATION,),
        title="DDPM (cats)",
        year=2020,
        paper=Paper("Ho et al.", "Denoising Diffusion Probabilistic Models", 2020, "https://arxiv.org/abs/2006.11239"),
        licence="Apache-2.0",
        homepage="https://huggingface.co/google/ddpm-cat-256",
        parameters=113_673_219,
        weights=DDPM_CAT,
        loader="models.backends.unconditional_pipelines:load_ddpm",
        memory={"cuda": 4_000 * MB},
        trained_on="photographs of cats from the web (LSUN)",
        limits="256 x 256 px. Legs and backgrounds go wrong, and captions of its web pictures come out as scribbles. "
        "Run in 50 steps of DDIM (Song et al. 2021) without fresh noise, not in the 1,000 noisy ones of its paper.",
        concurrency=4,
        preference=6,
    ),
    ModelSpec(
        id="consistency-imagenet-64",
        tasks=(Task.IMAGE_GENERATION,),
        title="Consistency model (ImageNet)",
        year=2023,
        paper=CONSISTENCY_MODELS,
        licence="MIT",
        homepage="https://huggingface.co/openai/diffusers-cd_imagenet64_l2",
        parameters=295_899_267,
        weights=CONSISTENCY_IMAGENET,
        loader="models.backends.unconditional_pipelines:load_consistency",
        memory={"cuda": 3_000 * MB},
        trained_on="1.3 million photographs of 1,000 kinds (ImageNet), taught by a diffusion model",
        limits="64 x 64 px in two steps, the noise of the second being the same for all. Ten of its thousand kinds are "
        "on offer here. Faces, legs and letters go wrong.",
        concurrency=4,
        preference=7,
    ),
    ModelSpec(
        id="ncsnpp-celebahq-256",
        tasks=(Task.IMAGE_GENERATION,),
        title="Score SDE (faces)",
        year=2021,
        paper=Paper(
            "Song et al.",
            "Score-Based Generative Modeling through Stochastic Differential Equations",
            2021,
            "https://arxiv.org/abs/2011.13456",
        ),
        licence="Apache-2.0",
        homepage="https://huggingface.co/google/ncsnpp-celebahq-256",
        parameters=65_574_549,
        weights=NCSNPP_CELEBAHQ,
        loader="models.backends.unconditional_pipelines:load_score_sde",
        memory={"cuda": 5_000 * MB},
        trained_on="30,000 photographs of celebrities (CelebA-HQ)",
        limits="256 x 256 px. Solves the probability-flow ODE of its paper in 50 steps (99 evaluations of the network) "
        "instead of its 2,000 steps of predictor and corrector, which look better and take forty times as long.",
        concurrency=4,
        preference=8,
    ),
)
