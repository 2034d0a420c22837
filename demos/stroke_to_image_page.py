"""What the Stroke painting tab says about itself."""

from demos.page import HowItWorks, Page
from models.tasks import Task

PAGE = Page(
    slug="stroke-to-image",
    title="Stroke painting to image",
    tab="Stroke to image",
    family="images",
    task=Task.STROKE_TO_IMAGE,
    formula="p(image | strokes)",
    sentence="Paint a few rough strokes; noise washes them out, and the model brings back what you meant.",
    how=HowItWorks(
        sentences="A rough drawing and a finished picture look alike once enough noise covers both, so noise is added "
        "to the drawing until its strokes drown while its layout still shows. From there the diffusion model removes "
        "the noise as if it had drawn the picture itself. The strength s says where to start: little noise stays "
        "faithful to the strokes, much noise looks more like what the model has learnt.",
        formula=r"z_s = (1-s)\,x_{\text{strokes}} + s\,\epsilon, \quad \epsilon \sim \mathcal{N}(0, I), \qquad "
        r"\frac{dz}{ds} = \frac{z_s - \hat{x}_\theta(z_s, s, \text{caption})}{s}",
        paper="SDEdit: [Meng et al. 2021](https://arxiv.org/abs/2108.01073). The network: "
        "[Peebles and Xie 2023](https://arxiv.org/abs/2212.09748).",
        code="""
from pathlib import Path
import numpy as np
from PIL import Image
from models.catalog import CATALOG
from models.registry import Registry
from models.store import WeightStore
from models.text_to_image import StrokeToImageRequest

registry = Registry(CATALOG, store=WeightStore(Path("weights")))
strokes = np.asarray(Image.open("strokes.png").convert("RGB"))
asked = StrokeToImageRequest(strokes, "a house", strengths=(0.4, 0.7))
with registry.lease("pixel-dit") as lease:
    for step in lease.backend.from_strokes(asked):
        print(f"step {step.done}: {step.noise_share:.0%} noise")
for strength, pixels in zip(asked.strengths, step.noisy):
    Image.fromarray(pixels).save(f"{strength}.png")   # 64 x 64
""",
    ),
)
