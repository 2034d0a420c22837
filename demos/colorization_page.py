"""What the Colorization tab says about itself."""

from demos.page import HowItWorks, Page
from models.tasks import Task

PAGE = Page(
    slug="colorization",
    title="Colorization",
    family="images",
    task=Task.COLORIZATION,
    formula="p(colours | grey picture)",
    sentence="Many colourings fit one grey photograph: the model knows grass and skies, guesses clothes, takes hints.",
    how=HowItWorks(
        sentences="For each place the network gives a distribution over 179 colours, because the mean of a red and a "
        "blue car would be a grey one. Sharpening that distribution before taking its mean (temperature) makes the "
        "colours vivid; adding random numbers first draws one colouring of many. It sees through CLIP, which has "
        "learnt from 400 million captioned pictures what things are, so a thousand photographs teach it their colours. "
        "The lightness is never changed.",
        formula=r"\hat{c} = \mathbb{E}_{q}[c], \quad q(c) \propto p_\theta(c \mid L, \text{hints})^{1/T}",
        paper="The distribution: [Zhang et al. 2016](https://arxiv.org/abs/1603.08511). Hints: "
        "[Zhang et al. 2017](https://arxiv.org/abs/1705.02999). Without learning: "
        "[Levin et al. 2004](https://doi.org/10.1145/1015706.1015780). The lecture's reference, larger and trained "
        "adversarially: DeOldify, [Antic 2020](https://github.com/jantic/DeOldify).",
        code="""
from models.registry import Registry
from models.catalog import CATALOG
from models.store import WeightStore
from models.colorization import ColorizationRequest, Hint
from pathlib import Path
from PIL import Image

registry = Registry(CATALOG, store=WeightStore(Path("weights")))
grey = Image.open("old.png").convert("RGB")
hints = (Hint(120, 80, (200, 40, 40)),)
with registry.lease("clip-colorizer") as lease:
    for step in lease.backend.colorize(ColorizationRequest(grey, hints)):
        print(step)
step.image.save("coloured.png")
""",
    ),
)
