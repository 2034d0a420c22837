"""Stroke painting to image: p(image | strokes), SDEdit. A rough drawing drowns in noise and comes back as a picture."""

from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from demos import recorded
from demos.drawing import drawing_canvas, read_drawing
from demos.endpoints import endpoint
from demos.enlarged_samples import EnlargedSamples, enlarge_each, enlarged_if_small, large_enough
from demos.model_card import device_name, model_strip, strip
from demos.model_picker import best_model, model_input, model_picker
from demos.page import answer, frame, question
from demos.pictures import keep_png, picture_input, read_picture
from demos.ranges import one_of
from demos.runner import Runner, Update
from demos.sampling import last_of
from demos.seed import seed_input
from demos.services import Services
from demos.stroke_examples import PAINTINGS, PALETTE, SIDE
from demos.stroke_painting import (
    DRAWING_SIDE,
    Asked,
    Compared,
    Painted,
    Preview,
    compare,
    paint,
    read_asked,
    squared,
)
from demos.stroke_to_image_page import PAGE
from demos.stroke_view import (
    film_facts,
    film_files,
    film_value,
    kept_film,
    painted_value,
    preview_value,
    stroke_view,
    trade_off_value,
    trade_off_view,
)
from models.text_to_image import LONGEST_PROMPT, sampling_for
from models.units import seconds

ENLARGER = "real-esrgan-x4plus-anime"
STRENGTH = 0.7
_WHITE = np.full((SIDE, SIDE, 3), 255, np.uint8)


def build(services: Services) -> None:
    """Draws the tab."""
    registry = services.registry
    opening = recorded.load(PAGE.slug)
    asked = Asked(**opening.settings["asked"])

    with frame(PAGE):
        with gr.Row(elem_classes="cards"):
            with question():
                with gr.Column(elem_classes="stroke-editor"):
                    canvas = drawing_canvas(
                        # As a picture: while the page loads, the editor would lose paint that lies on a layer.
                        read_picture(PAINTINGS[0].path),
                        label="Your strokes",
                        show_label=False,
                        sources=["upload", "clipboard"],
                        transforms=[],
                        buttons=[],
                        canvas_size=(SIDE, SIDE),
                        fixed_canvas=True,
                        height="clamp(300px, calc(100vh - 500px), 640px)",
                        brush=gr.Brush(default_size=36, colors=list(PALETTE), color_mode="defaults"),
                        eraser=gr.Eraser(default_size=36),
                        elem_id="stroke-canvas",
                    )
                    blank = gr.Button("Blank sheet", size="sm", min_width=90)
                examples = gr.Dataset(
                    label="Examples: one click paints them",
                    components=[gr.Image(render=False)],
                    samples=[[painting.path] for painting in PAINTINGS],
                    type="index",
                    elem_classes=["examples", "stroke-examples"],
                )
                with gr.Row(elem_classes="stroke-settings"):
                    prompt = gr.Textbox(
                        asked.prompt, label="What is it?", max_lines=2, max_length=LONGEST_PROMPT, min_width=150
                    )
                    strength = gr.Slider(
                        0.05, 1, asked.strength, step=0.05, label="Strength", min_width=150, buttons=[]
                    )
                runner = Runner(PAGE, "Paint it")
                with gr.Accordion("Advanced", open=False):
                    seed = seed_input(asked.seed)
                    picker = model_picker(registry, PAGE.task)
            with answer():
                view = stroke_view(opening_value(opening))
                card_strip = model_strip(opening.strip(registry))
        with gr.Column(elem_classes="card"):
            gr.HTML(
                "<h3>Faithful or realistic?</h3><p class='status'>The same strokes and the same noise at several "
                "strengths. To the right, pictures are farther from the drawing (root mean square over all pixels, "
                "in levels of 255). Farther up, the model finds them more like what it has learnt: we hide each "
                "picture under 50, 60 and 70% noise, let the model guess it, and take its error, measured in the same "
                "way. It is judging its own work, and plain pictures get off lightly: no measure of beauty.</p>"
            )
            trade_off = trade_off_view(opening.facts["trade_off"])
            comparison_runner = Runner(PAGE, "Paint these strokes at every strength")

    def run(
        drawn: dict[str, Any] | None, prompt: str | None, strength: float | None, seed: float | None, model: str
    ) -> Generator[Update, None, None]:
        drawing = squared(read_drawing(drawn))
        yield from run_on(drawing, read_asked(prompt, strength, seed, model))

    def run_on(drawing: Image.Image, asked: Asked) -> Generator[Update, None, None]:
        for step in paint(services, drawing, asked):
            if isinstance(step, Preview):
                yield {view: preview_value(asked, drawing, step)}
                yield f"removing noise, step {step.done} of {step.total}"
            elif isinstance(step, Painted):
                painted = step
            else:
                yield str(step)
        film = kept_film(painted.film)
        yield {
            view: painted_value(asked, drawing, keep_picture(asked, painted), film, notice_for(painted)),
            card_strip: strip(painted.made_by.spec, device=device_name(painted.made_by.device), took=painted.took),
        }
        yield f"painted in {seconds(painted.took)}"
        if large_enough(painted.picture[None]):
            return
        large = yield from last_of(enlarge_each(services, painted.picture[None], ENLARGER), EnlargedSamples)
        file = keep_picture(asked, painted, large)
        yield {view: painted_value(asked, drawing, file, film, notice_for(painted, large))}
        yield f"painted in {seconds(painted.took)}, enlarged in {seconds(large.took)}"

    def run_example(
        index: int, strength: float | None, seed: float | None, model: str
    ) -> Generator[Update, None, None]:
        painting = one_of(PAINTINGS, index)
        asked = read_asked(painting.prompt, strength, seed, model)
        yield {canvas: canvas_value(painting.path), prompt: painting.prompt}
        yield from run_on(squared(read_picture(painting.path)), asked)

    def run_comparison(
        drawn: dict[str, Any] | None, prompt: str | None, strength: float | None, seed: float | None, model: str
    ) -> Generator[Update, None, None]:
        drawing, asked = squared(read_drawing(drawn)), read_asked(prompt, strength, seed, model)
        compared = yield from last_of(compare(services, drawing, asked), Compared)
        yield {trade_off: trade_off_value(asked, compared)}
        yield f"{len(compared.rows) - 1} pictures, painted and judged in {seconds(compared.took)}"

    settings = [strength, seed, picker]
    runner.on([runner.run.click, prompt.submit], run, [canvas, prompt, *settings], [view, card_strip])
    runner.on([examples.click], run_example, [examples, *settings], [canvas, prompt, view, card_strip])
    runner.wire_stop()
    comparison_runner.on([comparison_runner.run.click], run_comparison, [canvas, prompt, *settings], [trade_off])
    comparison_runner.wire_stop()
    blank.click(canvas_value, None, canvas, queue=False, show_progress="hidden", api_visibility="private")

    def stroke_to_image(
        image: str | None, prompt: str | None, strength: float | None, seed: float | None, model: str
    ) -> tuple[str, dict[str, Any]]:
        """Turns a rough drawing (PNG, JPEG or WebP, any size) into a picture of a prompt (up to 200 characters).

        `strength` is the share of noise that the drawing is covered with, 0 (the drawing itself) to 1 (nothing of it
        is left). The whole drawing is put on a white square and painted at the model's own size; what is smaller than
        256 x 256 px is enlarged four times. Returns the PNG, and the model, the seed, the seconds it took, prompt,
        strength, steps, guidance and what enlarged it.
        """
        asked = read_asked(prompt, strength, seed, model)
        *_, painted = paint(services, squared(read_picture(image, at_most=2 * DRAWING_SIDE)), asked)
        assert isinstance(painted, Painted)
        large = enlarged_if_small(services, painted.picture[None], ENLARGER)
        return keep_picture(asked, painted, large), facts_of(asked, painted, large)

    endpoint(
        PAGE,
        "stroke_to_image",
        stroke_to_image,
        [
            picture_input(label="image", render=False),
            gr.Textbox("", label="prompt", render=False),
            gr.Number(STRENGTH, label="strength", render=False),
            gr.Number(0, label="seed", render=False),
            model_input(best_model(registry, PAGE.task)),
        ],
        gr.Image(label="picture", format="png", render=False),
    )


def canvas_value(strokes: str | None = None) -> dict[str, Any]:
    """A white sheet, and on it perhaps the strokes in a file: paint that can be erased."""
    whole = read_picture(strokes) if strokes else _WHITE
    return {"background": _WHITE, "layers": [strokes] if strokes else [], "composite": whole}


def notice_for(painted: Painted, large: EnlargedSamples | None = None) -> str:
    """How large the picture is and who made it so."""
    by = f", enlarged by {large.spec.title}" if large else ""
    return f"Painted at {painted.picture.shape[0]} x {painted.picture.shape[1]} pixels{by}. AI-generated."


def facts_of(asked: Asked, painted: Painted, large: EnlargedSamples | None = None) -> dict[str, Any]:
    """What travels with the picture."""
    return {
        **asdict(asked),
        "steps": sampling_for(asked.model).stroke_steps,
        "guidance": sampling_for(asked.model).guidance,
        "seconds": round(painted.took, 3),
        "licence": painted.made_by.spec.licence,
        "drawn_at": painted.picture.shape[1],
        "enlarged": large.spec.id if large else None,
    }


def keep_picture(asked: Asked, painted: Painted, large: EnlargedSamples | None = None) -> str:
    """The picture as a PNG that carries its label; returns its path."""
    pixels = large.pictures[0] if large else painted.picture
    name = f"strokes-{asked.strength:g}-seed-{asked.seed}.png"
    return keep_png(Image.fromarray(pixels), name, facts_of(asked, painted, large))


def opening_value(opening: recorded.Recorded) -> dict[str, Any]:
    """The recorded result as the view shows it."""
    film = film_value(opening.facts["film"], {name: opening.file(f"{name}.webp") for name in ("noisy", "clean")})
    drawing = squared(read_picture(PAINTINGS[0].path))
    asked = Asked(**opening.settings["asked"])
    return painted_value(asked, drawing, opening.file("picture.png"), film, opening.facts["notice"])


def record(services: Services) -> recorded.Recorded:
    """Makes the opening result: the first example with its film, and at every strength."""
    asked = read_asked(PAINTINGS[0].prompt, STRENGTH, 3, best_model(services.registry, PAGE.task))
    drawing = squared(read_picture(PAINTINGS[0].path))
    *_, painted = paint(services, drawing, asked)  # the first run also pays for memory that later ones find ready
    *_, painted = paint(services, drawing, asked)
    assert isinstance(painted, Painted)
    *_, large = enlarge_each(services, painted.picture[None], ENLARGER)
    assert isinstance(large, EnlargedSamples)
    *_, compared = compare(services, drawing, asked)
    assert isinstance(compared, Compared)
    files = {f"{name}.webp": content for name, content in film_files(painted.film).items()}
    return recorded.save(
        PAGE.slug,
        files | {"picture.png": Path(keep_picture(asked, painted, large)).read_bytes()},
        made_by=painted.made_by,
        seed=asked.seed,
        seconds=painted.took,
        settings={"asked": asdict(asked)},
        facts={
            "film": film_facts(painted.film),
            "notice": notice_for(painted, large),
            "trade_off": trade_off_value(asked, compared),
        },
    )


if __name__ == "__main__":
    from demos.gallery import run_alone

    run_alone(PAGE)
