"""Text to image: p(image | caption). A prompt becomes four pictures, and every step from noise to them can be seen."""

from collections.abc import Generator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import gradio as gr

from demos import recorded
from demos.endpoints import endpoint
from demos.enlarged_samples import EnlargedSamples, enlarge_each, enlarged_if_small, large_enough
from demos.model_card import device_name, model_strip, strip
from demos.model_picker import best_model, model_input, model_picker
from demos.page import answer, frame, question
from demos.pictures import keep_png
from demos.ranges import one_of
from demos.runner import Runner, Update
from demos.sampling import last_of
from demos.seed import seed_input
from demos.services import Services
from demos.sheets import Sheet, enlarged_sheet, make_sheet, tiled
from demos.text_drawing import (
    COUNT,
    Asked,
    Cells,
    Drawn,
    Template,
    draw,
    draw_grid,
    draw_matrix,
    grid_for,
    read_asked,
    read_template,
)
from demos.text_drawing_view import (
    COLUMNS,
    drawing_value,
    drawing_view,
    film_sheets,
    film_value,
    kept_film,
    labelled_sheet,
    near_value,
    preview_value,
    sheet_value,
)
from demos.text_to_image_page import EXAMPLES, OPENING, PAGE, TEMPLATE
from models.text_to_image import LARGEST_STEPS, LONGEST_PROMPT, Denoising, sampling_for
from models.units import seconds

ENLARGER = "real-esrgan-x4plus-anime"
SCALE = 4


def build(services: Services) -> None:
    """Draws the tab."""
    registry = services.registry
    opening = recorded.load(PAGE.slug)
    asked = Asked(**opening.settings["asked"])
    first = best_model(registry, PAGE.task)
    set_for = slider_settings(first)
    if first == asked.model:  # as in the result that the page opens with
        set_for = [{**set_for[0], "value": asked.guidance}, {**set_for[1], "value": asked.steps}]

    with frame(PAGE):
        with gr.Row(elem_classes="cards"):
            with question():
                prompt = gr.Textbox(
                    asked.prompt, label="What do you want to see?", lines=1, max_lines=3, max_length=LONGEST_PROMPT
                )
                examples = gr.Dataset(
                    label="Examples: one click draws them",
                    components=[gr.Textbox(render=False)],
                    samples=[[text] for text in EXAMPLES],
                    type="index",
                    elem_classes="text-examples",
                )
                with gr.Row():
                    guidance = gr.Slider(0, 10, step=0.5, min_width=150, buttons=[], **set_for[0])
                    steps = gr.Slider(
                        maximum=LARGEST_STEPS, step=1, label="Steps", min_width=150, buttons=[], **set_for[1]
                    )
                with gr.Row(elem_classes="seed-and-model"):
                    with gr.Column(min_width=280):
                        seed = seed_input(asked.seed)
                    with gr.Column(min_width=180):
                        picker = model_picker(registry, PAGE.task)
                runner = Runner(PAGE, "Draw")
            with answer():
                view = drawing_view(opening_value(opening))
                card_strip = model_strip(opening.strip(registry))
        with gr.Row(elem_classes="cards"):
            with gr.Column(min_width=320, elem_classes="card"):
                gr.HTML(
                    "<h3>One word at a time</h3><p class='status'>Words in braces vary, the noise stays the same, so "
                    "one sees what a word does. Seed, steps and guidance are those above.</p>"
                )
                template = gr.Textbox(TEMPLATE, label="Prompt with words that vary", max_length=LONGEST_PROMPT)
                matrix = labelled_sheet(opening.facts["matrix"], "prompt-matrix")
                matrix_runner = Runner(PAGE, "Draw the sheet")
            with gr.Column(min_width=320, elem_classes="card"):
                gr.HTML(
                    "<h3>Guidance against steps</h3><p class='status'>The prompt and the seed above. With guidance 0 "
                    "the model does not listen, with too much it shouts; with few steps the details never come.</p>"
                )
                grid = labelled_sheet(opening.facts["grid"], "guidance-grid")
                grid_runner = Runner(PAGE, "Draw the grid for this prompt")

    def run(
        prompt: str | None, steps: float | None, guidance: float | None, seed: float | None, model: str
    ) -> Generator[Update, None, None]:
        asked = read_asked(prompt, steps, guidance, seed, model)
        for step in draw(services, asked):
            if isinstance(step, Denoising):
                yield {view: preview_value(asked, step)}
                yield f"step {step.done} of {step.total}"
            elif isinstance(step, Drawn):
                drawn = step
            else:
                yield str(step)
        sheet, film, near = plain_sheet(drawn), kept_film(drawn), near_value(drawn.neighbours)
        smooth = keep_drawing(asked, drawn)
        yield {
            view: drawing_value(asked, sheet, film, near, notice_for(drawn), smooth),
            card_strip: strip(drawn.made_by.spec, device=device_name(drawn.made_by.device), took=drawn.took),
        }
        yield words_for(drawn)
        if large_enough(drawn.pictures):
            return
        large = yield from last_of(enlarge_each(services, drawn.pictures, ENLARGER), EnlargedSamples)
        file = keep_drawing(asked, drawn, large)
        enlarged = enlarged_sheet(sheet, large.pictures)
        yield {view: drawing_value(asked, enlarged, film, near, notice_for(drawn, large), file)}
        yield f"{words_for(drawn)}; enlarged in {seconds(large.took)}"

    def run_example(index: int, *settings: Any) -> Generator[Update, None, None]:
        text = one_of(EXAMPLES, index)
        yield {prompt: text}
        yield from run(text, *settings)

    def run_matrix(template: str | None, *settings: Any) -> Generator[Update, None, None]:
        made = read_template(template)
        asked = read_asked(template, *settings)
        for part in draw_matrix(services, asked, made.prompts):
            yield {matrix: matrix_value(asked, made, part)} if isinstance(part, Cells) else str(part)
        yield f"{len(made.prompts)} pictures"

    def run_grid(prompt: str | None, steps: float | None, guidance: float | None, *others: Any) -> Any:
        asked = read_asked(prompt, steps, guidance, *others)
        cells: list[Cells] = []
        for part in draw_grid(services, asked):
            if isinstance(part, Cells):
                cells.append(part)
                yield {grid: grid_value(asked, cells)}
            else:
                yield str(part)
        yield f"{len(cells)} pictures"

    settings = [steps, guidance, seed, picker]
    runner.on([runner.run.click, prompt.submit], run, [prompt, *settings], [view, card_strip])
    runner.on([examples.click], run_example, [examples, *settings], [prompt, view, card_strip])
    runner.wire_stop()
    matrix_runner.on([matrix_runner.run.click, template.submit], run_matrix, [template, *settings], [matrix])
    matrix_runner.wire_stop()
    picker.change(
        lambda model: [gr.update(**settings) for settings in slider_settings(model)],
        [picker],
        [guidance, steps],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    grid_runner.on([grid_runner.run.click], run_grid, [prompt, *settings], [grid])
    grid_runner.wire_stop()

    def text_to_image(
        prompt: str, steps: float | None, guidance: float | None, seed: float | None, model: str
    ) -> tuple[str, dict[str, Any]]:
        """Draws one picture of a prompt (up to 200 characters) in up to 50 steps with guidance 0 to 15; null means
        as the model is best asked.

        A picture smaller than 256 x 256 px is enlarged four times. Returns the PNG, and the model, the seed, the
        seconds it took, the prompt, steps and guidance, what enlarged it, and the nearest things the model was trained
        on with their similarity (1: the same words), where that is known.
        """
        asked = read_asked(prompt, steps, guidance, seed, model)
        *_, drawn = draw(services, asked, count=1)
        assert isinstance(drawn, Drawn)
        large = enlarged_if_small(services, drawn.pictures, ENLARGER)
        near = [{"caption": near.caption, "similarity": round(near.similarity, 3)} for near in drawn.neighbours]
        return keep_drawing(asked, drawn, large), {**facts_of(asked, drawn, large), "nearest": near}

    endpoint(
        PAGE,
        "text_to_image",
        text_to_image,
        [
            gr.Textbox(label="prompt", render=False),
            gr.Number(sampling_for(first).steps, label="steps", render=False),
            gr.Number(sampling_for(first).guidance, label="guidance", render=False),
            gr.Number(0, label="seed", render=False),
            model_input(first),
        ],
        gr.Image(label="picture", format="png", render=False),
    )


def slider_settings(model: str) -> list[dict[str, Any]]:
    """What the sliders of guidance and steps show for the model of that id: how it is best asked."""
    best = sampling_for(model)
    label = "Guidance" if best.guided else "Guidance (unused)"
    return [
        {"value": best.guidance, "interactive": best.guided, "label": label},
        {"value": best.steps, "minimum": best.fewest_steps},
    ]


def plain_sheet(drawn: Drawn) -> Sheet:
    """The pictures as they are first shown, small ones enlarged without any model."""
    return make_sheet(drawn.pictures, drawn.pictures, COLUMNS, scale_for(drawn))


def scale_for(drawn: Drawn) -> int:
    """How many times the pictures are enlarged without any model."""
    return 1 if large_enough(drawn.pictures) else SCALE


def notice_for(drawn: Drawn, large: EnlargedSamples | None = None) -> str:
    """How large the pictures are and who made them so."""
    side = drawn.pictures.shape[1]
    by = f", enlarged by {large.spec.title}" if large else ", enlarged smoothly" if scale_for(drawn) > 1 else ""
    return f"Drawn at {side} x {side}{by}. AI-generated."


def words_for(drawn: Drawn) -> str:
    return f"{len(drawn.pictures)} pictures in {seconds(drawn.took)}"


def facts_of(asked: Asked, drawn: Drawn, large: EnlargedSamples | None = None) -> dict[str, Any]:
    """What travels with the pictures."""
    return {
        **asdict(asked),
        "seconds": round(drawn.took, 3),
        "licence": drawn.made_by.spec.licence,
        "drawn_at": drawn.pictures.shape[1],
        "enlarged": large.spec.id if large else f"{SCALE} times, Lanczos" if scale_for(drawn) > 1 else None,
    }


def keep_drawing(asked: Asked, drawn: Drawn, large: EnlargedSamples | None = None) -> str:
    """The pictures as a PNG that carries its label; returns its path."""
    columns = COLUMNS if len(drawn.pictures) > 1 else 1
    whole = tiled(large.pictures, columns) if large else tiled(drawn.pictures, columns, scale_for(drawn))
    return keep_png(whole, f"{asked.model}-seed-{asked.seed}.png", facts_of(asked, drawn, large))


def matrix_value(asked: Asked, template: Template, cells: Cells) -> dict[str, Any]:
    """The sheet of a prompt with words that vary."""
    caption = f"{asked.prompt}; seed {asked.seed}, {asked.steps} steps, guidance {asked.guidance:g}. AI-generated."
    return sheet_value(template.down, template.across, [cells], caption)


def grid_value(asked: Asked, cells: list[Cells]) -> dict[str, Any]:
    """The sheet of guidance against steps."""
    all_steps, all_guidance = grid_for(asked.model)
    down = [f"{steps} step{'s' if steps > 1 else ''}" for steps in all_steps]
    across = [f"guidance {guidance:g}" if len(all_guidance) > 1 else "no guidance" for guidance in all_guidance]
    return sheet_value(down, across, cells, f"{asked.prompt}; seed {asked.seed}. AI-generated.")


def opening_value(opening: recorded.Recorded) -> dict[str, Any]:
    """The recorded result as the view shows it."""
    facts = opening.facts
    sheet = Sheet(smooth=opening.file("smooth.webp"), plain=opening.file("plain.png"), **facts["sheet"])
    film = film_value(
        facts["noise"], facts["side"], {"noisy": opening.file("noisy.webp"), "clean": opening.file("clean.webp")}
    )
    asked = Asked(**opening.settings["asked"])
    return drawing_value(asked, sheet, film, facts["near"], facts["notice"], opening.file("pictures.png"))


def record(services: Services) -> recorded.Recorded:
    """Makes the opening result: four pictures with their film, the sheet of words and that of guidance and steps."""
    asked = read_asked(OPENING, 25, 3, 1, best_model(services.registry, PAGE.task))
    *_, drawn = draw(services, asked)  # the first run also pays for memory that later ones find ready
    *_, drawn = draw(services, asked)
    assert isinstance(drawn, Drawn)
    *_, large = enlarge_each(services, drawn.pictures, ENLARGER)
    assert isinstance(large, EnlargedSamples)
    sheet = enlarged_sheet(plain_sheet(drawn), large.pictures)
    made = read_template(TEMPLATE)
    *_, words = draw_matrix(services, replace(asked, prompt=TEMPLATE), made.prompts)
    assert isinstance(words, Cells)
    cells = [part for part in draw_grid(services, replace(asked, prompt="a red apple")) if isinstance(part, Cells)]
    film = {f"{name}.webp": content for name, content in film_sheets(drawn.film).items()}
    files = {"smooth.webp": sheet.smooth, "plain.png": sheet.plain, "pictures.png": keep_drawing(asked, drawn, large)}
    return recorded.save(
        PAGE.slug,
        film | {name: Path(path).read_bytes() for name, path in files.items()},
        made_by=drawn.made_by,
        seed=asked.seed,
        seconds=drawn.took,
        settings={"asked": asdict(asked)},
        facts={
            "sheet": {"count": COUNT, "columns": COLUMNS, **sheet.sides()},
            "side": drawn.film.side,
            "noise": [round(share, 4) for share in drawn.film.noise],
            "near": near_value(drawn.neighbours),
            "notice": notice_for(drawn, large),
            "matrix": matrix_value(replace(asked, prompt=TEMPLATE), made, words),
            "grid": grid_value(replace(asked, prompt="a red apple"), cells),
        },
    )


if __name__ == "__main__":
    from demos.gallery import run_alone

    run_alone(PAGE)
