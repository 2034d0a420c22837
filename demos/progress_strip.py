"""The progress strip: the same question, p(x) over small pictures, answered by five kinds of models in order of years.

`progress_section` draws it into the open page. All five get the same seed; the denoising steps of the diffusion model
come in one piece and are scrubbed in the browser (see demos/progress_view.py).
"""

import sys
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass

import gradio as gr

from demos import recorded
from demos.answering import Answer, answers
from demos.model_card import device_name
from demos.page import HowItWorks, Page, frame
from demos.pictures import keep_bytes
from demos.progress_view import STAGES, Drawn, Film, Stage, contact_sheet, progress_view, view_value
from demos.ranges import whole_number_from
from demos.runner import Runner, Update
from demos.seed import MAX_SEED, seed_input
from demos.services import Services
from models.errors import BadInputError
from models.small_pictures import LABELS, Denoised, SmallPictureGenerator, SmallPictureRequest, SmallPictures
from models.states import LoadProgress
from models.tasks import Progress, Task
from models.units import seconds

COUNT = 8
STEPS = 25
DATA = {"Fashion": "fashion", "Digits": "digits"}

PAGE = Page(
    slug="progress-strip",
    title="Progress",
    family="images",
    task=Task.SMALL_PICTURES,
    formula="p(x)",
    sentence="Five kinds of models learn the same small pictures; each undoes an assumption of the one before.",
    how=HowItWorks(
        sentences="All of them turn random numbers into a picture. The mixture and PCA are fitted by formulas, the "
        "other three are networks trained for minutes. The diffusion model alone does not answer in one step.",
        formula=r"p(x) = \sum_k \pi_k \mathcal{N}(x; \mu_k, \sigma_k^2), \quad x = G_\theta(z), \quad "
        r"x_{t-1} = \alpha_{t-1} \hat{x}_0 + \sigma_{t-1} \hat{\epsilon}",
        paper="[Dempster et al. 1977](https://doi.org/10.1111/j.2517-6161.1977.tb01600.x), "
        "[Tipping and Bishop 1999](https://doi.org/10.1111/1467-9868.00196), "
        "[Kingma and Welling 2014](https://arxiv.org/abs/1312.6114), "
        "[Goodfellow et al. 2014](https://arxiv.org/abs/1406.2661), "
        "[Ho et al. 2020](https://arxiv.org/abs/2006.11239).",
        code="""
from pathlib import Path
from PIL import Image
from models.catalog import CATALOG
from models.registry import Registry
from models.small_pictures import SmallPictureRequest
from models.store import WeightStore

registry = Registry(CATALOG, store=WeightStore(Path("weights")))
for model in ("mixture", "pca", "vae", "gan", "diffusion"):
    with registry.lease(f"progress-{model}") as lease:
        *_, last = lease.backend.sample(SmallPictureRequest("fashion", seed=1))
    Image.fromarray(last.pictures[0]).save(f"{model}.png")
""",
    ),
)


@dataclass(frozen=True)
class Asked:
    """What all five models are asked for."""

    data: str
    seed: int


def read_asked(data: str | None, seed: float | None) -> Asked:
    """The request from the page. Raises `BadInputError` for an unknown set of pictures and a seed out of range."""
    if not isinstance(data, str) or data not in LABELS:
        raise BadInputError("Please choose one of the two sets of pictures.")
    return Asked(data, whole_number_from("The seed", seed, 0, MAX_SEED))


def draw_all(services: Services, asked: Asked) -> Generator[str | Drawn, None, None]:
    """Runs the five models one after the other: words while they work, then what each has drawn."""
    for stage in STAGES:
        yield from draw(services, stage, asked)


def draw(services: Services, stage: Stage, asked: Asked) -> Generator[str | Drawn, None, None]:
    """One model's pictures."""
    film = Film([], [], [])

    def ask(sampler: SmallPictureGenerator) -> Iterator[Progress | Denoised | SmallPictures]:
        return sampler.sample(SmallPictureRequest(asked.data, COUNT, asked.seed, STEPS))

    steps: Iterator[LoadProgress | Progress | Answer[Denoised | SmallPictures]]
    steps = answers(services, Task.SMALL_PICTURES, stage.model, ask)
    for step in steps:
        if not isinstance(step, Answer):
            yield f"{stage.name}: {step}"
        elif isinstance(step.value, Denoised):
            film.noise.append(step.value.noise_share)
            film.noisy.append(step.value.noisy)
            film.foreseen.append(step.value.foreseen)
            if step.value.done:
                yield f"denoising {step.value.done} of {step.value.total}"
        else:
            yield Drawn(step.made_by, step.value.pictures, step.took, film if film.noisy else None)


def progress_section(services: Services) -> None:
    """Draws the strip into the open page: its title, the choice of pictures, and a row for each model."""
    opening = recorded.load(PAGE.slug)
    with gr.Column(elem_classes=["card", "progress-strip"], elem_id="progress-strip"):
        gr.HTML(
            "<h3>Progress: one question, five answers</h3><p class='status'>Each model has seen the same small "
            "pictures and draws eight new ones from the same seed. We trained them on an ordinary processor.</p>"
        )
        with gr.Row(elem_classes="progress-controls"):
            data = gr.Radio(
                list(DATA.items()), value=opening.settings["data"], label="What the models have learnt", min_width=240
            )
            with gr.Column(min_width=280):
                seed = seed_input(opening.settings["seed"])
            with gr.Column(min_width=280):
                runner = Runner(PAGE, "Draw with all five")
        view = progress_view({**opening.facts["view"], "recorded": opening.date})
        download = gr.DownloadButton("Download", value=opening.file("sheet.png"), min_width=120, scale=0)

    def run(data: str | None, seed: float | None) -> Generator[Update, None, None]:
        asked = read_asked(data, seed)
        drawn: list[Drawn] = []
        for step in draw_all(services, asked):
            if isinstance(step, str):
                yield step
                continue
            drawn.append(step)
            yield {view: view_value(asked.data, asked.seed, drawn)}
        yield {download: keep_bytes(contact_sheet(drawn, asdict(asked)), f"progress-{asked.data}-{asked.seed}.png")}
        yield f"5 models in {seconds(sum(part.took for part in drawn))}"

    runner.on([runner.run.click, data.input], run, [data, seed], [view, download])
    runner.wire_stop()


def build(services: Services) -> None:
    """The strip on a page of its own: `python -m demos.progress_strip`."""
    with frame(PAGE):
        progress_section(services)


def record(services: Services) -> recorded.Recorded:
    """Makes the opening result on the real models."""
    asked = Asked("fashion", 1)
    drawn = [step for step in draw_all(services, asked) if isinstance(step, Drawn)]
    return recorded.save(
        PAGE.slug,
        {"sheet.png": contact_sheet(drawn, asdict(asked))},
        made_by=drawn[-1].made_by,
        seed=asked.seed,
        seconds=sum(part.took for part in drawn),
        settings=asdict(asked),
        facts={"view": view_value(asked.data, asked.seed, drawn), "device": device_name(drawn[-1].made_by.device)},
    )


if __name__ == "__main__":
    from demos.gallery import build_gallery, launch
    from demos.services import make_services
    from demos.settings import read_settings

    alone = make_services(read_settings())
    launch(build_gallery(alone, [sys.modules[__name__]]), alone.settings)
