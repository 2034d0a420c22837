"""The models of the hub that draw from noise, end to end: tiny ones of the real classes, fetched from the stand-in hub
by the specs of the catalog, run through the registry, the tab and its endpoint."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers as untyped_diffusers
import gradio as gr
import numpy as np
import pytest
import torch
from gradio_client import Client
from PIL import Image
from playwright.sync_api import Page, expect
from torch import Tensor

from demos import image_generation
from demos.latents import walk
from demos.sampling import Asked, Drawn, draw_walk
from demos.services import Services
from demos.settings import read_settings
from models.backends import unconditional_pipelines
from models.backends.noise_removal import Ddim, ProbabilityFlow
from models.backends.unconditional_pipelines import Denoiser, NoiseGenerator, load_score_sde
from models.catalog import CATALOG
from models.errors import BadInputError, OutOfMemoryError
from models.generation import IMAGENET_CLASSES, Latents, Pixels, SampleRequest, Samples
from models.gpu_seconds import gpu_seconds
from models.registry import Registry
from models.specs.hub_image_generation import HUB_IMAGE_GENERATION
from models.specs.image_generation import FULL_LENGTH, LABELS
from models.store import WeightStore
from models.tasks import Progress, Task
from tests.conftest import CPU
from tests.evil_pickle import Evil
from tests.tiny_hub import tiny_registry, written
from tests.tiny_image_generation import (
    write_tiny_consistency,
    write_tiny_ddpm,
    write_tiny_ldm,
    write_tiny_score_sde,
)

diffusers: Any = untyped_diffusers
LDM, DDPM, CONSISTENCY, SCORE_SDE = MODELS = tuple(spec.id for spec in HUB_IMAGE_GENERATION)
WRITERS: dict[str, Callable[[Path], None]] = {
    LDM: write_tiny_ldm,
    DDPM: write_tiny_ddpm,
    CONSISTENCY: write_tiny_consistency,
    SCORE_SDE: write_tiny_score_sde,
}
SIDES = {LDM: 32, DDPM: 16, CONSISTENCY: 16, SCORE_SDE: 16}
FEW = 3
"""Steps of diffusion and score models here: each takes as long as any other."""
STEPS = {LDM: FEW, DDPM: FEW, CONSISTENCY: 2, SCORE_SDE: FEW}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The repositories, by model. That of the score SDE is not there as safetensors."""
    return written(WRITERS, tmp_path_factory, pickled="diffusion_pytorch_model.bin")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory, folders: dict[str, Path]) -> Iterator[Registry]:
    """The real specs, allowed wherever tests run because their weights are tiny here."""
    with (
        pytest.MonkeyPatch.context() as patch,
        tiny_registry(HUB_IMAGE_GENERATION, folders, tmp_path_factory) as (registry, hub),
    ):
        patch.setattr(unconditional_pipelines, "STEPS", FEW)
        yield registry
        assert hub.downloads("diffusion_pytorch_model.safetensors")
        pickled = hub.downloads("diffusion_pytorch_model.bin")
        assert pickled
        assert all("ncsnpp" in request.path for request in pickled)


def backend(registry: Registry, model: str) -> Any:
    for _ in registry.prepare(model):
        pass
    with registry.lease(model) as lease:
        return lease.backend


def label_of(model: str) -> str | None:
    return "volcano" if model == CONSISTENCY else None


def drawn(generator: Any, latents: Latents, label: str | None) -> Pixels:
    *_, last = generator.sample(SampleRequest(latents, label))
    assert isinstance(last, Samples)
    return last.pictures


def alike(one: Pixels, other: Pixels) -> bool:
    """But for what rounding in batches of another size may change."""
    return bool(np.abs(one.astype(int) - other).max() <= 1)


@pytest.mark.parametrize("model", MODELS)
def test_a_latent_has_one_picture_in_every_batch(registry: Registry, model: str) -> None:
    generator, label = backend(registry, model), label_of(model)
    latents = generator.latents(3, 7)
    *progress, last = generator.sample(SampleRequest(latents, label))
    assert progress == [Progress("step", done, STEPS[model]) for done in range(1, STEPS[model] + 1)]
    pictures = last.pictures
    assert pictures.shape == (3, SIDES[model], SIDES[model], 3)
    assert pictures.dtype == np.uint8
    assert generator.image_size == SIDES[model]
    assert np.array_equal(generator.latents(5, 7)[:3], latents), "the first ones of a seed are the same"
    assert not alike(pictures[0], pictures[1])
    assert alike(drawn(generator, latents[2:], label), pictures[2:])
    assert alike(drawn(generator, latents[::-1].copy(), label)[::-1], pictures)
    assert not alike(drawn(generator, generator.latents(1, 8), label), pictures[:1])


@pytest.mark.parametrize("model", MODELS)
def test_what_no_generator_could_draw_is_refused(registry: Registry, model: str) -> None:
    generator = backend(registry, model)
    with pytest.raises(BadInputError, match="please draw them anew"):
        drawn(generator, np.zeros((1, 100), np.float32), label_of(model))
    wrong = "platypus" if model == CONSISTENCY else "volcano"
    with pytest.raises(BadInputError, match="knows flamingo" if model == CONSISTENCY else "leave the kind empty"):
        drawn(generator, generator.latents(1, 0), wrong)


def test_many_pictures_go_in_parts(registry: Registry) -> None:
    generator = backend(registry, SCORE_SDE)
    latents = generator.latents(5, 0)
    *progress, last = generator.sample(SampleRequest(latents))
    assert [step.done for step in progress] == list(range(1, 2 * FEW + 1))
    assert {step.total for step in progress} == {2 * FEW}
    assert alike(last.pictures[4:], drawn(generator, latents[4:], None))


def test_kinds_and_people_share_a_call(registry: Registry) -> None:
    generator = backend(registry, CONSISTENCY)
    latents = generator.latents(2, 3)
    alone = {label: drawn(generator, latents, label) for label in ("volcano", "daisy")}
    assert not alike(alone["volcano"], alone["daisy"])
    together = generator._draw([SampleRequest(latents[:1], "daisy"), SampleRequest(latents, "volcano")])
    *_, (daisy, volcanoes) = together
    assert alike(daisy.pictures, alone["daisy"][:1])
    assert alike(volcanoes.pictures, alone["volcano"])
    with ThreadPoolExecutor(4) as students:
        asked = [students.submit(drawn, generator, latents, label) for label in ("volcano", "daisy") * 2]
        for label, answer in zip(("volcano", "daisy") * 2, asked, strict=True):
            assert alike(answer.result(), alone[label])


def test_stop_ends_the_work_at_the_next_step(registry: Registry) -> None:
    generator = backend(registry, DDPM)
    calls: list[int] = []
    network, generator._denoiser = generator._denoiser, Counting(generator._denoiser, calls)
    steps = generator.sample(SampleRequest(generator.latents(1, 0)))
    assert next(steps) == Progress("step", 1, FEW)
    steps.close()
    assert len(calls) <= 2
    generator._denoiser = network
    assert len(drawn(generator, generator.latents(1, 0), None)) == 1, "the weights serve the next request"


class Counting:
    """A network that writes down the number of pictures of each call, and has memory for `most` of them."""

    def __init__(self, denoiser: Any, calls: list[int], most: int = 100) -> None:
        self.device, self.shape = denoiser.device, denoiser.shape
        self._denoiser, self._calls, self._most = denoiser, calls, most

    def __call__(self, x: Tensor, time: Tensor, classes: Tensor | None) -> Tensor:
        self._calls.append(len(x))
        if len(x) > self._most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        answer: Tensor = self._denoiser(x, time, classes)
        return answer


def test_where_memory_runs_out_others_go_and_then_fewer_are_drawn_at_a_time(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unconditional_pipelines, "release_unused_memory", lambda: None)  # slow in so large a process
    calls: list[int] = []
    room_made: list[int] = []
    denoiser = Denoiser(folders[DDPM], CPU)
    removal = Ddim(diffusers.DDPMScheduler().config, FEW)

    def generator(most: int) -> NoiseGenerator:
        made = NoiseGenerator(Counting(denoiser, calls, most), removal, most=8)  # type: ignore[arg-type]
        made.make_room = lambda: room_made.append(len(calls))
        return made

    latents = generator(2).latents(4, 0)
    *progress, last = generator(2).sample(SampleRequest(latents))
    assert calls == [4, 4, *[2] * FEW * 2]
    assert room_made == [1], "before anything else, and once"
    assert progress[-1] == Progress("step", FEW * 2, FEW * 2)
    assert isinstance(last, Samples)
    assert alike(last.pictures, drawn(generator(4), latents, None))
    with pytest.raises(OutOfMemoryError, match="no memory left"):
        drawn(generator(0), latents, None)


def test_the_pictures_are_those_of_the_real_pipelines(registry: Registry, folders: dict[str, Path]) -> None:
    """Given the same noise: each draws it from a generator of its own."""

    def picture(model: str) -> Pixels:
        generator = backend(registry, model)
        return drawn(generator, generator.latents(1, 5), label_of(model))

    noise = torch.Generator().manual_seed(5)
    unet = diffusers.UNet2DModel.from_pretrained(folders[DDPM])
    real = diffusers.DDIMPipeline(unet, diffusers.DDIMScheduler())
    real.set_progress_bar_config(disable=True)
    assert alike(picture(DDPM), np.stack(real(generator=noise, num_inference_steps=FEW).images))

    real = diffusers.LDMPipeline.from_pretrained(folders[LDM])
    real.set_progress_bar_config(disable=True)
    real.vqvae.register_to_config(scaling_factor=1.0)
    assert alike(picture(LDM), np.stack(real(generator=noise.manual_seed(5), num_inference_steps=FEW).images))

    real = diffusers.ConsistencyModelPipeline.from_pretrained(folders[CONSISTENCY])
    real.set_progress_bar_config(disable=True)
    start = torch.randn(1, 3, 16, 16, generator=noise.manual_seed(5))
    volcano = real(
        class_labels=IMAGENET_CLASSES["volcano"],
        num_inference_steps=None,
        timesteps=[22, 0],
        latents=start,
        generator=noise.manual_seed(2**32 - 1),
    )
    assert alike(picture(CONSISTENCY), np.stack(volcano.images))


def test_probability_flow_solves_its_equation() -> None:
    """Where the score is known: data of N(mean, width) stay in their place of the distribution all the way."""
    mean, width = 0.4, 0.25

    def score(x: Tensor, sigma: Tensor, classes: Tensor | None) -> Tensor:
        return (mean - x) / (width**2 + sigma**2)

    noise = torch.linspace(-2, 2, 9).reshape(9, 1, 1, 1)
    *_, found = ProbabilityFlow(0.01, 348.0, steps=50).states(score, noise, None)
    assert torch.allclose(found, mean + width * noise, atol=0.005)


def test_only_what_may_be_rounded_is(folders: dict[str, Path]) -> None:
    """On a card that computes in bfloat16."""
    card = replace(CPU, precision="bfloat16")
    for spec in HUB_IMAGE_GENERATION:
        generator = getattr(unconditional_pipelines, spec.loader.partition(":")[2])(folders[spec.id], card)
        network = generator._denoiser._unet
        assert network.dtype == (torch.float32 if spec.id == SCORE_SDE else torch.bfloat16)
        classes = torch.tensor([1]) if generator.labels else None
        state = generator._denoiser(torch.zeros(1, *generator._denoiser.shape), torch.tensor(1.0), classes)
        assert state.dtype == torch.float32


def test_pickled_weights_run_no_code(tmp_path: Path, folders: dict[str, Path]) -> None:
    for name in ("config.json", "scheduler_config.json"):
        shutil.copy(folders[SCORE_SDE] / name, tmp_path)
    torch.save({"conv_in.weight": Evil(tmp_path / "run")}, tmp_path / "diffusion_pytorch_model.bin")
    with pytest.raises(Exception, match="diffusion_pytorch_model"):
        load_score_sde(tmp_path, CPU)
    assert not (tmp_path / "run").exists()


def test_a_walk_keeps_the_length_of_the_noise() -> None:
    start, end = np.random.default_rng(0).standard_normal((2, 196_608), np.float32)
    lengths = np.linalg.norm(walk(start, end, 9), axis=1)
    assert np.abs(lengths / np.sqrt(196_608) - 1).max() < 0.01


def test_without_a_card_the_default_stays() -> None:
    small = Registry(CATALOG, store=WeightStore(Path("nowhere")), devices=(CPU,))
    choice = small.choose(Task.IMAGE_GENERATION)
    assert choice.spec is not None
    assert choice.spec.id == "dcgan-faces"
    assert {choice.reasons[model] for model in MODELS} == {"needs CUDA"}
    best, *others = (spec.id for spec in small.for_task(Task.IMAGE_GENERATION))
    assert best == LDM
    assert set(others[:3]) == {DDPM, CONSISTENCY, SCORE_SDE}


def test_the_lists_beside_the_specs_know_them(registry: Registry) -> None:
    assert set(MODELS) <= set(FULL_LENGTH)
    assert {model: backend(registry, model).labels for model in MODELS} == {
        model: LABELS.get(model, ()) for model in MODELS
    }


def test_a_card_on_loan_is_asked_for_by_the_amount_of_noise() -> None:
    def asked(count: int, size: int) -> int:
        return gpu_seconds(SampleRequest(np.zeros((count, size), np.float32)))

    assert asked(16, 12_288) == 10
    assert asked(16, 196_608) == 24
    assert asked(36, 196_608) == 44


@pytest.fixture(scope="module")
def small(registry: Registry, services: Services) -> Services:
    """These models beside those that the tab cannot do without."""
    registry.add(*(spec for spec in services.registry if spec.id not in registry))
    return Services(registry, read_settings(["--port", "0"]))


@pytest.fixture(scope="module")
def address(small: Services) -> Iterator[str]:
    """The tab."""
    with gr.Blocks() as page:
        image_generation.build(small)
    _, url, _ = page.queue().launch(prevent_thread_lock=True, quiet=True)
    yield url
    page.close()


def test_a_walk_begins_at_the_sample(small: Services) -> None:
    asked = Asked(DDPM, 3, 4, None, 1.0)
    *_, film = draw_walk(small, asked, 0, 2)
    assert isinstance(film, Drawn)
    assert film.pictures.shape == (17, 16, 16, 3)
    generator = backend(small.registry, DDPM)
    samples = drawn(generator, generator.latents(3, 4), None)
    assert alike(film.pictures[0], samples[0])
    assert alike(film.pictures[-1], samples[2])


def test_endpoint_passes_seed_kind_and_model(address: str) -> None:
    client = Client(address, verbose=False)
    for model in MODELS:
        path, facts = client.predict(2, 7, model, api_name="/generate_images")
        assert Image.open(path).size == (2 * SIDES[model], SIDES[model])
        assert (facts["model"], facts["seed"], facts["side"]) == (model, 7, SIDES[model])
        assert facts["label"] == ("giant panda" if model == CONSISTENCY else None)
    path, facts = client.predict(1, 7, CONSISTENCY, "daisy", api_name="/generate_images")
    assert facts["label"] == "daisy"
    for arguments, sentence in (
        ((1, 0, CONSISTENCY, "platypus"), "flamingo, king penguin"),
        ((1, 0, DDPM, "", 0.5), "full strength alone"),
    ):
        with pytest.raises(Exception, match=sentence):
            client.predict(*arguments, api_name="/generate_images")


def test_student_picks_such_a_model_and_draws(address: str, page: Page) -> None:
    page.goto(address)
    page.get_by_label("Model", exact=True).first.select_option(CONSISTENCY)
    expect(page.get_by_label("Kind").locator("visible=true")).to_have_value("giant panda")
    expect(page.get_by_label("number input for Truncation ψ")).to_be_disabled()
    page.get_by_role("button", name="Draw", exact=True).click()
    status = page.locator(".block.status-line:visible").first
    expect(status).to_contain_text("16 pictures in")
    expect(page.locator(".block.model-strip:visible")).to_contain_text("Consistency model (ImageNet)")
    view = page.locator(".block.sample-view:visible")
    expect(view.get_by_role("button", name="Enlarge")).to_be_visible()
    page.get_by_label("Model", exact=True).first.select_option(DDPM)
    page.get_by_role("button", name="Draw", exact=True).click()
    expect(page.locator(".block.model-strip:visible")).to_contain_text("DDPM (cats)")
    view.locator(".sample").nth(2).click()
    view.locator(".sample").nth(9).click()
    expect(status).to_contain_text("17 pictures in")
    expect(view.get_by_role("slider")).to_be_enabled()
