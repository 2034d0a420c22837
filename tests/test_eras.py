"""The eras side by side and the plot of the next token: toy models, then real weights in a browser. About 15 s."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from demos.distribution import KNOWN, asked, grouped, next_tokens
from demos.eras import CHARACTERS, ERAS, bits_per_character, continue_in_every_era, era_request
from demos.language import PAGE
from demos.output_filter import MARK
from demos.recorded import load
from demos.services import Services
from models.devices import Device
from models.errors import BadInputError
from models.registry import Registry
from models.store import WeightStore
from models.tasks import Candidate, Task, TextRequest, Token
from models.token_sampling import reshaped
from tests import browser
from tests.toy_models import toy_spec

OWN = "the cat sat on the mat and the dog sat on the cat. " * 4


class Parrot:
    """Repeats a coarse word in two tokens, for ever."""

    closed = 0

    def generate(self, request: TextRequest) -> Iterator[Token]:
        try:
            for number in range(request.max_new_tokens):
                raw = (b" sh", b"it")[number % 2]
                yield Token(number % 2, raw, 0.5, (Candidate(number % 2, raw, 0.5), Candidate(5, b" so", 0.25)))
        finally:
            Parrot.closed += 1


def load_parrot(files: Path, device: Device) -> Parrot:
    return Parrot()


@pytest.fixture
def parrots(tmp_path: Path, services: Services) -> Services:
    spec = toy_spec("smollm2-135m", tasks=(Task.LANGUAGE,), loader="tests.test_eras:load_parrot")
    device = Device("cpu", "test processor", 8_000_000_000, "float32", 2)
    return replace(services, registry=Registry([spec], store=WeightStore(tmp_path), devices=(device,)))


def columns(services: Services, own: str, order: int = 2, temperature: float = 0.8) -> list[list[dict[str, Any]]]:
    request = era_request("The cat", temperature, 1, 0, 3)
    lines = "".join(new for _, new in continue_in_every_era(services, request, order, own))
    head, *others = [json.loads(line) for line in lines.splitlines()]
    assert head["prompt"] == "The cat"
    assert len(head["eras"]) == len(ERAS)
    return [[line for line in others if line["era"] == number] for number in range(len(ERAS))]


def test_every_era_has_its_column_and_who_cannot_run_says_why(parrots: Services) -> None:
    markov, lstm, parrot, qwen = columns(parrots, OWN)
    facts = " ".join(markov[-1]["facts"])
    assert "learnt your text: 56 words and marks, 9 different" in facts
    assert "bits per character" in facts
    assert "are copied from there" in facts
    assert {line["token"][1].strip() for line in markov[:-1]} <= {*OWN.split(), "cat", "."}
    assert [list(line) for line in (*lstm, *qwen)] == [["era", "problem"]] * 2
    assert len(parrot) - 1 == math.ceil(CHARACTERS / 2.5), "it never ends, so it is stopped"
    assert "per second" in parrot[-1]["facts"][0]


def test_a_higher_order_copies_more(parrots: Services) -> None:
    varied = " ".join(f"the {animal} sees the {other}." for animal in "abcdefgh" for other in "hgfedcba")
    shares = [columns(parrots, varied, order, temperature=1)[0][-1]["facts"][-1] for order in (1, 5)]
    low, high = (int(facts.partition("%")[0]) for facts in shares)
    assert low < high


@pytest.mark.parametrize("own", ["cat", "a" * 200_001])
def test_a_text_that_cannot_be_learnt_gets_a_sentence(parrots: Services, own: str) -> None:
    markov, *_ = columns(parrots, own)
    assert "words to learn from" in markov[0]["problem"] or "the limit is 200,000" in markov[0]["problem"]


def test_stopping_frees_the_model(parrots: Services) -> None:
    steps = continue_in_every_era(parrots, era_request("The cat", 1, 1, 0, 3), 2, OWN)
    next(new for _, new in steps if '"era":2,"token"' in new)
    before = Parrot.closed
    steps.close()
    assert Parrot.closed == before + 1
    assert parrots.registry.unload("smollm2-135m"), "nobody holds it any more"


def test_the_hosts_filter_reaches_columns_and_plot(parrots: Services) -> None:
    filtered = replace(parrots, settings=replace(parrots.settings, filter=True))
    parrot = columns(filtered, OWN)[2]
    assert {line["token"][1].encode("latin-1").decode() for line in parrot[:-1]} >= {f" {MARK}"}
    assert "filtered by the host" in parrot[-1]["facts"][0]
    assert "it" not in {line["token"][1] for line in parrot[:-1]}
    plot = json.loads(next_tokens(filtered, TextRequest("Oh sh", forced=(1,)), "smollm2-135m", before=" sh"))
    assert plot["tokens"][0][1] == " sh", "no word yet"


def test_bits_per_character_count_characters() -> None:
    assert bits_per_character([Token(1, b"abcd", 0.25), Token(2, b"ef", 0.25)]) == pytest.approx(4 / 6)
    assert bits_per_character([Token(1, b"ab", 0.0)]) == pytest.approx(math.log2(1e9) / 2)


# The distribution


def zipf(count: int) -> list[float]:
    shares = 1 / np.arange(1, count + 1) ** 1.2
    return list(shares / shares.sum())


def test_groups_hold_every_token_and_all_the_probability() -> None:
    for count in (3, 200, 999):
        groups = grouped(zipf(count))
        assert sum(number for _, number in groups) == count
        assert sum(share * number for share, number in groups) == pytest.approx(1, rel=1e-3)
    groups = grouped(zipf(50_000)[:KNOWN])
    assert sum(number for _, number in groups) == 50_000
    assert sum(share * number for share, number in groups) == pytest.approx(1, rel=1e-3)
    assert [share for share, _ in groups] == sorted((share for share, _ in groups), reverse=True)


def test_the_estimated_tail_is_close_where_only_the_beginning_is_known() -> None:
    whole = np.array(zipf(50_000))
    estimated = grouped(list(whole[:KNOWN]))
    for temperature in (0.5, 1.5, 2):
        exact = (whole ** (1 / temperature)).sum()
        about = sum(number * share ** (1 / temperature) for share, number in estimated)
        assert about == pytest.approx(exact, rel=0.05)


def test_a_model_that_would_end_its_text_is_asked_again(parrots: Services) -> None:
    class Ending(Parrot):
        def generate(self, request: TextRequest) -> Iterator[Token]:
            return iter(()) if request.temperature == 0 else super().generate(request)

    class Silent(Parrot):
        def generate(self, request: TextRequest) -> Iterator[Token]:
            return iter(())

    assert asked(Ending(), TextRequest("Hi")).raw == b" sh"
    with pytest.raises(BadInputError, match="would end its text here"):
        asked(Silent(), TextRequest("Hi"))


# In a browser, on real weights


def move(page: Page, slider: int, value: float) -> None:
    page.locator(".sampling-sliders input").nth(slider).evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }", value
    )


def shown(page: Page) -> list[float]:
    """The shares after, as the plot says them; 0 for what is cut."""
    words = page.locator(".sampling-bars li:not(.others) .is").all_inner_texts()
    return [0.0 if word.endswith("cut") else float(word.strip("→ <%")) / 100 for word in words]


def test_the_plot_agrees_with_the_sampler_and_its_sliders_are_the_tabs(page: Page, gallery: str) -> None:
    browser.open_tab(page, gallery, PAGE)
    expect(page.locator(".sampling-bars li")).to_have_count(13)
    recorded = json.loads(Path(load(PAGE.slug).file("next_tokens.json")).read_text(encoding="utf-8"))
    # With top-k the tail has no part: the groups up to there are single tokens.
    singles = np.array([share for share, count in recorded["groups"] if count == 1][:200])
    for temperature, top_k, top_p in ((0.5, 40, 0.95), (2, 100, 1), (1, 5, 0.5), (0, 40, 0.95)):
        for slider, value in enumerate((temperature, top_k, top_p)):
            move(page, slider, value)
        request = TextRequest("x", temperature=temperature, top_k=top_k, top_p=top_p)
        expected = reshaped(singles / singles.sum(), request)[:12]
        for seen, wanted in zip(shown(page), expected, strict=True):
            assert seen == pytest.approx(wanted, abs=0.006 if wanted > 0.1 else 0.0006)
    expect(page.locator(".sampling-words")).to_contain_text("no chance is left")
    expect(page.get_by_label("number input for Temperature", exact=False).first).to_have_value("0")
    page.get_by_label("number input for Temperature", exact=False).first.fill("1.3")
    page.keyboard.press("Tab")
    expect(page.locator(".sampling-sliders .number").first).to_have_text("1.3")


def test_the_plot_follows_the_token_that_is_looked_at(page: Page, gallery: str) -> None:
    browser.open_tab(page, gallery, PAGE)
    place = page.locator(".token-text .token[data-index='3']")
    before = page.locator(".token-text .token[data-index='2']").inner_text()
    place.click()
    expect(page.locator(".sampling-context")).to_contain_text(f"{before} the next token is")
    first = page.locator(".alternative .word").first.inner_text()
    expect(page.locator(".sampling-bars .word").first).to_have_text(first)


def test_four_eras_continue_one_prompt_and_can_be_stopped(page: Page, gallery: str) -> None:
    browser.open_tab(page, gallery, PAGE)
    card = page.locator(".eras-card")
    expect(card.locator(".era")).to_have_count(4)
    expect(card.locator(".eras-recorded")).to_contain_text("recorded")
    tops = {round(box["y"]) for era in card.locator(".era").all() if (box := era.bounding_box())}
    assert len(tops) == 1, "side by side"
    card.locator(".own-text .label-wrap").click()
    card.locator("textarea").fill(OWN)
    card.get_by_role("button", name="Write in every era").click()
    expect(card.locator(".status-line .status")).to_have_text("every era has written", timeout=120_000)
    expect(card.locator(".eras-recorded")).to_have_text("")
    expect(card.locator(".era-facts p", has_text="per second")).to_have_count(4)
    expect(card.locator(".era-facts").first).to_contain_text("learnt your text")
    second = card.locator(".era").nth(2).locator(".token[data-index='2']")
    second.click()
    expect(card.locator(".era").nth(2).locator(".era-panel .said .word")).to_contain_text(second.inner_text())
    card.get_by_role("button", name="Write in every era").click()
    expect(card.locator(".era").first.locator(".token").first).to_be_visible()
    card.locator(".stop-button").click()
    expect(card.locator(".status-line .status")).to_have_text("Stopped.")
    page.set_viewport_size({"width": 390, "height": 844})
    lefts = {round(box["x"]) for era in card.locator(".era").all() if (box := era.bounding_box())}
    assert len(lefts) == 1, "below each other"
