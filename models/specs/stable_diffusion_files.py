"""Which files of a Stable Diffusion repository are needed."""

from models.pins import hub_weights
from models.sources import Weights


def stable_diffusion(repo: str, size: int, *, half: bool = False, also: tuple[str, ...] = ()) -> Weights:
    """The networks of `repo` in float32, or their copies in float16 if `half` is asked for, with the files `also`;
    without single files of them all and without a safety checker. `size` as in `hub_weights`."""
    precision = ".fp16" if half else ""
    return hub_weights(
        repo,
        "model_index.json",
        "scheduler/*",
        "tokenizer/*",
        "text_encoder/config.json",
        f"text_encoder/model{precision}.safetensors",
        "unet/config.json",
        f"unet/diffusion_pytorch_model{precision}.safetensors",
        "vae/config.json",
        f"vae/diffusion_pytorch_model{precision}.safetensors",
        *also,
        size=size,
    )
