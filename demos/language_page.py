"""What the language tab says about itself."""

from demos.page import HowItWorks, Page
from models.tasks import Task

PAGE = Page(
    slug="language",
    title="Language generation",
    tab="Language",
    family="language",
    task=Task.LANGUAGE,
    formula="p(next token | text)",
    sentence="The model gives every possible next token a probability, draws one, and repeats.",
    how=HowItWorks(
        sentences="A text is cut into tokens: words and pieces of words. A transformer reads all tokens so far and "
        "gives each of tens of thousands of possible next ones a probability; one is drawn, and the longer text goes "
        "in again. The temperature T sharpens (below 1) or flattens (above 1) the probabilities before the draw; the "
        "percentages shown are the model's own, at T = 1.",
        formula=r"p(x) = \prod_{t} p(x_t \mid x_{<t}), \qquad p_T(x_t) \propto p(x_t \mid x_{<t})^{1/T}",
        paper="GPT-2: [Radford et al. 2019](https://cdn.openai.com/better-language-models/"
        "language_models_are_unsupervised_multitask_learners.pdf). The model it opens with: SmolLM2, "
        "[Ben Allal et al. 2025](https://arxiv.org/abs/2502.02737).",
        code="""
from pathlib import Path
from models.catalog import CATALOG
from models.registry import Registry
from models.store import WeightStore
from models.tasks import TextRequest

registry = Registry(CATALOG, store=WeightStore(Path("weights")))
prompt = "To get an A+ in deep generative models, you"
print(prompt)
with registry.lease("smollm2-135m") as lease:
    for token in lease.backend.generate(TextRequest(prompt)):
        likeliest = token.alternatives[0]
        print(repr(token.text), f"{token.probability:.0%};", end=" ")
        print(f"likeliest was {likeliest.text!r}")
""",
    ),
    at_once=24,
)
