"""Image translation: p(vintage | photo). A CycleGAN that learnt from two piles of pictures, never from pairs."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from demos import recorded
from demos.answering import Answer, answers
from demos.cycle_diagram import cycle_diagram
from demos.endpoints import endpoint
from demos.examples import example
from demos.model_card import device_name, model_strip, strip
from demos.model_picker import best_model, model_input, model_picker
from demos.page import HowItWorks, Page, answer, frame, question
from demos.painting import read_photo
from demos.pictures import keep_png, picture_input
from demos.ranges import one_of, whole_number_from
from demos.runner import Runner, Update
from demos.seed import MAX_SEED, seed_input
from demos.services import Services
from models.states import LoadProgress, MadeBy
from models.styling import LONGEST_PROMPT, ImageTranslationRequest, ImageTranslator, TranslatedImage
from models.tasks import Progress, Task
from models.text_input import optional_text
from models.units import seconds

PAGE = Page(
    slug="image-translation",
    title="Image translation",
    family="images",
    task=Task.IMAGE_TRANSLATION,
    formula="p(vintage | photo)",
    sentence="A photograph becomes one of another time; nobody ever showed the model such a pair.",
    how=HowItWorks(
        sentences="A network G turns photographs into vintage pictures, a second one, F, turns those back. A "
        "discriminator rejects whatever does not look like the pile of vintage pictures, and the cycle loss demands "
        "that F undoes G: so G may change the look but must keep what is in the picture. Noise plays no part, so a "
        "photograph has one answer here, where the formula allows many.",
        formula=r"\begin{gathered} \min_{G, F} \max_{D_X, D_Y} \; \mathcal{L}_{\text{GAN}}(G, D_Y) + "
        r"\mathcal{L}_{\text{GAN}}(F, D_X) \\ + \lambda \, \mathbb{E} \lVert F(G(x)) - x \rVert_1 + \lambda \, "
        r"\mathbb{E} \lVert G(F(y)) - y \rVert_1 \end{gathered}",
        paper="CycleGAN: [Zhu et al. 2017](https://arxiv.org/abs/1703.10593). With pairs instead: pix2pix, "
        "[Isola et al. 2017](https://arxiv.org/abs/1611.07004).",
        code="""
from models.registry import Registry
from models.catalog import CATALOG
from models.store import WeightStore
from models.styling import ImageTranslationRequest
from pathlib import Path
from PIL import Image

registry = Registry(CATALOG, store=WeightStore(Path("weights")))
photo = Image.open("photo.png").convert("RGB")
with registry.lease("cyclegan-vintage") as lease:
    request = ImageTranslationRequest(photo)
    for step in lease.backend.translate(request):
        print(step)                  # layer 1 of 28, ...
step.image.save("vintage.png")
""",
    ),
)

EXAMPLES = ("wall.jpg", "castle.jpg", "canyon.jpg", "river.jpg", "coffee.png", "cat.png")

_HUB_WORDS = (
    "<p class='status'>Horse to zebra, summer to winter: choose a model that reads instructions (they need a graphics "
    "card).</p>"
)
INSTRUCTIONS = (
    "turn the horse into a zebra",
    "turn summer into winter",
    "make it a painting by Monet",
    "make it a photograph of 1970",
)
_VERBS = {False: "Make it vintage", True: "Change it"}
_EXPLANATION = """
<h3>Why a cycle?</h3>
<p class='status'>Nobody has the same scene photographed today and in 1970, so no pair can say what the right answer is.
The discriminator alone would be content with any vintage picture, the same one for every photograph. The cycle loss
closes that way out: what G throws away, F could not bring back.</p>
"""
_LACKING = """
<p class='status'><b>What this model lacks.</b> Only G was published, so F and the discriminators are explained here,
not run. Its effect is mild, for a reason found in its training code: the paper's identity loss shows G a <i>vintage</i>
picture and asks for the same one back; this code shows it a <i>photograph</i>, and so also rewards G for changing
nothing.</p>
"""


@dataclass(frozen=True)
class Translated:
    """What a model made of a photograph."""

    made_by: MadeBy
    request: ImageTranslationRequest
    image: Image.Image
    took: float

    @property
    def facts(self) -> dict[str, Any]:
        spec = self.made_by.spec
        told = {"prompt": self.request.prompt} if spec.reads_prompts else {}
        seed = self.request.seed if spec.reads_prompts else None
        return {"model": spec.id, "seed": seed, "seconds": round(self.took, 3), "licence": spec.licence, **told}


def request_for(path: str | None, prompt: str | None, seed: float | None) -> ImageTranslationRequest:
    """The request that a visitor's values make. Raises `BadInputError` for what cannot be used."""
    return ImageTranslationRequest(
        read_photo(path),
        optional_text(prompt, max_characters=LONGEST_PROMPT),
        whole_number_from("The seed", seed, 0, MAX_SEED),
    )


def translate(
    services: Services, request: ImageTranslationRequest, model: str
) -> Iterator[LoadProgress | Progress | Translated]:
    """Runs one model on the request: progress first, the result last."""

    def ask(translator: ImageTranslator) -> Iterator[Progress | TranslatedImage]:
        return translator.translate(request)

    for step in answers(services, Task.IMAGE_TRANSLATION, model, ask):
        if isinstance(step, Answer):
            yield Translated(step.made_by, request, step.value.image, step.took)
        else:
            yield step


def build(services: Services) -> None:
    """Draws the tab."""
    registry = services.registry
    opening = recorded.load(PAGE.slug)
    opening_photo, opening_result = example(opening.settings["example"]), opening.file(opening.facts["result"])

    with frame(PAGE):
        with gr.Row(elem_classes="cards"):
            with question():
                picture = picture_input(
                    opening_photo,
                    label="Your photograph",
                    sources=["upload", "clipboard"],
                    buttons=[],
                    height=140,
                    elem_classes="input-picture",
                )
                examples = gr.Dataset(
                    label="Examples: one click runs them",
                    components=[gr.Image(render=False)],
                    samples=[[example(name)] for name in EXAMPLES],
                    type="index",
                    elem_classes="examples",
                )
                picker = model_picker(registry, PAGE.task)
                gr.HTML(_HUB_WORDS)
                reads = registry[best_model(registry, PAGE.task)].reads_prompts
                with gr.Column(visible=reads) as telling:
                    prompt = gr.Textbox(INSTRUCTIONS[0], label="What should change", max_length=LONGEST_PROMPT)
                    instructions = gr.Dataset(
                        label="The lecture's",
                        components=[gr.Textbox(render=False)],
                        samples=[[words] for words in INSTRUCTIONS],
                        type="index",
                        elem_classes="examples",
                    )
                    seed = seed_input()
                runner = Runner(PAGE, _VERBS[reads])
            with answer():
                slider = gr.ImageSlider(
                    (opening_photo, opening_result),
                    show_label=False,
                    max_height=640,
                    buttons=["fullscreen"],
                    elem_id="image-translation-slider",
                )
                with gr.Row(elem_classes="answer-foot"):
                    gr.HTML("<p class='status'>Left: the photograph. Right: what G makes of it.</p>")
                    download = gr.DownloadButton("Download", value=opening_result, min_width=120, scale=0)
                card_strip = model_strip(opening.strip(registry))
        with gr.Column(elem_classes="card"):
            gr.HTML(_EXPLANATION)
            gr.HTML(cycle_diagram())
            gr.HTML(_LACKING)

    def run(path: str | None, model: str, prompt: str, seed: float | None) -> Generator[Update, None, None]:
        request = request_for(path, prompt, seed)
        photo = request.image
        for step in translate(services, request, model):
            if not isinstance(step, Translated):
                yield str(step)
                continue
            made = keep_png(step.image, f"{step.made_by.spec.id}.png", step.facts)
            yield {
                slider: (keep_png(photo, "photo.png", {}), made),
                download: made,
                card_strip: strip(step.made_by.spec, device=device_name(step.made_by.device), took=step.took),
            }
            yield f"{photo.width} x {photo.height} px in {seconds(step.took)}"

    def run_example(index: int, model: str, prompt: str, seed: float | None) -> Generator[Update, None, None]:
        path = example(one_of(EXAMPLES, index))
        yield {picture: path}
        yield from run(path, model, prompt, seed)

    shown = [slider, download, card_strip]
    runner.on([runner.run.click], run, [picture, picker, prompt, seed], shown)
    runner.on([examples.click], run_example, [examples, picker, prompt, seed], [picture, *shown])
    runner.wire_stop()

    def chosen(model: str) -> tuple[Any, Any]:
        reads = registry[model].reads_prompts
        return gr.update(visible=reads), _VERBS[reads]

    quietly: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    picker.change(chosen, picker, [telling, runner.run], **quietly)
    instructions.click(lambda index: one_of(INSTRUCTIONS, index), instructions, prompt, **quietly)

    def translate_image(image: str | None, prompt: str, model: str, seed: float) -> tuple[str, dict[str, Any]]:
        """Turns a photograph (PNG, JPEG or WebP; reduced to at most 768 px) into a picture of the other kind.

        `prompt` says what should change ("turn the horse into a zebra") and `seed` fixes what is random, for models
        that read them. CycleGAN does neither: nothing changes with them, and the seed in the answer is null.
        """
        request = request_for(image, prompt, seed)
        *_, result = translate(services, request, model)
        assert isinstance(result, Translated)
        made = keep_png(result.image, f"{result.made_by.spec.id}.png", result.facts)
        return made, {**result.facts, "size": list(result.image.size)}

    endpoint(
        PAGE,
        "translate_image",
        translate_image,
        [
            picture_input(label="image", render=False),
            gr.Textbox("", label="prompt", render=False),
            model_input(best_model(registry, PAGE.task)),
            gr.Number(0, label="seed", precision=0, render=False),
        ],
        gr.Image(label="translated", format="png", render=False),
    )


def record(services: Services) -> recorded.Recorded:
    """Makes the opening result: the first example, translated by the best model."""
    request = ImageTranslationRequest(read_photo(example(EXAMPLES[0])), INSTRUCTIONS[1])
    *_, result = translate(services, request, best_model(services.registry, PAGE.task))
    assert isinstance(result, Translated)
    name = "result.png"
    made = keep_png(result.image, name, result.facts)
    return recorded.save(
        PAGE.slug,
        {name: Path(made).read_bytes()},
        made_by=result.made_by,
        seed=None,
        seconds=result.took,
        settings={"example": EXAMPLES[0]},
        facts={"result": name},
    )


if __name__ == "__main__":
    from demos.gallery import run_alone

    run_alone(PAGE)
