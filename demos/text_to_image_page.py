"""What the Text to image tab says about itself."""

from demos.page import HowItWorks, Page
from models.tasks import Task

PAGE = Page(
    slug="text-to-image",
    title="Text to image",
    family="images",
    task=Task.TEXT_TO_IMAGE,
    formula="p(image | caption)",
    sentence="Say what to draw. The small model is our own: it knows emoji, clip art and little else.",
    how=HowItWorks(
        sentences="In training, noise is mixed into a picture, and the network has to say, from the noisy picture and "
        "its caption, what the clean one was. To draw, it starts from pure noise and moves a step towards the picture "
        "it foresees, again and again; each step shows it a little more to go by. Guidance asks the network twice, "
        "with the caption and without, and exaggerates the difference w times.",
        formula=r"\begin{gathered} z_t = t\,x + (1-t)\,\epsilon, \quad \frac{dz_t}{dt} = \frac{\hat{x} - z_t}{1-t} \\"
        r" \hat{x} = x_\theta(z_t, t, \varnothing) + w \, \bigl( x_\theta(z_t, t, \text{caption}) - "
        r"x_\theta(z_t, t, \varnothing) \bigr) \end{gathered}",
        paper="Diffusion transformer: [Peebles and Xie 2023](https://arxiv.org/abs/2212.09748). Straight paths: "
        "[Liu et al. 2023](https://arxiv.org/abs/2209.03003). Guidance without a classifier: "
        "[Ho and Salimans 2022](https://arxiv.org/abs/2207.12598). On pixels: "
        "[Li and He 2025](https://arxiv.org/abs/2511.13720).",
        code="""
from pathlib import Path
from PIL import Image
from models.catalog import CATALOG
from models.registry import Registry
from models.store import WeightStore
from models.text_to_image import TextToImageRequest

registry = Registry(CATALOG, store=WeightStore(Path("weights")))
asked = TextToImageRequest(("a red apple", "a green apple"), seeds=(1, 1), steps=25, guidance=3)
with registry.lease("pixel-dit") as lease:
    for step in lease.backend.draw(asked):
        print(f"step {step.done}: {step.noise_share:.0%} noise")
for prompt, pixels in zip(asked.prompts, step.noisy):
    Image.fromarray(pixels).save(f"{prompt}.png")     # 64 x 64
""",
    ),
)
EXAMPLES = (
    "an armchair in the shape of an avocado",
    "a red apple",
    "a green apple",
    "a birthday cake",
    "a cat",
    "a cat, photo",
    "quantum chromodynamics",
)
OPENING = "a birthday cake"
TEMPLATE = "a {red|green|blue} {apple|heart|car}"
