"""Colorization: p(colours | grey picture), with colours that the visitor places, and many answers for one picture."""

import html
from collections.abc import Generator
from io import BytesIO
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from demos import recorded
from demos.colorization_page import PAGE
from demos.colouring import (
    ALTERNATIVE_SIDE,
    GREY,
    LEVIN,
    MAX_SIDE,
    OURS,
    Coloured,
    certain_hints,
    colour,
    colour_error,
    colour_from,
    grey,
    has_colours,
    hints_from,
    kept_views,
    marked,
    read_photo,
)
from demos.endpoints import endpoint
from demos.event_details import detail
from demos.examples import example
from demos.model_card import device_name, model_strip, strip
from demos.model_picker import best_model, model_input, model_picker
from demos.page import answer, frame, question
from demos.pictures import keep_png, picture_input, two_of
from demos.ranges import number_from, one_of, whole_number_from
from demos.runner import Runner, Update
from demos.seed import MAX_SEED, seed_input
from demos.services import Services
from demos.visitor_state import visitor_state
from models.colorization import MAX_HINTS, ColorizationRequest, Hint
from models.units import seconds

Updates = Generator[Update, None, None]

EXAMPLES = ("wall.jpg", "camera.jpg", "castle-clinton.jpg", "cat.png", "castle.jpg", "coffee.png")
ALTERNATIVES = 6
TEMPERATURE = 0.38
FIRST_COLOUR = "#b03028"

_COUNTED = 1_000_000


def build(services: Services) -> None:
    """Draws the tab."""
    registry = services.registry
    opening = recorded.load(PAGE.slug)
    opening_views = {label: opening.file(name) for label, name in opening.facts["views"].items()}
    ours = registry[OURS].title

    with frame(PAGE):
        hints = visitor_state([])
        placed = gr.Number(0, visible="hidden", precision=0)  # a state would not set off the run
        views = visitor_state(opening_views)
        with gr.Row(elem_classes="cards"):
            with question():
                with gr.Row(elem_classes="photo-row"):
                    picture = picture_input(
                        example(opening.settings["example"]),
                        label="Your photo, made grey",
                        show_label=False,  # it would hide the top of so small a picture
                        sources=["upload", "clipboard"],
                        buttons=[],
                        height=116,
                        elem_classes="input-picture",
                        min_width=160,
                    )
                    examples = gr.Dataset(
                        label="One click (2 and 3 were never in colour)",
                        components=[gr.Image(render=False)],
                        samples=[[example(name)] for name in EXAMPLES],
                        type="index",
                        elem_classes="examples",
                    )
                with gr.Row(elem_classes="strength-row"):
                    hint_colour = gr.ColorPicker(
                        FIRST_COLOUR, label="Colour to place", min_width=120, elem_id="colorization-colour"
                    )
                    with gr.Column(min_width=220):
                        placed_hints = gr.HTML(_hints_html([]), elem_classes="placed-hints")
                        with gr.Row():
                            undo = gr.Button("Remove last", size="sm", min_width=90)
                            clear = gr.Button("Clear all", size="sm", min_width=90)
                temperature = gr.Slider(
                    0.1,
                    1,
                    TEMPERATURE,
                    step=0.02,
                    label="Temperature",
                    info="1: the mean of all colours, greyish. Low: the likeliest.",
                    buttons=[],
                )
                picker = model_picker(registry, PAGE.task)
                runner = Runner(PAGE, "Colour it")
            with answer():
                result = gr.Image(
                    opening_views[ours],
                    type="filepath",
                    show_label=False,
                    interactive=False,
                    height=390,
                    buttons=["fullscreen"],
                    elem_id="colorization-result",
                )
                with gr.Row(elem_classes="answer-foot"):
                    caption = gr.HTML(_caption(opening.facts["caption"]))
                    download = gr.DownloadButton("Download", value=opening_views[ours], min_width=120, scale=0)
                card_strip = model_strip(opening.strip(registry))
        with gr.Column(elem_classes="card"):
            gr.HTML(
                "<h3>One grey picture, many colourings</h3><p class='status'>Draws from the distribution: what the "
                "model is sure of stays, the rest changes with the seed.</p>"
            )
            with gr.Row():
                seed = seed_input()
                with gr.Column():
                    draws_runner = Runner(PAGE, f"Draw {ALTERNATIVES} colourings")
            alternatives = gr.Gallery(
                [(opening.file(name), label) for name, label in opening.facts["alternatives"]],
                columns=ALTERNATIVES,
                object_fit="contain",
                height="auto",
                show_label=False,
                elem_id="colorization-alternatives",
            )
        with gr.Column(elem_classes="card"):
            gr.HTML(
                "<h3>Laid over each other</h3><p class='status'>Before and after, the true colours where there are "
                "any, where the model is unsure (red), and optimisation (Levin et al. 2004), which has seen no "
                "photograph: it spreads your colours up to the edges.</p>"
            )
            levin_runner = Runner(PAGE, "Spread the colours by optimisation too")
            slider = gr.ImageSlider(
                (opening_views[GREY], opening_views[ours]),
                show_label=False,
                max_height=560,
                buttons=["fullscreen"],
                elem_id="colorization-slider",
            )
            with gr.Row(elem_classes="pair"):
                left = gr.Dropdown(list(opening_views), value=GREY, label="Left of the slider", min_width=150)
                right = gr.Dropdown(list(opening_views), value=ours, label="Right of it", min_width=150)

    def show(photo: Image.Image, colourings: list[Coloured], at: tuple[Hint, ...]) -> dict[Any, Any]:
        last, files = colourings[-1], kept_views(photo, colourings)
        spec = last.made_by.spec
        return {
            result: keep_png(marked(last.made.image, at), "coloured.png", last.facts) if at else last.file,
            caption: _caption(words_for(photo, last)),
            download: last.file,
            views: files,
            slider: (files[GREY], files[spec.title]),
            left: gr.update(choices=list(files), value=GREY),
            right: gr.update(choices=list(files), value=spec.title),
            card_strip: strip(spec, device=device_name(last.made_by.device), took=last.took),
        }

    def run(path: str | None, at: list[Hint], temperature: float, model: str) -> Updates:
        photo, places = read_photo(path), tuple(at)
        request = ColorizationRequest(photo, places, number_from("The temperature", temperature, 0.1, 1))
        for step in colour(services, request, model):
            if isinstance(step, Coloured):
                yield show(photo, [step], places)
                yield f"{photo.width} x {photo.height} px in {seconds(step.took)}"
            else:
                yield str(step)

    def run_example(index: int, temperature: float, model: str) -> Updates:
        path = example(one_of(EXAMPLES, index))
        yield {picture: path, hints: [], placed_hints: _hints_html([])}
        yield from run(path, [], temperature, model)

    def draw(path: str | None, at: list[Hint], temperature: float, seed: float) -> Updates:
        photo = read_photo(path)
        small = photo.copy()
        small.thumbnail((ALTERNATIVE_SIDE, ALTERNATIVE_SIDE), Image.Resampling.LANCZOS)
        request = ColorizationRequest(
            small,
            tuple(_moved(hint, photo.size, small.size) for hint in at),
            number_from("The temperature", temperature, 0.1, 1),
            ALTERNATIVES,
            whole_number_from("The seed", seed, 0, MAX_SEED),
        )
        drawn: list[tuple[str, str]] = []
        for step in colour(services, request, OURS):
            if not isinstance(step, Coloured):
                yield str(step)
            elif step.made.seed is not None:
                drawn.append((step.file, f"seed {step.made.seed}"))
                yield {alternatives: list(drawn)}
                yield f"{len(drawn)} colourings in {seconds(step.took)}"

    def optimise(path: str | None, at: list[Hint], temperature: float) -> Updates:
        photo, places = read_photo(path), tuple(at)
        made: list[Coloured] = []
        request = ColorizationRequest(photo, places, number_from("The temperature", temperature, 0.1, 1))
        for step in colour(services, request, OURS):
            if isinstance(step, Coloured):
                made.append(step)
            else:
                yield str(step)
        given = places or certain_hints(made[0])
        for step in colour(services, ColorizationRequest(photo, given), LEVIN):
            if isinstance(step, Coloured):
                made.append(step)
            else:
                yield str(step)
        files = kept_views(photo, made)
        titles = [colouring.made_by.spec.title for colouring in made]
        yield {
            views: files,
            slider: (files[titles[1]], files[titles[0]]),
            left: gr.update(choices=list(files), value=titles[1]),
            right: gr.update(choices=list(files), value=titles[0]),
        }
        took = seconds(made[1].took)
        if places:
            yield f"Your colours spread in {took}. Every region needs one, or it takes its neighbour's."
        else:
            yield f"You placed none, so {len(given)} were taken where the network is surest; spread in {took}."

    shown = [result, caption, download, views, slider, left, right, card_strip]
    runner.on([runner.run.click, placed.change], run, [picture, hints, temperature, picker], shown)
    runner.on([examples.click], run_example, [examples, temperature, picker], [picture, hints, placed_hints, *shown])
    runner.wire_stop()
    draws_runner.on([draws_runner.run.click], draw, [picture, hints, temperature, seed], [alternatives])
    draws_runner.wire_stop()
    levin_runner.on([levin_runner.run.click], optimise, [picture, hints, temperature], [views, slider, left, right])
    levin_runner.wire_stop()

    def place(at: list[Hint], count: int, chosen: str, event: gr.EventData) -> tuple[list[Hint], int, str]:
        at = [*at, Hint(*place_of(detail(event, "index")), colour_from(chosen))][-MAX_HINTS:]
        return at, next_count(count), _hints_html(at)

    def remove(at: list[Hint], count: int) -> tuple[list[Hint], int, str]:
        return at[:-1], next_count(count), _hints_html(at[:-1])

    quietly: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    changed = [hints, placed, placed_hints]
    result.select(place, [hints, placed, hint_colour], changed, **quietly)
    undo.click(remove, [hints, placed], changed, **quietly)
    clear.click(lambda count: ([], next_count(count), _hints_html([])), [placed], changed, **quietly)
    gr.on([picture.upload, picture.clear], lambda: ([], _hints_html([])), None, [hints, placed_hints], **quietly)
    for chosen in (left, right):
        chosen.input(two_of, [left, right, views], slider, **quietly)

    def colorize(
        image: str | None,
        model: str,
        seed: float,
        hints: str = "",
        temperature: float = TEMPERATURE,
        sample: bool = False,
    ) -> tuple[str, dict[str, Any]]:
        """Colours a picture (PNG, JPEG or WebP; reduced to at most 1600 px), of which only the lightness is used.

        `hints` are colours at pixels, such as "120,80,#3366cc; 40,10,#ffcc00"; the model `levin-2004` needs some. With
        `sample` a random colouring that follows from `seed` is drawn instead of the best one. `temperature` goes from
        0.1 (vivid) to 1. Without `sample` nothing is random, so the seed in the answer is null.
        """
        request = ColorizationRequest(
            read_photo(image),
            hints_from(hints),
            number_from("The temperature", temperature, 0.1, 1),
            int(bool(sample)),
            whole_number_from("The seed", seed, 0, MAX_SEED),
        )
        *_, made = (step for step in colour(services, request, model) if isinstance(step, Coloured))
        return made.file, {**made.facts, "size": list(made.made.image.size)}

    endpoint(
        PAGE,
        "colorize",
        colorize,
        [
            picture_input(label="image", render=False),
            model_input(best_model(registry, PAGE.task)),
            gr.Number(0, label="seed", precision=0, render=False),
            gr.Textbox("", label="hints", render=False),
            gr.Number(TEMPERATURE, label="temperature", render=False),
            gr.Checkbox(False, label="sample", render=False),
        ],
        gr.Image(label="coloured", format="png", render=False),
    )


def words_for(photo: Image.Image, made: Coloured) -> str:
    """The result in words: with true colours, how near to them it is."""
    if not has_colours(photo):
        return "Click on the picture to place your colour. Its true colours are not known."
    ours, none = colour_error(made.made.image, photo), colour_error(grey(photo), photo)
    return (
        "Click on the picture to place your colour. "
        f"Distance from the true colours: {ours:.1f}; that of grey: {none:.1f}."
    )


def next_count(count: float | None) -> int:
    """Another number than before, by which the page notices that hints have changed."""
    return (whole_number_from("The number of changes", count, 0, _COUNTED) + 1) % _COUNTED


def place_of(clicked: object) -> tuple[int, int]:
    """Where in the picture a click fell. Raises `BadInputError` for anything but two numbers."""
    x, y = clicked if isinstance(clicked, list | tuple) and len(clicked) == 2 else (None, None)
    return (
        whole_number_from("The place of a colour", x, 0, MAX_SIDE),
        whole_number_from("The place of a colour", y, 0, MAX_SIDE),
    )


def _moved(hint: Hint, old: tuple[int, int], new: tuple[int, int]) -> Hint:
    return Hint(hint.x * new[0] // old[0], hint.y * new[1] // old[1], hint.colour)


def _hints_html(hints: list[Hint]) -> str:
    if not hints:
        return "<p class='status'>No colours placed yet: click on the large picture.</p>"
    swatches = "".join(
        f"<span class='swatch' style='background:rgb{hint.colour}' title='at {hint.x}, {hint.y}'></span>"
        for hint in hints
    )
    return f"<p class='status'>{len(hints)} placed: {swatches}</p>"


def _caption(words: str) -> str:
    return f"<p class='status'>{html.escape(words)}</p>"


def record(services: Services) -> recorded.Recorded:
    """Makes the opening result: the first example, and alternatives for it."""
    photo = read_photo(example(EXAMPLES[0]))
    best, *drawn = (
        step
        for step in colour(services, ColorizationRequest(photo, draws=ALTERNATIVES), OURS)
        if isinstance(step, Coloured)
    )
    views = {Path(path).stem: (label, Path(path)) for label, path in kept_views(photo, [best]).items()}
    files = {f"{OURS}.png": Path(best.file).read_bytes()}
    for stem, (_, path) in views.items():
        if stem != OURS:
            files[f"{stem}.webp"] = _webp(Image.open(path))
    alternatives = {f"alternative-{place}.webp": step for place, step in enumerate(drawn)}
    return recorded.save(
        PAGE.slug,
        {**files, **{name: _webp(step.made.image, ALTERNATIVE_SIDE) for name, step in alternatives.items()}},
        made_by=best.made_by,
        seed=None,
        seconds=best.took,
        settings={"example": EXAMPLES[0], "temperature": TEMPERATURE},
        facts={
            "views": {label: f"{stem}.{'png' if stem == OURS else 'webp'}" for stem, (label, _) in views.items()},
            "alternatives": [(name, f"seed {step.made.seed}") for name, step in alternatives.items()],
            "caption": words_for(photo, best),
        },
    )


def _webp(picture: Image.Image, side: int | None = None) -> bytes:
    small = picture.copy()
    small.thumbnail((side or picture.width, side or picture.height), Image.Resampling.LANCZOS)
    content = BytesIO()
    small.save(content, "WEBP", quality=90)
    return content.getvalue()


if __name__ == "__main__":
    from demos.gallery import run_alone

    run_alone(PAGE)
