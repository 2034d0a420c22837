"""Pipelines of the Hugging Face hub that change pictures as a sentence says. They need a graphics card."""

from models.pins import hub_weights
from models.spec import ModelSpec, Paper
from models.specs.papers import LATENT_DIFFUSION
from models.specs.stable_diffusion_files import stable_diffusion
from models.tasks import Task
from models.units import MB

FLUX2_KLEIN = hub_weights(
    "black-forest-labs/FLUX.2-klein-4B",
    "model_index.json",
    "scheduler/*",
    "text_encoder/*",
    "tokenizer/*",
    "transformer/*",
    "vae/*",
    size=16_000 * MB,
)
"""Without the second copy of the transformer that lies beside the folders as a single file."""

INSTRUCT_PIX2PIX = stable_diffusion("timbrooks/instruct-pix2pix", 4_300 * MB)

SD_INPAINTING = stable_diffusion("stable-diffusion-v1-5/stable-diffusion-inpainting", 2_130 * MB, half=True)

HUB_EDITING = (
    ModelSpec(
        id="flux2-klein-4b",
        tasks=(Task.TEXT_TO_IMAGE, Task.STROKE_TO_IMAGE, Task.IMAGE_TRANSLATION, Task.COLORIZATION, Task.INPAINTING),
        title="FLUX.2 [klein] 4B",
        year=2026,
        paper=Paper(
            "Esser et al.",
            "Scaling Rectified Flow Transformers for High-Resolution Image Synthesis",
            2024,
            "https://arxiv.org/abs/2403.03206",
        ),
        licence="Apache-2.0",
        homepage="https://huggingface.co/black-forest-labs/FLUX.2-klein-4B",
        parameters=7_980_000_000,
        weights=FLUX2_KLEIN,
        loader="models.backends.flux2_klein:load",
        memory={"cuda": 20_000 * MB},
        trained_on="pictures with captions and edited pictures, not published",
        limits="Four steps. May change more than it was told to. Colours and fillings are asked for in words; it knows "
        "neither temperature nor doubt, and colour hints are laid over its answer.",
        concurrency=4,
        preference=4,
        reads_prompts=True,
    ),
    ModelSpec(
        id="instruct-pix2pix",
        tasks=(Task.IMAGE_TRANSLATION,),
        title="InstructPix2Pix",
        year=2023,
        paper=Paper(
            "Brooks et al.",
            "InstructPix2Pix: Learning to Follow Image Editing Instructions",
            2023,
            "https://arxiv.org/abs/2211.09800",
        ),
        licence="MIT",
        homepage="https://huggingface.co/timbrooks/instruct-pix2pix",
        parameters=1_066_000_000,
        weights=INSTRUCT_PIX2PIX,
        loader="models.backends.editing_pipelines:load_instruct_pix2pix",
        memory={"cuda": 5_000 * MB},
        trained_on="454,445 edited pictures that GPT-3 and Stable Diffusion 1.5 made up",
        limits="Works at 512 pixels. Good at looks (winter, a painting), poor at counting, moving and removing things; "
        "it has the biases of the pictures it was made from.",
        preference=6,
        reads_prompts=True,
    ),
    ModelSpec(
        id="stable-diffusion-inpainting",
        tasks=(Task.INPAINTING,),
        title="Stable Diffusion 1.5 inpainting",
        year=2022,
        paper=LATENT_DIFFUSION,
        licence="CreativeML-OpenRAIL-M",
        homepage="https://huggingface.co/stable-diffusion-v1-5/stable-diffusion-inpainting",
        parameters=1_066_000_000,
        weights=SD_INPAINTING,
        loader="models.backends.editing_pipelines:load_stable_diffusion_inpainting",
        memory={"cuda": 4_000 * MB},
        trained_on="LAION-5B, captioned pictures of the web, with random holes",
        limits="Works at 512 pixels; hands, faces and writing go wrong. Its licence is open but forbids harmful uses.",
        preference=8,
        reads_prompts=True,
    ),
)
