"""Pipelines of the Hugging Face hub that draw from captions and strokes. They need a graphics card."""

from models.pins import hub_weights
from models.spec import ModelSpec, Paper
from models.specs.papers import LATENT_DIFFUSION
from models.specs.stable_diffusion_files import stable_diffusion
from models.tasks import Task
from models.units import MB

Z_IMAGE_TURBO = hub_weights(
    "Tongyi-MAI/Z-Image-Turbo",
    "model_index.json",
    "scheduler/*",
    "text_encoder/*",
    "tokenizer/*",
    "transformer/*",
    "vae/*",
    size=32_850 * MB,
)
"""The transformer lies there in float32; half of its bytes are what is loaded."""


HUB_TEXT_TO_IMAGE = (
    ModelSpec(
        id="z-image-turbo",
        tasks=(Task.TEXT_TO_IMAGE, Task.STROKE_TO_IMAGE, Task.INPAINTING),
        title="Z-Image-Turbo",
        year=2025,
        paper=Paper(
            "Z-Image Team",
            "Z-Image: An Efficient Image Generation Foundation Model with Single-Stream Diffusion Transformer",
            2025,
            "https://arxiv.org/abs/2511.22699",
        ),
        licence="Apache-2.0",
        homepage="https://huggingface.co/Tongyi-MAI/Z-Image-Turbo",
        parameters=10_260_000_000,
        weights=Z_IMAGE_TURBO,
        loader="models.backends.text_pipelines:load_z_image_turbo",
        memory={"cuda": 28_000 * MB},
        trained_on="pictures with captions, not published",
        limits="Distilled to 8 steps: it uses no guidance, and different seeds give much the same picture. Long, exact "
        "captions suit it best. In its film, steps are linear previews of the latents.",
        concurrency=4,
        preference=5,
        reads_prompts=True,
    ),
    ModelSpec(
        id="stable-diffusion-1.5",
        tasks=(Task.TEXT_TO_IMAGE, Task.STROKE_TO_IMAGE),
        title="Stable Diffusion 1.5",
        year=2022,
        paper=LATENT_DIFFUSION,
        licence="CreativeML-OpenRAIL-M",
        homepage="https://huggingface.co/stable-diffusion-v1-5/stable-diffusion-v1-5",
        parameters=1_066_000_000,
        weights=stable_diffusion("stable-diffusion-v1-5/stable-diffusion-v1-5", 2_740 * MB, half=True),
        loader="models.backends.text_pipelines:load_stable_diffusion",
        memory={"cuda": 5_000 * MB},
        trained_on="LAION-5B, captioned pictures of the web",
        limits="Works at 512 pixels; hands, faces, numbers and writing go wrong, and it has the biases of the web. Its "
        "licence is open but forbids harmful uses.",
        concurrency=4,
        preference=7,
    ),
    ModelSpec(
        id="sd-turbo",
        tasks=(Task.TEXT_TO_IMAGE, Task.STROKE_TO_IMAGE),
        title="SD-Turbo",
        year=2023,
        paper=Paper("Sauer et al.", "Adversarial Diffusion Distillation", 2023, "https://arxiv.org/abs/2311.17042"),
        licence="Stability AI Community License",
        homepage="https://huggingface.co/stabilityai/sd-turbo",
        parameters=1_290_000_000,
        weights=stable_diffusion("stabilityai/sd-turbo", 2_580 * MB, half=True),
        loader="models.backends.text_pipelines:load_sd_turbo",
        memory={"cuda": 5_000 * MB},
        trained_on="captioned pictures of the web, taught by Stable Diffusion 2.1",
        limits="Distilled to 1 to 4 steps at 512 pixels: it uses no guidance. Faces and writing go wrong. Large "
        "companies need a licence of their own.",
        concurrency=4,
        preference=8,
    ),
)
