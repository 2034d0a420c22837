"""The host's filter: whole words, words split over tokens, what is held back, what stays; then all language tabs. About
10 s."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from gradio_client import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page, Request, expect

from demos import code_completion, language, translation
from demos.gallery import build_gallery, launch
from demos.output_filter import MARK, OutputFilter
from demos.services import Services
from models.catalog import CATALOG
from models.devices import Device
from models.registry import Registry
from models.tasks import Candidate, Task, TextRequest, Token, text_of
from tests import browser
from tests.served_gallery import free_port
from tests.toy_models import toy_spec

FILTER = OutputFilter(on=True)
ROOT = Path(__file__).parent.parent


def pieces(*texts: str) -> list[Token]:
    return [Token(number, text.encode(), 0.5, (Candidate(99, b" well", 0.1),)) for number, text in enumerate(texts)]


def shown(*texts: str, finished: bool = True, before: str = "") -> str:
    return text_of(FILTER.tokens(pieces(*texts), finished=finished, before=before))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("What a shit day", f"What a {MARK} day"),
        ("What a SHIT, day", f"What a {MARK}, day"),
        ("You bitches!", f"You {MARK}!"),
        ("absofuckinglutely so", f"{MARK} so"),
        ("Do not jerk off here", f"Do not {MARK} here"),
        ("他妈的!真热", f"{MARK}!真热"),
        ("a \N{REVERSED HAND WITH MIDDLE FINGER EXTENDED} b", f"a {MARK} b"),
        ("The class will assess the spices in Scunthorpe", "The class will assess the spices in Scunthorpe"),
        ("他妈妈的牛奶和靠背", "他妈妈的牛奶和靠背"),
        ("<|im_end|> \\ud800 é", "<|im_end|> \\ud800 é"),
    ],
)
def test_listed_words_are_hidden_and_others_stay(written: str, expected: str) -> None:
    assert FILTER.text(written, finished=True) == expected
    assert shown(written) == expected
    assert OutputFilter().text(written, finished=True) == written, "off unless the host wants it"


def test_a_word_split_over_tokens_never_shows() -> None:
    texts = ["Oh", " sh", "i", "t", " no"]
    seen = [shown(*texts[:count], finished=False) for count in range(len(texts) + 1)]
    assert seen == ["", "", "Oh", "Oh", "Oh", f"Oh {MARK}{MARK}{MARK}"]
    assert shown(*texts) == f"Oh {MARK}{MARK}{MARK} no"
    tokens = FILTER.tokens(pieces(*texts), finished=True)
    assert [token.id for token in tokens] == list(range(5)), "so that a branch still finds its way"


def test_a_phrase_is_held_back_until_it_is_none() -> None:
    assert shown("Do", " not", " jerk", " ", finished=False) == "Do not"
    assert shown("Do", " not", " jerk", " it", " ", finished=False) == "Do not jerk it "


def test_a_word_begun_in_the_prompt_is_hidden() -> None:
    assert shown("it", "!", before="What a load of sh") == f"{MARK}!"
    assert FILTER.text("it!", finished=True, before="What a load of sh") == f"{MARK}!"
    assert shown("ould", "!", before="You sh") == "ould!"


def test_alternatives_are_hidden_where_they_make_a_word() -> None:
    said = Token(1, b"ow", 0.5, (Candidate(1, b"ow", 0.5), Candidate(2, b"it", 0.3), Candidate(3, b"all", 0.1)))
    *_, token = FILTER.tokens([*pieces("We", " sh"), said], finished=True)
    assert [other.raw for other in token.alternatives] == [b"ow", MARK.encode(), b"all"]
    first = FILTER.tokens([replace(said, raw=b" sh"), *pieces("it")], finished=True)[0]
    assert b"sh" not in first.alternatives[0].raw, "the piece of a hidden word does not stand among its alternatives"


def test_characters_split_over_tokens_stay_whole() -> None:
    raw = "猫 shit 犬".encode()
    tokens = [Token(1, raw[place : place + 2], 0.5) for place in range(0, len(raw), 2)]
    spelled = b"".join(token.raw for token in FILTER.tokens(tokens, finished=True)).decode()
    assert spelled.replace(MARK, "") == "猫  犬"


fragments = st.lists(
    st.sampled_from(["sh", "it", " ", "jerk", "off", "s", "class", "他妈", "的", "fu", "ck", ".", "\n"]), max_size=12
)


@given(texts=fragments)
@settings(max_examples=300, deadline=None)
def test_a_growing_text_is_only_ever_appended_to(texts: list[str]) -> None:
    steps = [shown(*texts[:count], finished=False) for count in range(len(texts) + 1)] + [shown(*texts)]
    assert all(after.startswith(before) for before, after in pairwise(steps))
    whole = "".join(texts)
    letters = [FILTER.text(whole[:count], finished=False) for count in range(len(whole) + 1)]
    letters.append(FILTER.text(whole, finished=True))
    assert all(after.startswith(before) for before, after in pairwise(letters))
    assert FILTER.text(letters[-1], finished=True) == letters[-1], "nothing is left to hide"


def ordinary_texts() -> Iterator[str]:
    for line in (ROOT / "assets" / "translation" / "sentences.jsonl").read_text(encoding="utf-8").splitlines():
        yield from map(str, json.loads(line).values())
    for module in (ROOT / "demos").glob("*.py"):
        if module.name != "output_filter.py":
            yield module.read_text(encoding="utf-8")


def test_nothing_is_hidden_in_ordinary_sentences_and_code() -> None:
    assert [text for text in ordinary_texts() if FILTER.text(text, finished=True) != text] == []


# All tabs, with a model that knows no manners


class Swearing:
    """Says the same coarse sentence to everybody, its worst word in two tokens."""

    def generate(self, request: TextRequest) -> Iterator[Token]:
        for number, text in enumerate(("What", " a", " sh", "it", " day", "\n")[len(request.forced) :]):
            raw = text.encode()
            yield Token(number, raw, 0.5, (Candidate(number, raw, 0.5), Candidate(9, b" fuck", 0.3)))


def load_swearing(files: Path, device: Device) -> Swearing:
    return Swearing()


@pytest.fixture(scope="module")
def guarded(services: Services) -> Iterator[str]:
    """The address of a gallery of the language tabs, with the filter on."""
    tasks = (Task.LANGUAGE, Task.TRANSLATION, Task.CODE_COMPLETION)
    spec = toy_spec("swearing", tasks=tasks, loader="tests.test_output_filter:load_swearing", preference=1)
    device = Device("cpu", "test processor", 8_000_000_000, "float32", 2)
    registry = Registry([*CATALOG, spec], store=services.registry.store, devices=(device,))
    its_services = Services(registry, replace(services.settings, port=free_port(), filter=True))
    gallery = build_gallery(its_services, [language, translation, code_completion])
    yield launch(gallery, its_services.settings, block=False)
    gallery.close()


@pytest.mark.parametrize(
    "call",
    [
        {"prompt": "Well.", "api_name": "/continue_text"},
        {"text": "你好", "api_name": "/translate"},
        {"text": "你好", "decoding": "beam", "api_name": "/translate"},
        {"prefix": "# Well.", "api_name": "/complete_code"},
    ],
    ids=lambda call: call["api_name"],
)
def test_endpoints_give_filtered_text_and_say_so(guarded: str, call: dict[str, str]) -> None:
    text, facts = Client(guarded, verbose=False).predict(**call)
    assert text.strip().replace(MARK + MARK, MARK) == f"What a {MARK} day"
    assert facts["filtered"] is True
    assert facts["model"] == "swearing"


def test_nothing_coarse_reaches_the_page(page: Page, guarded: str) -> None:
    received: list[str] = []

    def listen(request: Request) -> None:
        response = request.response()
        if response is not None and "/gradio_api/queue/data" in request.url:
            received.append(response.text())

    page.on("requestfinished", listen)
    browser.open_tab(page, guarded, language.PAGE)
    page.get_by_role("button", name="Continue", exact=True).click()
    status = page.locator("#tab-language .question .status")
    expect(status).to_contain_text("filtered by the host")
    expect(page.locator(".token-text")).to_contain_text(f"What a {MARK}{MARK} day")
    expect(page.locator(".alternatives")).to_contain_text("filtered by the host")
    expect(page.locator(".sampling-bars")).to_contain_text("filtered by the host")
    # A branch into the hidden word, and on from there.
    page.locator(".token-text .token[data-index='2']").click()
    page.locator(".alternative:enabled").first.click()
    expect(status).to_contain_text("per second")
    assert not re.search(r"fuck|shit", page.locator("#tab-language").inner_text())
    page.get_by_role("tab", name="Code completion").click()
    page.get_by_role("button", name="Complete", exact=True).click()
    expect(page.locator("#tab-code-completion .question .status")).to_contain_text("filtered by the host")
    expect(page.locator(".draft-code")).to_contain_text(f"What a {MARK} day")
    assert received
    assert not [text for text in received if re.search(r"fuck|shit", text)]
