"""Super-resolution has many answers: a face of 16 x 16 pixels and a dozen larger ones that all shrink to it (PULSE).

The small faces are shrunk from faces that the GAN itself draws, so nobody real is in them; there is no upload, since an
invented face must never be taken for somebody's.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from demos import recorded
from demos.answering import Answer, answers
from demos.model_card import device_name, model_strip, strip
from demos.page import HowItWorks, Page
from demos.pictures import data_uri, encode_png, keep_png
from demos.ranges import one_of, whole_number_from
from demos.runner import Runner, Update
from demos.seed import MAX_SEED, seed_input
from demos.services import Services
from demos.visitor_state import visitor_state
from models.generation import Pixels
from models.latent_search import Answers, SearchRequest, search, shrink
from models.states import LoadProgress, MadeBy
from models.tasks import Task
from models.units import seconds

MODEL = "dcgan-faces"
ANSWERS = 12
COLUMNS, SCALE = 6, 3
"""Of the contact sheet: answers in a row, and how many times their size they are drawn."""
SHOW_EVERY = 20
"""Steps of the search between two views of the growing answers."""
START_SEEDS = (2011, 2004, 2009, 2010, 2036, 2038)
"""Each draws one face, whose small version is offered."""
SEARCH_SEEDS = 2**31
"""Added to the visitor's seed, so that no search starts from the latent of a face on offer. (torch reads 32 bits.)"""
TITLE = "One small face, many answers"
SLUG = "many-answers"

_WORDS = f"""
<h3>{TITLE}: p(high res | low res)</h3>
<p class='status'>Each answer is a face that a GAN draws, and each shrinks to the same 16 x 16 pixels. A small picture
rules out most faces but leaves a whole distribution. The search, PULSE by
<a href="https://arxiv.org/abs/2003.03808">Menon et al. 2020</a>, walks the GAN's latent space from a dozen places and
finds a dozen of them. They agree where the pixels say something and differ where the GAN has to invent: eyes, mouth,
hair. <b>So it must never be used to identify anyone:</b> each sharp face is a possible face, not the face, and it looks
like those the GAN was trained on.</p>
"""

_PAGE = Page(
    slug=SLUG,
    title=TITLE,
    family="images",
    task=Task.IMAGE_GENERATION,
    formula="p(high res | low res)",
    sentence="",
    how=HowItWorks("", "", "", ""),
)
"""Only names the queue of the section."""


@dataclass(frozen=True)
class Found:
    """What the search has found so far, and the seconds since it began."""

    made_by: MadeBy
    answers: Answers
    took: float

    @property
    def median_error(self) -> float:
        """In grey levels of 255."""
        return float(np.median(self.answers.errors))


def find(services: Services, start: int, seed: float | None) -> Generator[LoadProgress | Found, None, None]:
    """Searches from the small face number `start`: progress of the load first, then the growing answers."""
    checked = whole_number_from("The seed", seed, 0, MAX_SEED)
    face = one_of(START_SEEDS, start)

    def ask(gan: Any) -> Iterator[Answers]:
        small = small_version(draw_face(gan, face))
        return search(gan, SearchRequest(small, ANSWERS, seed=SEARCH_SEEDS + checked))

    for step in answers(services, Task.IMAGE_GENERATION, MODEL, ask):
        if isinstance(step, Answer):
            yield Found(step.made_by, step.value, step.took)
        elif isinstance(step, LoadProgress):
            yield step


def draw_face(gan: Any, seed: int) -> Image.Image:
    """The first face of `seed`, 64 x 64 px."""
    pixels: Pixels = gan.generate(gan.latents(1, seed))
    return Image.fromarray(pixels[0])


def small_version(face: Image.Image) -> Image.Image:
    """The face at a quarter of its side: each pixel the mean of 4 x 4."""
    return Image.fromarray(shrink(np.asarray(face)[None])[0].round().astype(np.uint8))


def enlarged(small: Image.Image) -> Image.Image:
    """The small face with pixels that one can count."""
    return small.resize((192, 192), Image.Resampling.NEAREST)


def contact_sheet(pictures: Pixels) -> Image.Image:
    """All answers in rows of six, each at three times its size."""
    count, side, _, _ = pictures.shape
    rows = pictures.reshape(count // COLUMNS, COLUMNS, side, side, 3).swapaxes(1, 2)
    sheet = Image.fromarray(rows.reshape(-1, COLUMNS * side, 3))
    return sheet.resize((sheet.width * SCALE, sheet.height * SCALE), Image.Resampling.NEAREST)


def answers_on(sheet: Image.Image) -> Pixels:
    """The pictures on a contact sheet: the inverse of `contact_sheet`."""
    pixels = np.asarray(sheet.convert("RGB"))[::SCALE, ::SCALE]
    side = pixels.shape[1] // COLUMNS
    rows = pixels.reshape(-1, side, COLUMNS, side, 3).swapaxes(1, 2)
    return rows.reshape(-1, side, side, 3)


def answers_html(pictures: Pixels, errors: Sequence[float]) -> str:
    """Each answer, under it the same picture shrunk and its data-fit error; the best first."""
    small = shrink(pictures).round().astype(np.uint8)
    figures = "".join(
        f"<figure><img src='{_shown(pictures[number])}' alt='Answer {place}'>"
        f"<figcaption><img src='{_shown(small[number])}' alt='the same, shrunk'>off by {errors[number]:.1f}"
        "</figcaption></figure>"
        for place, number in enumerate(np.argsort(errors, kind="stable"), 1)
    )
    return f"<div class='answer-grid'>{figures}</div>"


def facts_of(found: Found) -> dict[str, Any]:
    """What the downloaded sheet says about itself."""
    return {
        "model": MODEL,
        "method": "PULSE",
        "steps": found.answers.step,
        "seconds": round(found.took, 3),
        "licence": found.made_by.spec.licence,
        "errors": [round(float(error), 2) for error in found.answers.errors],
    }


def words_for(found: Found) -> str:
    """How well all of them fit."""
    answers = found.answers
    return (
        f"{len(answers.errors)} answers in {seconds(found.took)}. Shrunk, they miss the small face by "
        f"{found.median_error:.1f} of 255 grey levels (median of their root mean squares; at worst "
        f"{answers.errors.max():.1f})."
    )


def many_answers_section(services: Services) -> None:
    """Draws the section, with its recorded opening."""
    opening = recorded.load(SLUG)
    starts = [opening.file(name) for name in opening.facts["starts"]]
    sheet = opening.file("answers.png")
    with gr.Column(elem_classes=["card", "many-answers"]):
        gr.HTML(_WORDS)
        chosen = visitor_state(opening.settings["start"])
        with gr.Row(elem_classes="cards"):
            with gr.Column(scale=2, min_width=260):
                small = gr.Image(
                    starts[opening.settings["start"]],
                    show_label=False,
                    alt_text="The small face, 16 x 16 pixels",
                    interactive=False,
                    buttons=[],
                    height=220,
                    elem_id="many-answers-small",
                )
                faces = gr.Dataset(
                    label="Small faces of nobody: one click searches",
                    components=[gr.Image(render=False)],
                    samples=[[path] for path in starts],
                    type="index",
                    elem_classes="examples",
                )
                seed = seed_input(opening.seed or 0, info="From where in the latent space the search starts.")
                runner = Runner(_PAGE, "Find 12 answers")
            with gr.Column(scale=5, min_width=320):
                found_view = gr.HTML(answers_html(answers_on(Image.open(sheet)), opening.facts["errors"]))
                fit = gr.HTML(_fit_line(opening.facts["words"]))
                download = gr.DownloadButton("Download all", value=sheet, min_width=120, elem_classes="sheet-download")
                card_strip = model_strip(opening.strip(services.registry))

    def run(start: int, seed: float | None) -> Generator[Update, None, None]:
        for step in find(services, start, seed):
            if isinstance(step, LoadProgress):
                yield str(step)
                continue
            found, made_by = step.answers, step.made_by
            finished = found.step == found.steps
            if finished or found.step % SHOW_EVERY == 0:
                yield {
                    found_view: answers_html(found.pictures, found.errors.tolist()),
                    fit: _fit_line(words_for(step)),
                }
                yield f"searching, step {found.step} of {found.steps}"
            if finished:
                yield {
                    download: keep_png(contact_sheet(found.pictures), "answers.png", facts_of(step)),
                    card_strip: strip(made_by.spec, device=device_name(made_by.device), took=step.took),
                }
                yield f"{ANSWERS} answers in {seconds(step.took)}"

    def run_start(index: int, seed: float | None) -> Generator[Update, None, None]:
        yield {chosen: index, small: one_of(starts, index)}
        yield from run(index, seed)

    shown = [found_view, fit, download, card_strip]
    runner.on([runner.run.click], run, [chosen, seed], shown)
    runner.on([faces.click], run_start, [faces, seed], [chosen, small, *shown])
    runner.wire_stop()


def _shown(pixels: NDArray[np.uint8]) -> str:
    png = encode_png(Image.fromarray(pixels), {"model": MODEL})
    return data_uri(png)


def _fit_line(words: str) -> str:
    return f"<p class='status'>{words}</p>"


def record(services: Services) -> recorded.Recorded:
    """Makes the opening: the small faces to choose from, and the answers to the first."""
    *_, found = find(services, 0, 0)
    assert isinstance(found, Found)
    with services.registry.lease(MODEL) as lease:
        small = [enlarged(small_version(draw_face(lease.backend, seed))) for seed in START_SEEDS]
    files = {f"start-{number}.png": encode_png(picture, {"model": MODEL}) for number, picture in enumerate(small)}
    files["answers.png"] = encode_png(contact_sheet(found.answers.pictures), facts_of(found))
    return recorded.save(
        SLUG,
        files,
        made_by=found.made_by,
        seed=0,
        seconds=found.took,
        settings={"start": 0, "answers": ANSWERS, "steps": found.answers.steps},
        facts={
            "starts": [f"start-{number}.png" for number in range(len(START_SEEDS))],
            "words": words_for(found),
            "errors": [round(float(error), 2) for error in found.answers.errors],
        },
    )
