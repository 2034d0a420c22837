"""Image generation: p(x). Samples from noise, a walk between two of them, arithmetic with them, ever shorter noise."""

import random
from collections.abc import Generator
from dataclasses import asdict
from typing import Any

import gradio as gr

from demos import progress_strip, recorded
from demos.endpoints import endpoint
from demos.enlarged_samples import EnlargedSamples, enlarge_each
from demos.generation_opening import opening_board, opening_grid, opening_rows, record_opening
from demos.model_card import device_name, model_strip, strip
from demos.model_picker import best_model, model_input, model_picker
from demos.page import HowItWorks, Page, answer, frame, question
from demos.pictures import keep_png
from demos.ranges import one_of
from demos.runner import Runner, Update
from demos.sample_views import (
    arithmetic_board,
    board_value,
    enlarged_value,
    grid_sheet,
    grid_value,
    keep_enlarged,
    keep_samples,
    kept_walk,
    sample_grid,
    single_sheet,
)
from demos.sampling import (
    MAX_COUNT,
    MAX_PER_TERM,
    Asked,
    Drawn,
    asked_again,
    default_label,
    draw,
    draw_arithmetic,
    draw_truncations,
    draw_walk,
    facts_of,
    last_of,
    read_asked,
    read_picks,
    words_for,
)
from demos.seed import MAX_SEED
from demos.services import Services
from demos.sheets import columns_for, enlarged_sheet, tiled
from demos.truncation_table import truncation_rows, truncation_table
from models.specs.image_generation import FULL_LENGTH, LABELS
from models.tasks import Task
from models.units import seconds

PAGE = Page(
    slug="image-generation",
    title="Image generation",
    family="images",
    task=Task.IMAGE_GENERATION,
    formula="p(x)",
    sentence="Random numbers go in, a picture that never existed comes out. Another seed, another world.",
    how=HowItWorks(
        sentences="A generator turns random numbers z into a picture G(z). In a GAN it learns from a second network, "
        "which tries to tell its pictures from real ones: each improves until the other can hardly keep up. A "
        "diffusion or score model learns instead to take noise out of pictures: from pure noise it draws a new one in "
        "many small steps, and a consistency model does in one or two. Neighbouring z give similar pictures, so one "
        "can walk from one to another and reckon with them.",
        formula=r"\min_G \max_D \; \mathbb{E}_{x \sim p_{\text{data}}} \log D(x) + "
        r"\mathbb{E}_{z \sim \mathcal{N}(0, I)} \log(1 - D(G(z)))",
        paper="GAN: [Goodfellow et al. 2014](https://arxiv.org/abs/1406.2661). DCGAN: "
        "[Radford et al. 2016](https://arxiv.org/abs/1511.06434). Diffusion: "
        "[Ho et al. 2020](https://arxiv.org/abs/2006.11239). Score models: "
        "[Song et al. 2021](https://arxiv.org/abs/2011.13456). Consistency models: "
        "[Song et al. 2023](https://arxiv.org/abs/2303.01469).",
        code="""
from pathlib import Path
from PIL import Image
from models.catalog import CATALOG
from models.generation import SampleRequest
from models.registry import Registry
from models.store import WeightStore

registry = Registry(CATALOG, store=WeightStore(Path("weights")))
with registry.lease("dcgan-faces") as lease:
    z = lease.backend.latents(16, seed=7)     # 16 x 100 numbers, N(0, 1)
    *progress, samples = lease.backend.sample(SampleRequest(z))
print(*progress)                              # picture 16 of 16
for number, pixels in enumerate(samples.pictures):
    Image.fromarray(pixels).save(f"nobody-{number}.png")
""",
    ),
)
EXAMPLES: dict[str, tuple[str, str, int]] = {
    "Faces of nobody": ("dcgan-faces", "", 16),
    "Blue eyes": ("omniart-eyes", "blue", 16),
    "Amber eyes": ("omniart-eyes", "amber", 16),
    "Gentle terrain": ("terrain-consistency", "difficulty 25", 9),
    "Rugged terrain": ("terrain-consistency", "difficulty 100", 9),
}
"""Model, what it is asked for, number of pictures."""


def build(services: Services) -> None:
    """Draws the tab."""
    registry = services.registry
    shortens = best_model(registry, PAGE.task) not in FULL_LENGTH
    opening = recorded.load(PAGE.slug)
    asked = Asked(**opening.settings["asked"])

    with frame(PAGE):
        with gr.Row(elem_classes="cards"):
            with question():
                examples = gr.Dataset(
                    label="Examples: one click draws them",
                    components=[gr.Textbox(render=False)],
                    samples=[[name] for name in EXAMPLES],
                    type="index",
                    elem_classes="text-examples",
                )
                with gr.Row(elem_classes="model-row"):
                    picker = model_picker(registry, PAGE.task)
                    # One for each model: a change of the model then never changes what another is asked for.
                    kinds = {
                        model: gr.Dropdown(
                            list(labels),
                            value=default_label(model),
                            label="Kind",
                            visible=False,
                            scale=0,
                            min_width=190,
                        )
                        for model, labels in LABELS.items()
                    }
                with gr.Row():
                    count = gr.Slider(1, MAX_COUNT, asked.count, step=1, label="Pictures", min_width=150, buttons=[])
                    truncation = gr.Slider(
                        0, 1, 1, step=0.05, label="Truncation ψ", min_width=150, buttons=[], interactive=shortens
                    )
                with gr.Row(elem_classes="seed-row"):
                    seed = gr.Number(asked.seed, label="Seed", precision=0, minimum=0, maximum=MAX_SEED, min_width=120)
                    dice = gr.Button("⚄ New seed", min_width=140, scale=0)
                runner = Runner(PAGE, "Draw")
            with answer():
                grid = sample_grid(opening_grid(opening))
                card_strip = model_strip(opening.strip(registry))
        with gr.Column(elem_classes="card"):
            gr.HTML(
                "<h3>Reckoning with pictures: a \u2212 b + c</h3><p class='status'>Pick up to three samples for each "
                "term; their latents are averaged. If b is a without one property, a \u2212 b + c gives that property "
                "to c.</p>"
            )
            board = arithmetic_board(opening_board(opening))
            arithmetic_runner = Runner(PAGE, "Compute a \u2212 b + c")
        with gr.Column(elem_classes="card"):
            gr.HTML(
                "<h3>Truncation: the same noise, shorter and shorter</h3><p class='status'>Large GANs trade diversity "
                "for quality this way. In 100 dimensions almost all random points lie about 10 from the origin; these "
                "small GANs have never seen shorter ones, and near the origin they draw nothing at all.</p>"
            )
            table = gr.HTML(truncation_table(opening_rows(opening)), elem_classes="truncations")
            truncation_runner = Runner(PAGE, "Shorten the noise of these samples")

        progress_strip.progress_section(services)

    def shown_samples(asked: Asked, drawn: Drawn) -> dict[Any, Any]:
        sheet = grid_sheet(drawn)
        return {
            grid: grid_value(asked, sheet, keep_samples(asked, drawn)),
            board: board_value(asked, sheet),
            card_strip: strip(drawn.made_by.spec, device=device_name(drawn.made_by.device), took=drawn.took),
        }

    def run(
        seed: float | None, model: str, count: float | None, truncation: float | None, *labels: str
    ) -> Generator[Update, None, None]:
        label = dict(zip(kinds, labels, strict=True)).get(model)
        asked = read_asked(model, count, seed, label, 1 if model in FULL_LENGTH else truncation)
        drawn = yield from last_of(draw(services, asked), Drawn)
        yield shown_samples(asked, drawn)
        yield words_for(drawn)

    def run_new_seed(*settings: Any) -> Generator[Update, None, None]:
        new = random.randrange(1_000_000)
        yield {seed: new}
        yield from run(new, *settings)

    def run_example(index: int, seed: float | None, *labels: str) -> Generator[Update, None, None]:
        model, label, number = one_of(list(EXAMPLES.values()), index)
        chosen = dict(zip(kinds, labels, strict=True)) | ({model: label} if label else {})
        yield {picker: model, count: number, truncation: 1} | {kinds[name]: chosen[name] for name in kinds}
        yield from run(seed, model, number, 1, *chosen.values())

    def run_walk(value: Any) -> Generator[Update, None, None]:
        asked = asked_again(value)
        picks = read_picks(value.get("picks"), asked, 2, 2, "Please choose two samples to walk between.")
        drawn = yield from last_of(draw_walk(services, asked, *picks), Drawn)
        yield {grid: {"asked": asdict(asked), "picks": picks, "walk": kept_walk(asked, picks, drawn)}}
        yield f"{len(drawn.pictures)} pictures in {seconds(drawn.took)}"

    def run_enlarging(value: dict[str, Any]) -> Generator[Update, None, None]:
        asked = asked_again(value)
        drawn = yield from last_of(draw(services, asked), Drawn)
        large = yield from last_of(enlarge_each(services, drawn.pictures), EnlargedSamples)
        sheet = enlarged_sheet(grid_sheet(drawn), large.pictures)
        file = keep_enlarged(asked, drawn, large.pictures, large.spec.id)
        yield {grid: {"asked": asdict(asked), "enlarged": enlarged_value(asked, sheet, file, large.spec.title)}}
        yield f"{len(large.pictures)} enlarged in {seconds(large.took)}"

    def run_arithmetic(value: dict[str, Any]) -> Generator[Update, None, None]:
        asked = asked_again(value)
        picked = value.get("terms")
        terms = {
            name: read_picks(
                picked.get(name) if isinstance(picked, dict) else None,
                asked,
                1,
                MAX_PER_TERM,
                f"Please pick one to {MAX_PER_TERM} samples for {name}.",
            )
            for name in "abc"
        }
        drawn = yield from last_of(draw_arithmetic(services, asked, terms["a"], terms["b"], terms["c"]), Drawn)
        yield {board: {"asked": asdict(asked), "terms": terms, "result": single_sheet(drawn).value()}}
        yield f"4 pictures in {seconds(drawn.took)}"

    def run_truncations(value: dict[str, Any]) -> Generator[Update, None, None]:
        asked = asked_again(value)
        drawn = yield from last_of(draw_truncations(services, asked), Drawn)
        yield {table: truncation_table(truncation_rows(drawn))}
        yield f"{len(drawn.pictures)} pictures in {seconds(drawn.took)}"

    settings = [picker, count, truncation, *kinds.values()]
    shown = [grid, board, card_strip]
    runner.on([runner.run.click], run, [seed, *settings], shown)
    runner.on([dice.click], run_new_seed, settings, [seed, *shown])
    runner.on([examples.click], run_example, [examples, seed, *kinds.values()], [*settings, *shown])
    runner.on([grid.submit], run_walk, [grid], [grid])
    runner.on([grid.apply], run_enlarging, [grid], [grid])
    runner.wire_stop()
    arithmetic_runner.on([arithmetic_runner.run.click], run_arithmetic, [board], [board])
    arithmetic_runner.wire_stop()
    truncation_runner.on([truncation_runner.run.click], run_truncations, [grid], [table])
    truncation_runner.wire_stop()
    picker.change(
        lambda model: (
            gr.update(interactive=model not in FULL_LENGTH),
            *(gr.update(visible=name == model) for name in kinds),
        ),
        picker,
        [truncation, *kinds.values()],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )

    def generate_images(
        count: float | None, seed: float | None, model: str, label: str | None, truncation: float | None
    ) -> tuple[str, dict[str, Any]]:
        """Draws 1 to 36 pictures from a seed, as one PNG of equal tiles, row by row.

        `label` is for conditional models: a colour ("blue") for omniart-eyes, "difficulty 25" for terrain-consistency,
        "volcano" for consistency-imagenet-64; empty leaves the choice to us. `truncation` (0 to 1) multiplies the
        noise. Returns the grid, and the model, the seed, the seconds it took, the label, the side of a tile in pixels
        and the number of columns.
        """
        asked = read_asked(model, count, seed, label or None, truncation)
        *_, drawn = draw(services, asked)
        assert isinstance(drawn, Drawn)
        columns = columns_for(asked.count)
        facts = facts_of(asked, drawn)
        grid_file = keep_png(tiled(drawn.pictures, columns), f"{asked.model}.png", facts)
        return grid_file, {**facts, "side": drawn.pictures.shape[1], "columns": columns}

    endpoint(
        PAGE,
        "generate_images",
        generate_images,
        [
            gr.Number(16, label="count", render=False),
            gr.Number(0, label="seed", render=False),
            model_input(best_model(registry, PAGE.task)),
            gr.Textbox("", label="label", render=False),
            gr.Number(1, label="truncation", render=False),
        ],
        gr.Image(label="grid", format="png", render=False),
    )


def record(services: Services) -> recorded.Recorded:
    """Makes the opening result: sixteen faces, a walk, arithmetic and truncation; and that of the progress strip."""
    progress_strip.record(services)
    return record_opening(PAGE.slug, services)


if __name__ == "__main__":
    from demos.gallery import run_alone

    run_alone(PAGE)
