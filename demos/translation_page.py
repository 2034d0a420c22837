"""What the translation tab says about itself."""

from demos.page import HowItWorks, Page
from models.tasks import Task

PAGE = Page(
    slug="translation",
    title="Machine translation",
    tab="Translation",
    family="language",
    task=Task.TRANSLATION,
    formula="p(English | Chinese)",
    sentence="The model reads the source, then writes its translation token by token.",
    how=HowItWorks(
        sentences="A translation is a text with a condition: every next token depends on the source sentence and on "
        "the tokens before it. Greedy decoding takes the likeliest token each time; beam search keeps the four best "
        "beginnings and so may find a likelier sentence; sampling draws. A model that was made to chat is asked in "
        "words to translate: its prompt holds your sentence, and control tokens that your text cannot imitate mark its "
        "limits.",
        formula=r"p(y \mid x) = \prod_{t} p(y_t \mid y_{<t}, x), \qquad \hat y = \arg\max_y \tfrac{1}{|y|}"
        r"\log p(y \mid x)",
        paper="Sequence to sequence: [Sutskever et al. 2014](https://arxiv.org/abs/1409.3215); attention: "
        "[Bahdanau et al. 2015](https://arxiv.org/abs/1409.0473). The model it opens with: Qwen2.5-Coder, "
        "[Hui et al. 2024](https://arxiv.org/abs/2409.12186).",
        code="""
from pathlib import Path
from models.backends.prompted_translator import translator_on
from models.catalog import CATALOG
from models.registry import Registry
from models.store import WeightStore
from models.tasks import TranslationRequest, text_of

registry = Registry(CATALOG, store=WeightStore(Path("weights")))
request = TranslationRequest("今天天气很好。", "zh", "en", "beam")
with registry.lease("qwen2.5-coder-0.5b") as lease:
    for translation in translator_on(lease.backend).translate(request):
        print(text_of(translation.tokens))   # the best beam so far
""",
    ),
    at_once=24,
)
