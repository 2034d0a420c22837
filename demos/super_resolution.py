"""Super-resolution: p(high resolution | low resolution). Any photograph becomes a fair test when it is shrunk first."""

import html
from collections.abc import Generator
from pathlib import Path
from typing import Any

import gradio as gr

from demos import many_answers, recorded
from demos.endpoints import endpoint
from demos.enlarging import (
    AS_IT_IS,
    BICUBIC,
    MAX_REFERENCE_SIDE,
    ORIGINAL,
    PIXELS,
    SHRINK,
    Enlarged,
    EnlargingTask,
    comparison_table,
    enlarge,
    enlarge_with_each,
    kept_views,
    prepare_task,
    words_for,
)
from demos.examples import example
from demos.model_card import device_name, model_strip, strip
from demos.model_picker import best_model, model_input, model_picker
from demos.page import HowItWorks, Page, answer, frame, question
from demos.pictures import picture_input, two_of
from demos.ranges import one_of
from demos.runner import Runner, Update
from demos.seed import seed_input
from demos.services import Services
from demos.visitor_state import visitor_state
from models.errors import FetchError
from models.styling import LONGEST_PROMPT
from models.tasks import Task
from models.units import seconds

PAGE = Page(
    slug="super-resolution",
    title="Super-resolution",
    family="images",
    task=Task.SUPER_RESOLUTION,
    formula="p(high res | low res)",
    sentence="A small picture has many possible large ones behind it; the model draws one that looks real.",
    how=HowItWorks(
        sentences="Every low-resolution picture could have come from countless sharp ones, so there is no single right "
        "answer. Bicubic interpolation takes an average of neighbours and blurs; a network trained with an adversarial "
        "loss is punished for blur, so it commits to one plausible texture. What it adds is invented: never use it "
        "as evidence.",
        formula=r"\hat{x} = G_\theta(y), \quad \min_\theta \max_\phi \; \lVert x - G_\theta(y) \rVert_1 + "
        r"\lambda \, \mathcal{L}_{\text{perceptual}} + \mu \, \log(1 - D_\phi(G_\theta(y)))",
        paper="Real-ESRGAN: [Wang et al. 2021](https://arxiv.org/abs/2107.10833). Many answers for one input: PULSE, "
        "[Menon et al. 2020](https://arxiv.org/abs/2003.03808).",
        code="""
from models.registry import Registry
from models.catalog import CATALOG
from models.store import WeightStore
from models.tasks import UpscaleRequest, Upscaled
from pathlib import Path
from PIL import Image

registry = Registry(CATALOG, store=WeightStore(Path("weights")))
small = Image.open("photo.png").convert("RGB")
with registry.lease("real-esrgan-x4plus") as lease:
    for step in lease.backend.upscale(UpscaleRequest(small)):
        print(step)                  # tile 1 of 1, block 1 of 24, ...
step.image.save("large.png")         # four times as wide and high
""",
    ),
)

EXAMPLES = ("cat.png", "coffee.png", "rocket.png", "drawing.png")


def build(services: Services) -> None:
    """Draws the tab."""
    registry = services.registry
    opening = recorded.load(PAGE.slug)
    opening_views = {label: opening.file(name) for label, name in opening.facts["views"].items()}
    model_title = registry[opening.model].title

    with frame(PAGE):
        views = visitor_state(opening_views)
        with gr.Row(elem_classes="cards"):
            with question():
                picture = picture_input(
                    opening_views[ORIGINAL],
                    label="Your picture (PNG, JPEG or WebP)",
                    sources=["upload", "clipboard"],
                    buttons=[],
                    height=170,
                    elem_classes="input-picture",
                )
                examples = gr.Dataset(
                    label="Examples: one click runs them",
                    components=[gr.Image(render=False)],
                    samples=[[example(name)] for name in EXAMPLES],
                    type="index",
                    elem_classes="examples",
                )
                mode = gr.Radio(
                    [SHRINK, AS_IT_IS],
                    value=SHRINK,
                    show_label=False,
                    info=f"Photographs are first reduced to {MAX_REFERENCE_SIDE} px; as it is, up to 512 x 512 px.",
                    container=False,
                )
                picker = model_picker(registry, PAGE.task)
                runner = Runner(PAGE, "Enlarge four times")
                draws = registry[best_model(registry, PAGE.task)].reads_prompts
                with gr.Accordion("Advanced", open=False, visible=draws) as advanced:
                    prompt = gr.Textbox(
                        "", label="What is in the picture", placeholder="nothing said", max_length=LONGEST_PROMPT
                    )
                    seed = seed_input(info="This model draws the detail: another seed, another detail.")
            with answer():
                slider = gr.ImageSlider(
                    (opening_views[BICUBIC], opening_views[model_title]),
                    show_label=False,
                    max_height=640,
                    buttons=["fullscreen"],
                    elem_id="super-resolution-slider",
                )
                with gr.Row(elem_classes="pair"):
                    left = gr.Dropdown(list(opening_views), value=BICUBIC, label="Left of the slider", min_width=150)
                    right = gr.Dropdown(list(opening_views), value=model_title, label="Right of it", min_width=150)
                    download = gr.DownloadButton("Download", value=opening_views[model_title], min_width=120)
                scores = gr.HTML(_table_html(opening.facts["table"]), elem_classes="scores")
                card_strip = model_strip(opening.strip(registry))
        with gr.Column(elem_classes="card"):
            gr.HTML(
                "<h3>Every model on the same picture</h3><p class='status'>Runs all of them one after the other; then "
                "any two can be laid over each other in the slider above.</p>"
            )
            comparison_runner = Runner(PAGE, "Compare every model")
            comparison = gr.Gallery(
                columns=4, object_fit="contain", height="auto", show_label=False, visible=False, elem_id="comparison"
            )

        many_answers.many_answers_section(services)

    def show(task: EnlargingTask, results: list[Enlarged], left_label: str) -> dict[Any, Any]:
        made, last = kept_views(task, results), results[-1]
        labels = list(made)
        title = last.made_by.spec.title
        return {
            views: made,
            slider: (made[left_label], made[title]),
            left: gr.update(choices=labels, value=left_label),
            right: gr.update(choices=labels, value=title),
            download: made[title],
            scores: _table_html(comparison_table(results)),
            card_strip: strip(last.made_by.spec, device=device_name(last.made_by.device), took=last.took),
        }

    def run(path: str | None, mode: str, model: str, prompt: str, seed: float | None) -> Generator[Update, None, None]:
        task = prepare_task(path, mode, prompt, seed)
        results = []
        for name in dict.fromkeys(["bicubic", model]):
            for step in enlarge(services, task, name):
                if isinstance(step, Enlarged):
                    results.append(step)
                else:
                    yield str(step)
        yield show(task, results, BICUBIC if model != "bicubic" else PIXELS)
        yield words_for(results[-1])

    def run_example(
        index: int, mode: str, model: str, prompt: str, seed: float | None
    ) -> Generator[Update, None, None]:
        path = example(one_of(EXAMPLES, index))
        yield {picture: path}
        yield from run(path, mode, model, prompt, seed)

    def compare(path: str | None, mode: str, prompt: str, seed: float | None) -> Generator[Update, None, None]:
        task = prepare_task(path, mode, prompt, seed)
        results: list[Enlarged] = []
        missing: list[str] = []
        for spec, step in enlarge_with_each(services, task):
            if isinstance(step, FetchError):
                missing.append(spec.title)
            elif isinstance(step, Enlarged):
                results.append(step)
                captions = [(result.file, result.made_by.spec.title) for result in results]
                yield {comparison: gr.update(value=captions, visible=True)}
            else:
                yield f"{spec.title}: {step}"
        yield show(task, results, BICUBIC)
        words = f"{len(results)} models in {seconds(sum(result.took for result in results))}"
        yield words + (f"; could not be fetched: {', '.join(missing)}" if missing else "")

    shown = [views, slider, left, right, download, scores, card_strip]
    runner.on([runner.run.click], run, [picture, mode, picker, prompt, seed], shown)
    runner.on([examples.click], run_example, [examples, mode, picker, prompt, seed], [picture, *shown])
    runner.wire_stop()
    compare_outputs = [comparison, *shown]
    comparison_runner.on([comparison_runner.run.click], compare, [picture, mode, prompt, seed], compare_outputs)
    comparison_runner.wire_stop()
    picker.change(
        lambda model: gr.update(visible=registry[model].reads_prompts),
        picker,
        advanced,
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    for chosen in (left, right):
        chosen.input(
            two_of,
            [left, right, views],
            slider,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )

    def super_resolution(image: str | None, model: str, seed: float, prompt: str) -> tuple[str, dict[str, Any]]:
        """Enlarges a picture (PNG, JPEG or WebP, at most 512 x 512 px) four times.

        `seed` fixes what is random and `prompt` says what is in the picture, for models that draw the detail. Returns
        the enlarged picture as PNG, and the model, the seed, the seconds it took and the size. The seed is null if
        nothing was drawn at random.
        """
        *_, result = enlarge(services, prepare_task(image, AS_IT_IS, prompt, seed), model)
        assert isinstance(result, Enlarged)
        return result.file, {**result.facts, "size": list(result.image.size)}

    endpoint(
        PAGE,
        "super_resolution",
        super_resolution,
        [
            picture_input(label="image", render=False),
            model_input(best_model(registry, PAGE.task)),
            gr.Number(0, label="seed", precision=0, render=False),
            gr.Textbox("", label="prompt", render=False),
        ],
        gr.Image(label="enlarged", format="png", render=False),
    )


def _table_html(rows: list[dict[str, str]]) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row.values()) + "</tr>" for row in rows)
    return f"<table class='facts compact'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def record(services: Services) -> recorded.Recorded:
    """Makes the opening result: the first example, shrunk, then enlarged by bicubic and by the best model. The section
    below it gets its own."""
    many_answers.record(services)
    task = prepare_task(example(EXAMPLES[0]), SHRINK)
    model = services.registry.for_task(PAGE.task)[0].id
    results = [
        step for name in ("bicubic", model) for step in enlarge(services, task, name) if isinstance(step, Enlarged)
    ]
    views = kept_views(task, results)
    files = {label: f"{Path(path).stem}.png" for label, path in views.items()}
    return recorded.save(
        PAGE.slug,
        {files[label]: Path(path).read_bytes() for label, path in views.items()},
        made_by=results[-1].made_by,
        seed=None,
        seconds=results[-1].took,
        settings={"example": EXAMPLES[0], "mode": SHRINK},
        facts={"views": files, "table": comparison_table(results)},
    )


if __name__ == "__main__":
    from demos.gallery import run_alone

    run_alone(PAGE)
