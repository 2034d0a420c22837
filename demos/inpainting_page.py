"""What the Inpainting tab says about itself."""

from demos.page import HowItWorks, Page
from models.tasks import Task

PAGE = Page(
    slug="inpainting",
    title="Inpainting",
    family="images",
    task=Task.INPAINTING,
    formula="p(full image | mask)",
    sentence="Paint over anything in a photograph; the model invents what may have been behind it.",
    how=HowItWorks(
        sentences="Gated convolutions learn which places of the picture to believe, and foresee structure and colour "
        "in the hole; with an L1 loss a small network answers with the mean of all fillings, which is blurred. "
        "PatchMatch then copies patches from the known part of the same picture, those that continue the border and "
        "look like the network's forecast from afar; neighbours tell each other what they found, so the search is "
        "quick. Only masked pixels change, and their colours are adapted to the border from inside.",
        formula=r"\hat{x} = m \odot \operatorname{copy}(x, G_\theta(x, m)) + (1 - m) \odot x, \quad "
        r"\min_\theta \; \mathbb{E} \, \lVert (1 + 5 m) \odot (G_\theta(x, m) - x) \rVert_1",
        paper="Partial convolutions: [Liu et al. 2018](https://arxiv.org/abs/1804.07723). Gated convolutions: "
        "[Yu et al. 2019](https://arxiv.org/abs/1806.03589). PatchMatch: "
        "[Barnes et al. 2009](https://doi.org/10.1145/1531326.1531330). Search and vote: "
        "[Wexler et al. 2007](https://doi.org/10.1109/TPAMI.2007.60).",
        code="""
import numpy as np
from models.registry import Registry
from models.catalog import CATALOG
from models.store import WeightStore
from models.inpainting import InpaintingRequest
from pathlib import Path
from PIL import Image

registry = Registry(CATALOG, store=WeightStore(Path("weights")))
photo = Image.open("photo.png").convert("RGB")
hole = np.asarray(Image.open("mask.png").convert("L")) > 127
with registry.lease("inpainting-structure-and-texture") as lease:
    for step in lease.backend.inpaint(InpaintingRequest(photo, hole)):
        print(step)                  # copying, round 1 of 32, ...
step.image.save("filled.png")
""",
    ),
)
