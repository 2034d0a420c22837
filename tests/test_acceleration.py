"""Which attention a card gets, and the compiled blocks of a denoiser (about 25 s)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import Flux2KleinPipeline, StableDiffusionPipeline, ZImagePipeline
from diffusers.models import attention_dispatch

from demos.services import make_services
from demos.settings import read_settings
from models.backends import acceleration
from models.backends.acceleration import NATIVE, attention_backend
from models.backends.pipelines import SharedPipeline, load_pipeline
from models.devices import Device, compiling
from tests.conftest import CPU
from tests.tiny_editing import write_tiny_flux2_klein
from tests.tiny_text_to_image import save_stable_diffusion, save_z_image

COMPILED = replace(CPU, compiled=True)
CARD = Device("cuda", "any card", 24_000_000_000, "bfloat16", 8)
LENT = replace(CARD, on_loan=True)
NO_CHECKER: dict[str, Any] = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}


@pytest.mark.parametrize(
    ("capability", "installed", "chosen"),
    [
        (None, ["flash_attn", "flash_attn_3"], NATIVE),  # no card
        ((7, 5), ["flash_attn", "flash_attn_3"], NATIVE),  # T4
        ((8, 0), ["flash_attn", "flash_attn_3"], "flash"),  # A100
        ((8, 9), ["flash_attn"], "flash"),  # L4, L40S
        ((8, 9), ["flash_attn_3"], NATIVE),
        ((9, 0), ["flash_attn", "flash_attn_3"], "_flash_3"),  # H100, H200
        ((9, 0), ["flash_attn"], "flash"),
        ((9, 0), [], NATIVE),
        ((12, 0), ["flash_attn", "flash_attn_3"], NATIVE),  # RTX Pro 6000
    ],
)
def test_attention_by_card_and_packages(capability: tuple[int, int] | None, installed: list[str], chosen: str) -> None:
    assert attention_backend(capability, installed) == chosen


def test_no_attention_is_ever_downloaded() -> None:
    chosen = {
        attention_backend((major, 0), packages)
        for major in range(20)
        for packages in ([], ["flash_attn"], ["flash_attn_3"], ["flash_attn", "flash_attn_3", "kernels"])
    }
    assert chosen == {NATIVE, "flash", "_flash_3"}
    assert not any(
        attention_dispatch.AttentionBackendName(name) in attention_dispatch._HUB_KERNELS_REGISTRY for name in chosen
    )


@pytest.fixture(scope="module")
def klein(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("klein")
    write_tiny_flux2_klein(folder)
    return folder


@pytest.fixture(scope="module")
def diffusion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stable-diffusion")
    save_stable_diffusion(folder, distilled=True)
    return folder


def attentions_of(network: Any) -> set[Any]:
    return {module.processor._attention_backend for module in network.modules() if hasattr(module, "processor")}


def test_another_attention_is_for_that_network_alone(klein: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceleration, "_capability", lambda device: (9, 0))
    monkeypatch.setattr(acceleration, "_installed", lambda: ["flash_attn_3"])
    monkeypatch.setattr(attention_dispatch, "_CAN_USE_FLASH_ATTN_3", True)
    shared = load_pipeline(Flux2KleinPipeline, klein, CPU)
    assert attentions_of(shared.pipeline.transformer) == {"_flash_3"}
    assert attention_dispatch._AttentionBackendRegistry._active_backend == NATIVE


def test_a_package_that_does_not_load_leaves_everything_as_it_was(
    klein: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(acceleration, "_capability", lambda device: (8, 0))
    monkeypatch.setattr(acceleration, "_installed", lambda: ["flash_attn"])
    shared = load_pipeline(Flux2KleinPipeline, klein, CPU)
    assert attentions_of(shared.pipeline.transformer) == {None}
    assert "PyTorch's own" in caplog.text


def test_a_card_is_compiled_for_unless_it_is_lent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [device.compiled for device in compiling((CARD, LENT, CPU))] == [True, False, False]
    monkeypatch.setattr("demos.services.available_devices", lambda: (CARD, CPU))
    where = ["--cache", str(tmp_path)]
    for arguments, environment, compiled in (
        (where, {}, False),
        (where, {"GALLERY_COMPILE": "1"}, True),
        (where, {"GALLERY_COMPILE": "0"}, False),
        ([*where, "--compile"], {}, True),
    ):
        registry = make_services(read_settings(arguments, environment)).registry
        assert registry.devices == (replace(CARD, compiled=compiled), CPU)


def drawn(shared: SharedPipeline, count: int = 1, side: int = 64, prompts: Sequence[str] = ()) -> np.ndarray[Any, Any]:
    def arguments(part: slice) -> dict[str, Any]:
        seeds = range(count)[part]
        return {
            "prompt": list(prompts[part]) or ["a cat"] * len(seeds),
            "height": side,
            "width": side,
            "num_inference_steps": 2,
            "guidance_scale": 1.0,
            "generator": [shared.seeded(seed) for seed in seeds],
        }

    *_, images = shared.run(type(shared.pipeline), count, arguments)
    return np.stack([np.asarray(image) for image in images]).astype(int)


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What the compiler was given: in its place, here, something that runs it as it is."""
    given: list[Any] = []

    def compiler(graph: Any, inputs: Any) -> Any:
        given.append(graph)
        return graph.forward

    torch._dynamo.reset()
    monkeypatch.setattr(acceleration, "COMPILER", compiler)
    yield given
    torch._dynamo.reset()


def test_a_compiled_transformer_draws_the_same(klein: Path, graphs: list[Any]) -> None:
    plain = drawn(load_pipeline(Flux2KleinPipeline, klein, CPU), 2)
    assert not graphs
    compiled = load_pipeline(Flux2KleinPipeline, klein, COMPILED)
    assert np.abs(drawn(compiled, 2) - plain).max() <= 1
    assert len(graphs) == len(type(compiled.pipeline.transformer)._repeated_blocks), "one for each kind of block"


def test_a_compiled_u_net_draws_the_same(diffusion: Path, graphs: list[Any]) -> None:
    def load(device: Device) -> SharedPipeline:
        return load_pipeline(StableDiffusionPipeline, diffusion, device, variant="fp16", **NO_CHECKER)

    plain = drawn(load(CPU), 2)
    compiled = load(COMPILED)
    assert np.abs(drawn(compiled, 2) - plain).max() <= 1
    assert graphs


def test_shapes_cost_few_versions_though_more_than_pytorch_allows_by_itself(tmp_path: Path, graphs: list[Any]) -> None:
    save_z_image(tmp_path)
    plain, compiled = (load_pipeline(ZImagePipeline, tmp_path, device) for device in (CPU, COMPILED))
    long = "a cat that looks at a dog, which looks at a horse, which looks at a cat on a roof in the rain"
    for side, prompts in ((64, ["a"]), (64, ["a", "b"]), (64, ["a", long]), (96, ["b", "a"]), (96, [long])):
        drawings = [drawn(shared, len(prompts), side, prompts) for shared in (plain, compiled)]
        assert np.abs(drawings[0] - drawings[1]).max() <= 1
    known = len(graphs)
    assert known > torch._dynamo.config.recompile_limit
    for side, prompts in ((80, ["b"]), (112, ["a", "b", long])):
        drawn(compiled, len(prompts), side, prompts)
    assert len(graphs) == known, "further sizes and numbers of pictures cost nothing"
