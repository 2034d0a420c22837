"""Inpainting: p(full image | mask). A network foresees what may be in the hole; texture is copied from the picture."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import gradio as gr

from demos import recorded
from demos.drawing import drawing_canvas
from demos.endpoints import endpoint
from demos.examples import example
from demos.filling import CANVAS, Filled, canvas_value, fill, keep_draft, painted_mask, uploaded_mask, views
from demos.inpainting_page import PAGE
from demos.mask_examples import MASK_EXAMPLES, PAINT, READY_MASKS
from demos.model_card import device_name, model_strip, strip
from demos.model_picker import best_model, model_input, model_picker
from demos.page import answer, frame, question
from demos.pictures import picture_input, read_picture
from demos.ranges import one_of, whole_number_from
from demos.runner import Runner, Update
from demos.seed import MAX_SEED, seed_input
from demos.services import Services
from demos.visitor_state import visitor_state
from models.inpainting import Draft, InpaintingRequest
from models.styling import LONGEST_PROMPT
from models.text_input import optional_text
from models.units import seconds

COMPARED = ("inpainting-network", "inpainting-patch-match", "inpainting-structure-and-texture", "inpainting-telea")
_PICTURE_FILES = [".png", ".jpg", ".jpeg", ".webp"]


def read_seed(seed: float | None) -> int:
    return whole_number_from("The seed", seed, 0, MAX_SEED)


def read_prompt(prompt: str | None) -> str:
    return optional_text(prompt, max_characters=LONGEST_PROMPT)


def words_for(filled: Filled) -> str:
    """The result in words."""
    width, height = filled.image.size
    return f"{width} x {height} px, {filled.request.mask.mean():.1%} of them filled, in {seconds(filled.took)}"


def build(services: Services) -> None:
    """Draws the tab."""
    registry = services.registry
    opening = recorded.load(PAGE.slug)
    # Unpainted: Gradio 6.31 logs an error in the browser for a layer that is there from the start.
    sheet = opening.file("canvas.webp")
    opening_canvas = {"background": sheet, "layers": [], "composite": sheet}

    with frame(PAGE):
        photograph = visitor_state(example(opening.settings["example"]))
        with gr.Row(elem_classes="cards"):
            with question():
                canvas = drawing_canvas(
                    opening_canvas,
                    label="Paint over what should vanish",
                    show_label=False,
                    sources=[],
                    transforms=[],
                    buttons=[],
                    height=270,
                    canvas_size=CANVAS,
                    fixed_canvas=True,
                    brush=gr.Brush(default_size=32, colors=["#{:02x}{:02x}{:02x}".format(*PAINT)], color_mode="fixed"),
                    eraser=gr.Eraser(default_size=32),
                    elem_id="inpainting-canvas",
                )
                with gr.Row(elem_classes="mask-tools"):
                    new_photograph = gr.UploadButton("Photo …", file_types=_PICTURE_FILES, min_width=64)
                    new_mask = gr.UploadButton("Mask …", file_types=_PICTURE_FILES, min_width=64)
                    invert = gr.Button("Invert", min_width=60)
                    clear = gr.Button("Clear", min_width=60)
                    ready = gr.Dropdown(
                        ["Ready masks", *READY_MASKS],
                        value="Ready masks",
                        show_label=False,
                        min_width=160,
                        label="Ready masks",
                    )
                examples = gr.Dataset(
                    label="Examples: one click fills them",
                    components=[gr.Image(render=False)],
                    samples=[[example(shown.thumbnail)] for shown in MASK_EXAMPLES],
                    type="index",
                    elem_classes="examples",
                )
                picker = model_picker(registry, PAGE.task)
                prompt = gr.Textbox(
                    "",
                    label="What should be there",
                    placeholder="whatever fits",
                    max_length=LONGEST_PROMPT,
                    visible=registry[best_model(registry, PAGE.task)].reads_prompts,
                )
                runner = Runner(PAGE, "Fill the hole")
                with gr.Accordion("Advanced", open=False):
                    seed = seed_input(info="Copying begins with random guesses: another seed, another filling.")
            with answer():
                slider = gr.ImageSlider(
                    (opening.file("hole.webp"), opening.file("filled.webp")),
                    show_label=False,
                    max_height=430,
                    buttons=["fullscreen"],
                    elem_id="inpainting-slider",
                )
                with gr.Row(elem_classes="answer-foot"):
                    gr.HTML("<p class='status'>Left: the photograph, the hole outlined. Right: filled.</p>")
                    download = gr.DownloadButton("Download", value=opening.file("filled.png"), min_width=120, scale=0)
                card_strip = model_strip(opening.strip(registry))
        with gr.Column(elem_classes="card"):
            gr.HTML("<h3>How it came about</h3><p class='status'>The surroundings of the hole, stage by stage.</p>")
            stages = gr.Gallery(
                [(opening.file(name), what) for name, what in opening.facts["stages"]],
                columns=6,
                object_fit="contain",
                height="auto",
                show_label=False,
                elem_id="inpainting-stages",
            )
        with gr.Column(elem_classes="card"):
            gr.HTML(
                "<h3>Each method on the same hole</h3><p class='status'>A small network alone is blurry, copying alone "
                "is blind; fast marching (2004) only smears the border inwards.</p>"
            )
            comparison_runner = Runner(PAGE, "Compare all four")
            comparison = gr.Gallery(
                columns=4, object_fit="contain", height="auto", show_label=False, visible=False, elem_id="fillings"
            )

    def request_for(path: str, painted: object, seed: float | None, prompt: str = "") -> InpaintingRequest:
        picture = read_picture(path)
        return InpaintingRequest(picture, painted_mask(painted, picture.size), read_prompt(prompt), read_seed(seed))

    def filled_with(request: InpaintingRequest, model: str) -> Generator[Update, None, None]:
        seen: list[tuple[str, str]] = []
        for step in fill(services, request, model):
            if isinstance(step, Draft):
                seen.append((keep_draft(step.image, "stage.webp"), step.what))
                yield {stages: list(seen)}
            elif isinstance(step, Filled):
                spec = step.made_by.spec
                before, after = views(step)
                yield {
                    slider: (before, after),
                    download: step.file,
                    card_strip: strip(spec, device=device_name(step.made_by.device), took=step.took),
                    stages: [*seen, (keep_draft(step.image, "stage.webp"), "the whole picture")],
                }
                yield words_for(step)
            else:
                yield str(step)

    def read_by(model: str, prompt: str) -> str:
        return prompt if registry[model].reads_prompts else ""

    def run(path: str, painted: object, model: str, seed: float | None, prompt: str) -> Generator[Update, None, None]:
        yield from filled_with(request_for(path, painted, seed, read_by(model, prompt)), model)

    def run_example(index: int, model: str, seed: float | None) -> Generator[Update, None, None]:
        shown = one_of(MASK_EXAMPLES, index)
        path = example(shown.photograph)
        picture = read_picture(path)
        mask = shown.mask(picture.size)
        yield {photograph: path, canvas: canvas_value(picture, mask)}
        yield from filled_with(InpaintingRequest(picture, mask, seed=read_seed(seed)), model)

    def compare(path: str, painted: object, seed: float | None) -> Generator[Update, None, None]:
        request = request_for(path, painted, seed)
        results: list[tuple[str, str]] = []
        for model in COMPARED:
            title = registry[model].title
            for step in fill(services, request, model):
                if isinstance(step, Filled):
                    results.append((views(step)[1], f"{title}, {seconds(step.took)}"))
                    yield {comparison: gr.update(value=list(results), visible=True)}
                elif not isinstance(step, Draft):
                    yield f"{title}: {step}"
        yield "Four methods, one hole."

    def take_photograph(path: str) -> Generator[Update, None, None]:
        yield {photograph: path, canvas: canvas_value(read_picture(path))}
        yield "Paint over what should vanish, then fill the hole."

    def take_mask(path: str, mask_path: str) -> Generator[Update, None, None]:
        picture = read_picture(path)
        yield {canvas: canvas_value(picture, uploaded_mask(mask_path, picture.size))}
        yield "White became the hole."

    def take_ready_mask(path: str, name: str) -> Generator[Update, None, None]:
        mask = READY_MASKS.get(str(name))
        if mask is not None:
            picture = read_picture(path)
            yield {canvas: canvas_value(picture, mask(picture.size)), ready: "Ready masks"}
        yield ""

    def inverted(path: str, painted: object) -> Generator[Update, None, None]:
        picture = read_picture(path)
        yield {canvas: canvas_value(picture, ~painted_mask(painted, picture.size))}
        yield ""

    def cleared(path: str) -> Generator[Update, None, None]:
        yield {canvas: canvas_value(read_picture(path))}
        yield ""

    shown = [slider, download, card_strip, stages]
    runner.on([runner.run.click], run, [photograph, canvas, picker, seed, prompt], shown)
    runner.on([examples.click], run_example, [examples, picker, seed], [photograph, canvas, *shown])
    runner.on([new_photograph.upload], take_photograph, [new_photograph], [photograph, canvas])
    runner.on([new_mask.upload], take_mask, [photograph, new_mask], [canvas])
    runner.on([ready.input], take_ready_mask, [photograph, ready], [canvas, ready])
    runner.on([invert.click], inverted, [photograph, canvas], [canvas])
    runner.on([clear.click], cleared, [photograph], [canvas])
    runner.wire_stop()
    comparison_runner.on([comparison_runner.run.click], compare, [photograph, canvas, seed], [comparison])
    comparison_runner.wire_stop()
    picker.change(
        lambda model: gr.update(visible=registry[model].reads_prompts),
        picker,
        prompt,
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )

    def inpaint(
        image: str | None,
        mask: str | None = None,  # Gradio takes a default of None from here alone
        prompt: str = "",
        model: str = COMPARED[2],
        seed: float = 0,
    ) -> tuple[str, dict[str, Any]]:
        """Fills the hole in a picture (PNG, JPEG or WebP) where the mask is white (or painted, if it is transparent).

        The mask has the shape of the picture, at any size. Only masked pixels change. `prompt` says what to put
        there; where a model reads none, the answer says that it was ignored. The seed is null if nothing was drawn at
        random.
        """
        picture = read_picture(image)
        request = InpaintingRequest(picture, uploaded_mask(mask, picture.size), read_prompt(prompt), read_seed(seed))
        *_, filled = fill(services, request, model)
        assert isinstance(filled, Filled)
        return filled.file, filled.facts

    endpoint(
        PAGE,
        "inpaint",
        inpaint,
        [
            picture_input(label="image", render=False),
            picture_input(value=None, label="mask", render=False),
            gr.Textbox("", label="prompt", render=False),
            model_input(best_model(registry, PAGE.task)),
            gr.Number(0, label="seed", precision=0, render=False),
        ],
        gr.Image(label="filled", format="png", render=False),
    )


def record(services: Services) -> recorded.Recorded:
    """Makes the opening result: the first example, filled by the best model."""
    shown = MASK_EXAMPLES[0]
    picture = read_picture(example(shown.photograph))
    request = InpaintingRequest(picture, shown.mask(picture.size))
    files: dict[str, bytes] = {}
    named: list[tuple[str, str]] = []
    for step in fill(services, request, best_model(services.registry, PAGE.task)):
        if isinstance(step, Draft):
            name = f"stage-{len(named)}.webp"
            files[name] = Path(keep_draft(step.image, name)).read_bytes()
            named.append((name, step.what))
    assert isinstance(step, Filled)
    files["canvas.webp"] = Path(canvas_value(picture)["background"]).read_bytes()
    for name, path in zip(("hole.webp", "filled.webp", "filled.png"), (*views(step), step.file), strict=True):
        files[name] = Path(path).read_bytes()
    return recorded.save(
        PAGE.slug,
        files,
        made_by=step.made_by,
        seed=request.seed,
        seconds=step.took,
        settings={"example": shown.photograph, "mask": shown.what},
        facts={"stages": named},
    )


if __name__ == "__main__":
    from demos.gallery import run_alone

    run_alone(PAGE)
