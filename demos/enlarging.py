"""What the super-resolution tab runs: the small picture to enlarge, the models' results, how close they come."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from PIL import Image

from demos.answering import Answer, answers
from demos.pictures import keep_png, read_picture
from demos.ranges import whole_number_from
from demos.seed import MAX_SEED
from demos.services import Services
from models.errors import BadInputError, FetchError
from models.image_metrics import psnr, ssim
from models.spec import ModelSpec
from models.states import LoadProgress, MadeBy
from models.styling import LONGEST_PROMPT
from models.tasks import Progress, Task, Upscaled, Upscaler, UpscaleRequest
from models.text_input import optional_text
from models.units import seconds

SCALE = 4
MAX_INPUT_PIXELS = 256 * 1024
"""What is fed to the network: a student with two CPU cores waits half a minute for as much."""
MAX_REFERENCE_SIDE = 1024
"""A photograph is reduced to this before the fair test, so that its quarter is quick to enlarge again."""
ORIGINAL, PIXELS, BICUBIC = "Original", "The small picture", "Bicubic interpolation"
SHRINK, AS_IT_IS = "Shrink it to a quarter first: a fair test", "As it is"


@dataclass(frozen=True)
class EnlargingTask:
    """The small picture to enlarge and, in a fair test, the original it was shrunk from. Models that draw the detail
    read `prompt` and `seed`."""

    small: Image.Image
    original: Image.Image | None
    prompt: str = ""
    seed: int = 0


@dataclass
class Enlarged:
    """What a model made of a `EnlargingTask`."""

    made_by: MadeBy
    task: EnlargingTask
    image: Image.Image
    took: float
    scores: dict[str, float] = field(default_factory=dict)
    """PSNR in dB and SSIM against the original, in a fair test."""

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What its file says about it. The seed is null if nothing was drawn at random."""
        spec = self.made_by.spec
        return {
            "model": spec.id,
            "seed": self.task.seed if spec.reads_prompts else None,
            **({"prompt": self.task.prompt} if spec.reads_prompts else {}),
            "seconds": round(self.took, 3),
            "licence": spec.licence,
        }

    @cached_property
    def file(self) -> str:
        """The picture as a PNG among the served files, written once."""
        spec = self.made_by.spec
        return keep_png(self.image, f"{spec.id}.png", {**self.facts, "scale": SCALE}, generated=spec.parameters > 0)


def prepare_task(path: str | None, mode: str, prompt: str | None = "", seed: float | None = 0) -> EnlargingTask:
    """The task set by an uploaded picture. Raises `BadInputError` if the picture is unusable or too large, or the seed
    is none."""
    checked = whole_number_from("The seed", seed, 0, MAX_SEED)
    prompt = optional_text(prompt, max_characters=LONGEST_PROMPT)
    picture = read_picture(path, at_most=MAX_REFERENCE_SIDE if mode == SHRINK else None)
    if mode == SHRINK:
        width, height = picture.width // SCALE, picture.height // SCALE
        if not width or not height:
            raise BadInputError(f"This picture is too small to shrink; choose “{AS_IT_IS}”.")
        original = picture.crop((0, 0, width * SCALE, height * SCALE))
        return EnlargingTask(original.resize((width, height), Image.Resampling.BICUBIC), original, prompt, checked)
    if picture.width * picture.height > MAX_INPUT_PIXELS:
        raise BadInputError(
            f"This picture has {picture.width} x {picture.height} pixels; as it is, at most 512 x 512 can be enlarged. "
            f"Choose “{SHRINK}” or a smaller picture."
        )
    return EnlargingTask(picture, None, prompt, checked)


def enlarge(services: Services, task: EnlargingTask, model: str) -> Iterator[LoadProgress | Progress | Enlarged]:
    """Runs one model on the task: progress first, the result last."""

    def ask(upscaler: Upscaler) -> Iterator[Progress | Upscaled]:
        return upscaler.upscale(UpscaleRequest(task.small, prompt=task.prompt, seed=task.seed))

    for step in answers(services, Task.SUPER_RESOLUTION, model, ask):
        if isinstance(step, Answer):
            image = step.value.image
            result = Enlarged(step.made_by, task, image, step.took)
            if task.original is not None:
                result.scores = {"psnr": psnr(image, task.original), "ssim": ssim(image, task.original)}
            yield result
        else:
            yield step


def enlarge_with_each(
    services: Services, task: EnlargingTask
) -> Iterator[tuple[ModelSpec, LoadProgress | Progress | Enlarged | FetchError]]:
    """Runs every model that can run here, the preferred one last, each as in `enlarge`. One whose weights cannot be
    fetched, as without a network, only says so: its last step is the error."""
    registry = services.registry
    for spec in reversed(registry.for_task(Task.SUPER_RESOLUTION)):
        if registry.why_not(spec.id):
            continue
        try:
            for step in enlarge(services, task, spec.id):
                yield spec, step
        except FetchError as error:
            yield spec, error


def words_for(result: Enlarged) -> str:
    """The result in words: seconds and, in a fair test, how close to the original it is."""
    size = f"{result.image.width} x {result.image.height} px in {seconds(result.took)}"
    if not result.scores:
        return size
    return f"{size}; against the original: PSNR {result.scores['psnr']:.1f} dB, SSIM {result.scores['ssim']:.2f}"


def comparison_table(results: list[Enlarged]) -> list[dict[str, str]]:
    """A row for each result: model, seconds and, in a fair test, PSNR and SSIM."""
    return [
        {"Model": result.made_by.spec.title, "Time": seconds(result.took)}
        | ({"PSNR": f"{result.scores['psnr']:.1f} dB", "SSIM": f"{result.scores['ssim']:.2f}"} if result.scores else {})
        for result in results
    ]


def kept_views(task: EnlargingTask, results: list[Enlarged]) -> dict[str, str]:
    """Files for the slider by label: the small picture, each result, the original."""
    large = (task.small.width * SCALE, task.small.height * SCALE)
    pixels = task.small.resize(large, Image.Resampling.NEAREST)
    views = {PIXELS: keep_png(pixels, "small.png", {}, generated=False)}
    views |= {result.made_by.spec.title: result.file for result in results}
    if task.original is not None:
        views[ORIGINAL] = keep_png(task.original, "original.png", {}, generated=False)
    return views
