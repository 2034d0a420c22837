"""Style transfer: p(painting | photo, style). 26 learnt styles, or any picture as the style."""

import html
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from demos import recorded
from demos.contact_sheet import contact_sheet, sheet_value
from demos.endpoints import endpoint
from demos.examples import example
from demos.model_card import device_name, model_strip, strip
from demos.model_picker import best_model, model_input, model_picker
from demos.page import answer, frame, question
from demos.painting import (
    Painted,
    SheetTile,
    facts_of,
    keep_painting,
    keep_sheet,
    keep_small,
    keep_tile,
    paint,
    paint_sheet,
    read_photo,
    webp,
)
from demos.pictures import keep_png, picture_input
from demos.ranges import number_from, one_of
from demos.runner import Runner, Update
from demos.services import Services
from demos.style_swatches import style_swatches
from demos.style_transfer_page import PAGE
from demos.styles import ANY, LEARNT, NO_BLEND, PAINTINGS, chosen_styles, mixture_in_words, names_for, words_for
from models.errors import BadInputError
from models.styling import LEARNT_STYLES, StyleRequest, style_number
from models.units import seconds

Updates = Generator[Update, None, None]

EXAMPLES = ("castle.jpg", "wall.jpg", "canyon.jpg", "cat.png")
OPENING_STYLE = "Embers"


def build(services: Services) -> None:
    """Draws the tab."""
    registry = services.registry
    opening = recorded.load(PAGE.slug)
    opening_photo, opening_painting = example(opening.settings["example"]), opening.file(opening.facts["painting"])
    opening_tiles = [opening.file(name) for name in opening.facts["tiles"]]
    best = best_model(registry, PAGE.task)

    with frame(PAGE):
        with gr.Row(elem_classes="cards"):
            with question():
                with gr.Row(elem_classes="photo-row"):
                    picture = picture_input(
                        opening_photo,
                        label="Your photograph",
                        sources=["upload", "clipboard"],
                        buttons=[],
                        height=116,
                        elem_classes="input-picture",
                        min_width=160,
                    )
                    examples = gr.Dataset(
                        label="One click paints them",
                        components=[gr.Image(render=False)],
                        samples=[[example(name)] for name in EXAMPLES],
                        type="index",
                        elem_classes="examples",
                    )
                picker = model_picker(registry, PAGE.task)
                with gr.Column(visible=best != ANY, elem_classes="style-source") as learnt_controls:
                    swatches = style_swatches(opening.settings["style"], LEARNT_STYLES, opening_tiles)
                with gr.Row(visible=best == ANY, elem_classes=["photo-row", "style-source"]) as picture_controls:
                    style_picture = picture_input(
                        PAINTINGS[0].path,
                        label="The style: any picture",
                        sources=["upload", "clipboard"],
                        buttons=[],
                        height=116,
                        elem_classes="input-picture",
                        min_width=160,
                    )
                    paintings = gr.Dataset(
                        label="Paintings in the public domain",
                        components=[gr.Image(render=False)],
                        samples=[[painting.path] for painting in PAINTINGS],
                        type="index",
                        elem_classes="examples",
                    )
                with gr.Row(elem_classes="strength-row"):
                    strength = gr.Slider(0, 1, 1, step=0.05, label="Strength", buttons=[], min_width=160)
                    keep = gr.Checkbox(False, label="Keep the photo's colours", min_width=160, container=False)
                runner = Runner(PAGE, "Paint it")
                with gr.Accordion("Blend with a second style", open=False):
                    second = gr.Dropdown([NO_BLEND, *names_for(best)], value=NO_BLEND, label="Second style")
                    share = gr.Slider(0, 100, 50, step=5, label="Its share (%)", buttons=[])
            with answer():
                slider = gr.ImageSlider(
                    (opening_photo, opening_painting),
                    show_label=False,
                    max_height=640,
                    buttons=["fullscreen"],
                    elem_id="style-transfer-slider",
                )
                with gr.Row(elem_classes="answer-foot"):
                    caption = gr.HTML(_caption(opening.facts["caption"]), elem_classes="painting-caption")
                    download = gr.DownloadButton("Download", value=opening_painting, min_width=120, scale=0)
                card_strip = model_strip(opening.strip(registry))
        with gr.Column(elem_classes="card"):
            gr.HTML(
                "<h3>Contact sheet: one photograph, 26 styles</h3><p class='status'>A click on a style paints the "
                "large picture in it. Strokes have a fixed size in pixels, so they look broader here. Which paintings "
                "are behind these styles was never published; the names are ours and only describe them.</p>"
            )
            sheet_runner = Runner(PAGE, "Paint all 26 styles")
            sheet = contact_sheet(
                sheet_value(opening_photo, zip(LEARNT_STYLES, opening_tiles, strict=True), len(LEARNT_STYLES))
            )
            sheet_download = gr.DownloadButton("Download the sheet", visible=False, elem_classes="sheet-download")

    def controls_for(model: str) -> dict[Any, Any]:
        return {
            learnt_controls: gr.update(visible=model != ANY),
            picture_controls: gr.update(visible=model == ANY),
            second: gr.update(choices=[NO_BLEND, *names_for(model)], value=NO_BLEND),
        }

    def run(
        path: str | None,
        model: str,
        name: str,
        style_path: str | None,
        strength: float,
        keep: bool,
        second: str,
        share: float,
    ) -> Updates:
        if model == ANY and not style_path:
            raise BadInputError("Please give a picture as the style: upload one or click a painting.")
        strength = number_from("The strength", strength, 0, 1)
        styles = chosen_styles(model, name, style_path, second, share)
        photo = read_photo(path)
        for step in paint(services, StyleRequest(photo, styles, strength, bool(keep)), model):
            if not isinstance(step, Painted):
                yield str(step)
                continue
            words = words_for(mixture_in_words(model, name, style_path, second, share), strength, keep)
            made = keep_painting(step, words)
            spec = step.made_by.spec
            yield {
                slider: (keep_png(photo, "photo.png", {}), made),
                caption: _caption(words),
                download: made,
                card_strip: strip(spec, device=device_name(step.made_by.device), took=step.took),
            }
            yield f"{photo.width} x {photo.height} px in {seconds(step.took)}"

    def run_example(index: int, *settings: Any) -> Updates:
        path = example(one_of(EXAMPLES, index))
        yield {picture: path}
        yield from run(path, *settings)

    def run_painting(index: int, path: str | None, model: str, name: str, *settings: Any) -> Updates:
        style = one_of(PAINTINGS, index).path
        yield {style_picture: style}
        yield from run(path, model, name, style, *settings[1:])

    def run_tile(chosen: dict[str, Any], path: str | None, model: str, name: str, *settings: Any) -> Updates:
        name = LEARNT_STYLES[style_number(str(chosen.get("chosen")) if isinstance(chosen, Mapping) else "")]
        yield {picker: LEARNT, swatches: name, **controls_for(LEARNT)}
        yield from run(path, LEARNT, name, *settings)

    def run_sheet(path: str | None) -> Updates:
        tiles: list[SheetTile] = []
        ready: list[tuple[str, str]] = []
        photo = read_photo(path)
        small = keep_small(photo)
        yield {sheet: sheet_value(small, [], len(LEARNT_STYLES)), sheet_download: gr.update(visible=False)}
        for step in paint_sheet(services, photo):
            if not isinstance(step, SheetTile):
                yield str(step)
                continue
            tiles.append(step)
            ready.append((step.name, keep_tile(step)))
            # Each update sends the whole list, so they come in handfuls.
            if len(tiles) % 3 == 0 or len(tiles) == len(LEARNT_STYLES):
                yield {sheet: sheet_value(small, ready, len(LEARNT_STYLES))}
                yield f"style {len(tiles)} of {len(LEARNT_STYLES)}"
        spec, took = tiles[0].painted.made_by.spec, sum(tile.painted.took for tile in tiles)
        facts = {"model": spec.id, "seed": None, "seconds": round(took, 3), "licence": spec.licence}
        yield {sheet_download: gr.update(value=keep_sheet(tiles, facts), visible=True)}
        yield f"{len(tiles)} styles in {seconds(took)}"

    settings = [picker, swatches, style_picture, strength, keep, second, share]
    shown = [slider, caption, download, card_strip]
    runner.on([runner.run.click, swatches.select], run, [picture, *settings], shown)
    runner.on([examples.click], run_example, [examples, *settings], [picture, *shown])
    runner.on([paintings.click], run_painting, [paintings, picture, *settings], [style_picture, *shown])
    runner.on(
        [sheet.select],
        run_tile,
        [sheet, picture, *settings],
        [picker, swatches, learnt_controls, picture_controls, second, *shown],
    )
    runner.wire_stop()
    sheet_runner.on([sheet_runner.run.click], run_sheet, [picture], [sheet, sheet_download])
    sheet_runner.wire_stop()
    picker.change(
        controls_for,
        picker,
        [learnt_controls, picture_controls, second],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )

    def style_transfer(
        image: str | None,
        style: str,
        strength: float,
        model: str,
        style_image: str | None = None,
        keep_colours: bool = False,
    ) -> tuple[str, dict[str, Any]]:
        """Paints a photograph (PNG, JPEG or WebP; reduced to at most 768 px) in a style.

        `style` is the name of one of the 26 styles of the model `learnt-styles`. With the model `any-style` it is the
        title of one of the tab's paintings, unless `style_image` gives a picture as the style. `strength` goes from 0
        to 1; with `keep_colours` only the brightness is painted. Nothing is random, so the seed is null.
        """
        strength = number_from("The strength", strength, 0, 1)
        if style_image and model != ANY:
            raise BadInputError(
                f"Only the model {ANY} takes a picture as the style; choose it or leave the picture out."
            )
        styles = chosen_styles(model, style, style_image)
        request = StyleRequest(read_photo(image), styles, strength, bool(keep_colours))
        *_, painted = paint(services, request, model)
        assert isinstance(painted, Painted)
        words = words_for(mixture_in_words(model, style, style_image, NO_BLEND, 0), strength, keep_colours)
        facts = {**facts_of(painted, words), "size": list(painted.image.size)}
        return keep_painting(painted, words), facts

    endpoint(
        PAGE,
        "style_transfer",
        style_transfer,
        [
            picture_input(label="image", render=False),
            gr.Textbox(OPENING_STYLE, label="style", render=False),
            gr.Number(1.0, label="strength", render=False),
            model_input(best),
            picture_input(label="style_image", render=False),
            gr.Checkbox(False, label="keep_colours", render=False),
        ],
        gr.Image(label="painting", format="png", render=False),
    )


def _caption(words: str) -> str:
    return f"<p class='status'>{html.escape(words)}</p>"


def record(services: Services) -> recorded.Recorded:
    """Makes the opening result: the first example in one style, and the contact sheet of all of them."""
    photo = read_photo(example(EXAMPLES[0]))
    *_, painted = paint(services, StyleRequest(photo, ((OPENING_STYLE, 1.0),)), LEARNT)
    assert isinstance(painted, Painted)
    words = words_for(OPENING_STYLE, 1.0, False)
    tiles = [step for step in paint_sheet(services, photo) if isinstance(step, SheetTile)]
    files = {f"tile-{place:02}.webp": webp(tile.painted.image) for place, tile in enumerate(tiles)}
    painting = "painting.png"
    return recorded.save(
        PAGE.slug,
        {painting: Path(keep_painting(painted, words)).read_bytes(), **files},
        made_by=painted.made_by,
        seed=None,
        seconds=painted.took,
        settings={"example": EXAMPLES[0], "style": OPENING_STYLE, "strength": 1.0},
        facts={"painting": painting, "caption": words, "tiles": list(files)},
    )


if __name__ == "__main__":
    from demos.gallery import run_alone

    run_alone(PAGE)
