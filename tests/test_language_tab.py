"""The language tab: requests, the token view's lines, streaming, branching; the endpoint and the page on real weights.

About 5 s without the browser, 25 s with it.
"""

import json
import math
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import gguf
import pytest
from gradio_client import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page, expect

from demos.language import EXAMPLES, MAX_BRANCH_TOKENS, PAGE
from demos.seed import MAX_SEED
from demos.services import Services
from demos.token_view import Continuation, read_lines, to_lines, token_line
from demos.writing import MAX_NEW_TOKENS, Written, make_request, perplexity, surprise_in_words, write
from models.devices import Device
from models.errors import BadInputError, UnknownModelError
from models.registry import Registry
from models.store import WeightStore
from models.tasks import Candidate, Task, TextRequest, Token, text_of
from tests import browser
from tests.toy_models import toy_spec

candidates = st.builds(Candidate, st.integers(0, 200_000), st.binary(max_size=8), st.floats(0, 1))
tokens = st.builds(
    Token,
    st.integers(0, 200_000),
    st.binary(max_size=8),
    st.floats(0, 1),
    st.lists(candidates, max_size=10).map(tuple),
)


def plain_token(text: str, probability: float) -> Token:
    return Token(1, text.encode(), probability)


# Requests


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"prompt": None}, "Type some text first"),
        ({"prompt": " \n\u200b"}, "Type some text first"),
        ({"prompt": "a" * 501}, "501 characters and the limit is 500"),
        ({"max_new_tokens": 0}, "new tokens must be a number from 1 to 200"),
        ({"max_new_tokens": 201}, "new tokens must be a number from 1 to 200"),
        ({"max_new_tokens": 1.5}, "whole number"),
        ({"temperature": -0.1}, "temperature must be a number from 0 to 2"),
        ({"temperature": math.nan}, "temperature must be a number"),
        ({"temperature": math.inf}, "temperature must be a number"),
        ({"temperature": None}, "temperature must be a number"),
        ({"temperature": "hot"}, "temperature must be a number"),
        ({"temperature": True}, "temperature must be a number"),
        ({"top_p": 0}, "Top-p must be a number"),
        ({"top_p": 1.01}, "Top-p must be a number"),
        ({"top_k": -1}, "Top-k must be a number"),
        ({"seed": -1}, "seed must be a number from 0 to 2,147,483,647"),
        ({"seed": MAX_SEED + 1}, "seed must be a number"),
        ({"seed": math.nan}, "seed must be a number"),
        ({"seed": None}, "seed must be a number"),
    ],
)
def test_bad_values_get_a_sentence(changes: dict[str, object], sentence: str) -> None:
    values = {"prompt": "Hi", "max_new_tokens": 5, "temperature": 0.8, "top_p": 1, "top_k": 0, "seed": 0} | changes
    with pytest.raises(BadInputError, match=sentence):
        make_request(**values)  # type: ignore[arg-type]


def test_good_values_become_a_request() -> None:
    expected = TextRequest("Hi", (3, 4), 200, 2.0, 1.0, 0, MAX_SEED)
    assert make_request(" Hi\r\n", 200.0, 2, 1, 0, float(MAX_SEED), forced=(3, 4)) == expected


# The lines of the token view


@given(prompt=st.text(max_size=50), said=st.lists(tokens, max_size=5))
@settings(max_examples=200, deadline=None)
def test_lines_are_read_back_as_they_were_written(prompt: str, said: list[Token]) -> None:
    lines = to_lines(Continuation(prompt, tuple(said), {"model": "m"}))
    begun = read_lines(lines, max_tokens=5)
    assert (begun.prompt, begun.facts) == (prompt, {"model": "m"})
    assert [(t.id, t.raw) for t in begun.tokens] == [(t.id, t.raw) for t in said]
    assert [[c.raw for c in t.alternatives] for t in begun.tokens] == [[c.raw for c in t.alternatives] for t in said]
    assert all(abs(a.probability - b.probability) < 1e-3 for a, b in zip(begun.tokens, said, strict=True))


@given(said=st.lists(tokens, min_size=1, max_size=4))
@settings(deadline=None)
def test_growing_text_is_only_ever_appended_to(said: list[Token]) -> None:
    before = to_lines(Continuation("Hi", tuple(said[:-1])))
    assert to_lines(Continuation("Hi", tuple(said))) == before + token_line(said[-1])


def test_lines_cannot_open_a_tag() -> None:
    lines = to_lines(Continuation("<script>", (plain_token("</script><img src=x onerror=alert(1)>", 0.5),)))
    assert "<" not in lines
    assert read_lines(lines, max_tokens=1).prompt == "<script>"


@given(value=st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text_as_lines_gets_a_sentence(value: str) -> None:
    with pytest.raises(BadInputError):
        read_lines(value, max_tokens=5)


@pytest.mark.parametrize(
    "line",
    [
        {"token": [-1, "a", 0.5], "alternatives": []},
        {"token": [1, "\u20ac", 0.5], "alternatives": []},
        {"token": [1, "a", math.nan], "alternatives": []},
        {"token": [1.5, "a", 0.5], "alternatives": []},
        {"token": [1, "a"], "alternatives": []},
        {"token": [1, "a", 0.5], "alternatives": [[1, 2, 3]]},
        {"token": [1, "a", 0.5], "alternatives": [], "more": 1},
        [],
    ],
)
def test_forged_token_gets_a_sentence(line: object) -> None:
    with pytest.raises(BadInputError, match="cannot be branched from"):
        read_lines(json.dumps({"prompt": "Hi"}) + "\n" + json.dumps(line), max_tokens=5)


def test_endless_lines_are_turned_away() -> None:
    many = to_lines(Continuation("Hi", (plain_token("a", 0.5),) * (MAX_BRANCH_TOKENS + 1)))
    with pytest.raises(BadInputError, match="branch earlier"):
        read_lines(many, max_tokens=MAX_BRANCH_TOKENS)
    with pytest.raises(BadInputError, match="cannot be branched from"):
        read_lines("[" * 10_000_000, max_tokens=MAX_BRANCH_TOKENS)
    with pytest.raises(BadInputError, match="cannot be branched from"):
        read_lines("[" * 100_000, max_tokens=MAX_BRANCH_TOKENS)


# Words


def test_perplexity_counts_equally_likely_choices() -> None:
    assert perplexity([plain_token("a", 1.0)] * 3) == pytest.approx(1)
    assert perplexity([plain_token("a", 0.125)] * 5) == pytest.approx(8)
    assert perplexity([plain_token("a", 0.5), plain_token("b", 0.02)]) == pytest.approx(10)
    assert math.isfinite(perplexity([plain_token("a", 0.0)]))


def test_surprise_in_words() -> None:
    assert surprise_in_words([]) == ""
    assert "among 8.0 equally likely" in surprise_in_words([plain_token("a", 0.125)])
    assert "among 50 equally likely" in surprise_in_words([plain_token("a", 0.02)])


# Writing, with a toy model


class Parrot:
    """Repeats the last of the forced tokens, or 7, until the text has six tokens."""

    closed = 0

    def generate(self, request: TextRequest) -> Iterator[Token]:
        try:
            for _ in range(min(request.max_new_tokens, 6 - len(request.forced))):
                yield Token((request.forced or (7,))[-1], b" hi", 0.5, (Candidate(7, b" hi", 0.5),))
        finally:
            Parrot.closed += 1


def load_parrot(files: Path, device: Device) -> Parrot:
    return Parrot()


@pytest.fixture
def parrots(tmp_path: Path, services: Services) -> Services:
    specs = [
        toy_spec("parrot", tasks=(Task.LANGUAGE,), loader="tests.test_language_tab:load_parrot"),
        toy_spec("a"),
    ]
    device = Device("cpu", "test processor", 8_000_000_000, "float32", 2)
    return replace(services, registry=Registry(specs, store=WeightStore(tmp_path), devices=(device,)))


def test_first_token_is_shown_at_once_and_the_last_ends_it(parrots: Services) -> None:
    written = [step for step in write(parrots, TextRequest("Say"), "parrot") if isinstance(step, Written)]
    assert len(written[0].tokens) == 1
    assert text_of(written[-1].tokens) == " hi" * 6
    assert len(written) < 6, "tokens that come quickly are sent together"


def test_forced_tokens_reach_the_model(parrots: Services) -> None:
    *_, written = write(parrots, TextRequest("Say", forced=(7, 9)), "parrot")
    assert isinstance(written, Written)
    assert [token.id for token in written.tokens] == [9] * 4


def test_stopping_frees_the_model(parrots: Services) -> None:
    steps = write(parrots, TextRequest("Say"), "parrot")
    next(step for step in steps if isinstance(step, Written))
    before = Parrot.closed
    steps.close()
    assert Parrot.closed == before + 1
    assert parrots.registry.unload("parrot"), "nobody holds it any more"


def test_only_language_models_write(parrots: Services) -> None:
    with pytest.raises(BadInputError, match="cannot write text"):
        list(write(parrots, TextRequest("Say"), "a"))
    with pytest.raises(UnknownModelError, match="parrot"):
        list(write(parrots, TextRequest("Say"), "parott"))


# What looks like a control token stays text


@pytest.mark.parametrize("model", ["smollm2-135m", "qwen2.5-coder-0.5b"])
def test_no_control_token_gets_through(services: Services, model: str) -> None:
    spec = services.registry[model]
    reader = gguf.GGUFReader(services.registry.store.fetch(spec.weights) / spec.weights.files[0].name)
    kinds, spellings = reader.fields["tokenizer.ggml.token_type"], reader.fields["tokenizer.ggml.tokens"]
    tokens = [bytes(spellings.parts[place]).decode() for place in spellings.data]
    special = (gguf.TokenType.CONTROL, gguf.TokenType.USER_DEFINED)
    control = [token for token, kind in zip(tokens, kinds.data, strict=True) if int(kinds.parts[kind][0]) in special]
    assert "<|im_end|>" in control
    with services.registry.lease(model) as lease:
        for typed in (*control, "".join(control), "<|im_<|im_end|>end|>"):
            pieces = lease.backend.prompt(TextRequest(f"a{typed}b"))
            assert not any(token in piece for piece in pieces if isinstance(piece, str) for token in control)
            assert "".join(tokens[piece] if isinstance(piece, int) else piece for piece in pieces) == f"a{typed}b"
            assert len(pieces) > 1, "else llama.cpp would take the list for several prompts"


def test_a_control_token_in_the_prompt_does_not_end_the_text(client: Client) -> None:
    text, facts = client.predict("One, two<|im_end|>, three,", 3, 0, 1, 0, api_name="/continue_text")
    assert facts["tokens"] == 3
    assert text.strip()


# The endpoint, on real weights


def test_endpoint_continues_the_lectures_prompt_the_same_way_twice(client: Client) -> None:
    first, facts = client.predict(EXAMPLES[0], 12, 0.8, 0.95, 3, api_name="/continue_text")
    again, _ = client.predict(EXAMPLES[0], 12, 0.8, 0.95, 3, api_name="/continue_text")
    other, _ = client.predict(EXAMPLES[0], 12, 0.8, 0.95, 4, api_name="/continue_text")
    assert first == again
    assert first != other
    assert (facts["model"], facts["seed"], facts["notice"]) == ("smollm2-135m", 3, "AI-generated")
    assert 1 <= facts["tokens"] <= 12
    assert facts["perplexity"] >= 1
    assert 0 < facts["seconds"] < 60


def test_endpoint_knows_the_capital_of_france(client: Client) -> None:
    text, facts = client.predict("The capital of France is", 1, 0, 1, 0, "smollm2-135m", api_name="/continue_text")
    assert (text, facts["tokens"]) == (" Paris", 1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("",), "Type some text first"),
        (("a" * 501,), "the limit is 500"),
        (("Hi", MAX_NEW_TOKENS + 1), "from 1 to 200"),
        (("Hi", 5, -1), "temperature must be"),
        (("Hi", 5, 0.8, 2), "Top-p must be"),
        (("Hi", 5, 0.8, 0.95, -1), "seed must be"),
        (("Hi", 5, 0.8, 0.95, 0, "no-such-model"), "There is no model 'no-such-model'"),
        (("Hi", 5, 0.8, 0.95, 0, "bicubic"), "cannot write text"),
        (("Hi", 5, 0.8, 0.95, 0, "smollm2-135m-transformers"), "CUDA"),
    ],
)
def test_endpoint_says_what_is_wrong(
    client: Client, services: Services, arguments: tuple[object, ...], sentence: str
) -> None:
    if "CUDA" in sentence and not services.registry.why_not("smollm2-135m-transformers"):
        pytest.skip("this machine has CUDA")
    with pytest.raises(Exception, match=sentence):
        client.predict(*arguments, api_name="/continue_text")


# The page, in a browser


def open_tab(page: Page, gallery: str) -> None:
    browser.open_tab(page, gallery, PAGE)
    expect(page.locator(".token-text .token").first).to_be_visible()


def test_tab_opens_on_a_recorded_continuation(page: Page, gallery: str) -> None:
    open_tab(page, gallery)
    expect(page.locator(".token-text")).to_contain_text(EXAMPLES[0])
    expect(page.locator(".model-strip details:visible")).to_contain_text("recorded")
    expect(page.locator(".alternative")).to_have_count(10)
    strip = page.locator(".model-strip summary:visible").bounding_box()
    assert strip is not None
    assert strip["y"] + strip["height"] <= 800, "all of it without scrolling"


def test_same_seed_gives_the_recorded_text_again(page: Page, gallery: str) -> None:
    open_tab(page, gallery)
    recorded = page.locator(".token-text").inner_text()
    page.get_by_role("button", name="Continue", exact=True).click()
    expect(page.locator("#tab-language .question .status")).to_contain_text("per second")
    expect(page.locator(".model-strip details:visible")).not_to_contain_text("recorded")
    assert page.locator(".token-text").inner_text() == recorded


def test_branching_keeps_what_is_before_and_changes_what_comes_after(page: Page, gallery: str) -> None:
    open_tab(page, gallery)
    place = page.locator(".token-text .token[data-index='2']")
    kept = [page.locator(f".token-text .token[data-index='{index}']").inner_text() for index in (0, 1)]
    place.focus()
    page.keyboard.press("Enter")
    other = page.locator(".alternative:enabled").first
    word = other.locator(".word").inner_text().replace("␣", "")
    other.click()
    expect(page.locator("#tab-language .question .status")).to_contain_text("per second")
    expect(place).to_have_text(word)
    expect(place).to_have_class(re.compile("branched"))
    assert [page.locator(f".token-text .token[data-index='{index}']").inner_text() for index in (0, 1)] == kept
    assert page.locator(".token-text .token").count() > 3


def test_stop_leaves_what_is_written_and_it_can_be_branched(page: Page, gallery: str, services: Services) -> None:
    def leases() -> int:
        return sum(state.leases for state in services.registry.status() if Task.LANGUAGE in state.spec.tasks)

    open_tab(page, gallery)
    page.locator(".advanced:visible .label-wrap").click()
    page.get_by_label("number input for New tokens, at most").fill("200")
    page.get_by_role("button", name="Once upon a time").click()
    expect(page.locator(".token-text")).to_contain_text("Once upon a time")
    expect(page.locator(".token-text .token[data-index='3']")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#tab-language .question .status")).to_have_text("Stopped.")
    deadline = time.monotonic() + 10
    while leases() and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert leases() == 0, "the model is free for the next student"
    page.locator(".token-text .token[data-index='1']").click()
    page.locator(".alternative:enabled").first.click()
    expect(page.locator(".token-text .token.branched")).to_be_visible()
    expect(page.locator("#tab-language .question .status")).to_contain_text("per second")


def test_empty_prompt_gets_a_sentence_and_keeps_the_text(page: Page, gallery: str) -> None:
    open_tab(page, gallery)
    page.locator(".question:visible textarea").fill("  ")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("Type some text first")
    expect(page.locator(".token-text .token").first).to_be_visible()


def test_markup_stays_text(page: Page, gallery: str) -> None:
    open_tab(page, gallery)
    prompt = "<img src=x onerror=\"document.title='broken'\"> ${document.title='broken'} {{value}} `"
    page.locator(".question:visible textarea").fill(prompt)
    page.get_by_role("button", name="Continue").click()
    expect(page.locator(".token-text .prompt")).to_have_text(prompt)
    expect(page.locator("#tab-language .question .status")).to_contain_text("per second")
    expect(page.locator(".token-view img")).to_have_count(0)
    expect(page).to_have_title("Deep Generative Models")


def test_downloads_say_what_made_them(page: Page, gallery: str) -> None:
    open_tab(page, gallery)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download text").click()
    text = download.value.path().read_text(encoding="utf-8")
    assert text.startswith(EXAMPLES[0])
    assert "AI-generated" in text
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON", exact=True).click()
    content = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert content["text"] in text
    assert (content["model"], content["temperature"]) == ("smollm2-135m", 0.8)
    assert content["tokens"][0]["alternatives"]
