"""What the Style transfer tab says about itself."""

from demos.page import HowItWorks, Page
from models.tasks import Task

PAGE = Page(
    slug="style-transfer",
    title="Style transfer",
    family="images",
    task=Task.STYLE_TRANSFER,
    formula="p(painting | photo, style)",
    sentence="What you see is your photograph; how it is painted comes from another picture.",
    how=HowItWorks(
        sentences="A network trained to recognise things keeps what is there in its deep layers; which textures and "
        "colours occur together, wherever they are, is the style (Gram matrices of its features). Gatys et al. changed "
        "the pixels of one picture for minutes until both fitted. Here a second network has learnt to do it in one "
        "pass; a style is nothing but a scale and a shift for each of its channels, so styles can be mixed like "
        "numbers, and a third network can read them off any picture.",
        formula=r"\begin{gathered} \min_{\hat{x}} \; \lVert \phi(\hat{x}) - \phi(\text{photo}) \rVert^2 + \lambda "
        r"\sum_l \lVert \mathcal{G}_l(\hat{x}) - \mathcal{G}_l(\text{style}) \rVert^2 \\ "
        r"z = \gamma_s \, \frac{h - \mu(h)}{\sigma(h)} + \beta_s \end{gathered}",
        paper="By optimisation: [Gatys et al. 2016](https://arxiv.org/abs/1508.06576). 26 styles in one network: "
        "[Dumoulin et al. 2017](https://arxiv.org/abs/1610.07629). Any style: "
        "[Ghiasi et al. 2017](https://arxiv.org/abs/1705.06830).",
        code="""
from models.registry import Registry
from models.catalog import CATALOG
from models.store import WeightStore
from models.styling import StyleRequest
from pathlib import Path
from PIL import Image

registry = Registry(CATALOG, store=WeightStore(Path("weights")))
photo = Image.open("photo.png").convert("RGB")
mixture = (("Embers", 0.7), ("Foam", 0.3))
with registry.lease("learnt-styles") as lease:
    for step in lease.backend.stylise(StyleRequest(photo, mixture)):
        pass
step.image.save("painting.png")
""",
    ),
)
