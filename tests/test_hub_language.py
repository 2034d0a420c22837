"""The language models of the hub, end to end: tiny ones of the real classes, fetched from the stand-in hub by the specs
of the catalog, run through the registry and through the endpoints of the three tabs."""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import torch
from gradio_client import Client
from playwright.sync_api import Page, expect
from transformers import AutoModelForCausalLM

from demos import code_completion, language, translation
from demos.services import Services
from demos.settings import read_settings
from models.fill_in_middle import CodeRequest
from models.registry import Registry
from models.specs.hub_language import HUB_LANGUAGE, ONLY_DIRECTION
from models.tasks import TextRequest, Token, text_of
from tests.tiny_hub import tiny_registry, written
from tests.tiny_language import POSITIONS, write_tiny_gpt2, write_tiny_qwen2, write_tiny_qwen3
from tests.tiny_marian import write_tiny_marian

QWEN3, GPT2, CODER_7B, CODER_1B, OPUS_ZH_EN, OPUS_EN_ZH = (spec.id for spec in HUB_LANGUAGE)
WRITERS: dict[str, Callable[[Path], None]] = {
    QWEN3: write_tiny_qwen3,
    GPT2: write_tiny_gpt2,
    CODER_7B: write_tiny_qwen2,
    CODER_1B: partial(write_tiny_qwen2, seed=1),
    OPUS_ZH_EN: write_tiny_marian,
    OPUS_EN_ZH: partial(write_tiny_marian, direction=("en", "zh")),
}
DECODERS = (QWEN3, GPT2, CODER_7B)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """The real specs, allowed wherever tests run because their weights are tiny here."""
    folders = written(WRITERS, tmp_path_factory, pickled="pytorch_model.bin")
    with tiny_registry(HUB_LANGUAGE, folders, tmp_path_factory) as (registry, hub):
        yield registry
        assert not hub.downloads("pytorch_model.bin")


def said(registry: Registry, model: str, request: TextRequest) -> list[Token]:
    with registry.lease(model) as lease:
        return list(lease.backend.generate(request))


@pytest.mark.parametrize("model", DECODERS)
def test_it_says_what_transformers_says(registry: Registry, model: str) -> None:
    tokens = said(registry, model, TextRequest("A lecture", max_new_tokens=20, temperature=0))
    files = registry.store.fetch(registry[model].weights)
    network: Any = AutoModelForCausalLM.from_pretrained(files, local_files_only=True).requires_grad_(False)
    with registry.lease(model) as lease:
        prompt = lease.backend._read(TextRequest("A lecture"))
    ids = torch.tensor([prompt])
    for token in tokens:
        probabilities = network(ids).logits[0, -1].softmax(-1)
        assert int(probabilities.argmax()) == token.id
        assert token.probability == pytest.approx(float(probabilities[token.id]), rel=1e-3)
        ids = torch.cat([ids, torch.tensor([[token.id]])], 1)
    assert all(token.raw for token in tokens)


@pytest.mark.parametrize("model", DECODERS)
def test_texts_of_different_length_grow_together_as_they_do_alone(registry: Registry, model: str) -> None:
    # Some longer than a portion, so that they are read while others grow.
    requests = [TextRequest("lecture " * (1 + 7 * (seed % 6)), max_new_tokens=20, seed=seed) for seed in range(20)]
    with registry.lease(model) as lease:
        alone = [list(lease.backend.generate(request)) for request in requests]
        with ThreadPoolExecutor(20) as pool:
            together = list(pool.map(lambda request: list(lease.backend.generate(request)), requests))
    assert [[token.id for token in tokens] for tokens in together] == [
        [token.id for token in tokens] for tokens in alone
    ]
    for ours, theirs in zip(together, alone, strict=True):
        for our, their in zip(ours, theirs, strict=True):
            assert math.isclose(our.probability, their.probability, rel_tol=1e-3, abs_tol=1e-6)
    assert len({text_of(tokens) for tokens in alone}) == 20


def test_code_around_a_gap_is_read(registry: Registry) -> None:
    request = CodeRequest("def f(x):", max_new_tokens=12, temperature=0, suffix="    return x")
    texts = [text_of(said(registry, CODER_7B, replace(request, suffix=suffix))) for suffix in ("", " a", " b")]
    assert len(set(texts)) == 3


@pytest.fixture(scope="module")
def address(registry: Registry, services: Services) -> Iterator[str]:
    """The three tabs, with these models beside the small ones that the tabs cannot do without."""
    registry.add(*(spec for spec in services.registry if spec.id not in registry))
    small = Services(registry, read_settings(["--port", "0"]))
    with gr.Blocks() as page:
        for demo in (translation, language, code_completion):
            with gr.Tab(demo.PAGE.title):
                demo.build(small)
    _, url, _ = page.queue().launch(prevent_thread_lock=True, quiet=True)
    yield url
    page.close()


def test_endpoints_pass_seed_and_model(address: str) -> None:
    client = Client(address, verbose=False)
    for model in (QWEN3, GPT2):
        text, facts = client.predict("A lecture", 12, 0.9, 0.95, 7, model, api_name="/continue_text")
        assert (facts["model"], facts["seed"], facts["tokens"]) == (model, 7, 12)
        again, _ = client.predict("A lecture", 12, 0.9, 0.95, 7, model, api_name="/continue_text")
        other, _ = client.predict("A lecture", 12, 0.9, 0.95, 8, model, api_name="/continue_text")
        assert text == again != other
    for model in (CODER_7B, CODER_1B):
        _, facts = client.predict("def f(x):", "    return x", 12, 0.8, 3, model, api_name="/complete_code")
        assert (facts["model"], facts["seed"]) == (model, 3)
    _, facts = client.predict("今天天气很好。", CODER_7B, api_name="/translate")
    assert facts["model"] == CODER_7B
    _, facts = client.predict("今天天气很好。", OPUS_ZH_EN, api_name="/translate")
    assert facts["model"] == OPUS_ZH_EN


def test_a_translator_of_one_direction_says_so(address: str, registry: Registry) -> None:
    client = Client(address, verbose=False)
    with pytest.raises(Exception, match="from English to Chinese only; please choose that direction"):
        client.predict("今天天气很好。", OPUS_EN_ZH, api_name="/translate")
    for model, direction in ONLY_DIRECTION.items():
        with registry.lease(model) as lease:
            assert "-".join(lease.backend.direction) == direction


def test_the_way_back_is_left_out_where_there_is_none(address: str, page: Page) -> None:
    page.goto(address)
    page.locator(".advanced:visible").get_by_text("Advanced").click()
    page.get_by_label("Model", exact=True).locator("visible=true").select_option(OPUS_ZH_EN)
    page.get_by_role("button", name="Compare all three").click()
    expect(page.get_by_text("three translations in")).to_be_visible()
    table = page.locator(".comparison-card table")
    expect(table.locator("tr")).to_have_count(1 + 3)


def test_a_long_prompt_is_refused_with_its_length(registry: Registry) -> None:
    with pytest.raises(Exception, match=f"reads at most {POSITIONS}; please shorten it"):
        said(registry, GPT2, TextRequest("a" * 600))
