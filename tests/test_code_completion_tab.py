"""The code completion tab: cursor, where a completion ends, control tokens, drafts; endpoint and page on real weights.

About 25 s without the browser, 60 s with it.
"""

import json
import math
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import pytest
from gradio_client import Client
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page, expect

from demos.code_completion import PAGE
from demos.code_examples import EXAMPLES
from demos.coding import CURSOR, LANGUAGES, Gap, clean_code, end_of_completion, parses, split_at_cursor
from demos.draft_view import DraftLines, head_line
from demos.drafting import Draft, Drafts, gap_in, likelihood_in_words, make_code_request, seeds_for, write_drafts
from demos.seed import MAX_SEED
from demos.services import Services
from models.devices import Device
from models.errors import BadInputError
from models.fill_in_middle import CONTROL_TOKENS, CodeRequest, as_plain_text, in_words
from models.pinned import QWEN25_CODER_05B
from models.registry import Registry
from models.store import WeightStore
from models.tasks import Task, TextRequest, Token, text_of
from tests import browser
from tests.toy_models import toy_spec

MODEL = "qwen2.5-coder-0.5b"
# Every control token of the vocabulary, as its file lists them.
CONTROL = [
    *(f"<|{name}|>" for name in ("endoftext", "im_start", "im_end", "object_ref_start", "object_ref_end", "box_start")),
    *(f"<|{name}|>" for name in ("box_end", "quad_start", "quad_end", "vision_start", "vision_end", "vision_pad")),
    *(f"<|{name}|>" for name in ("image_pad", "video_pad", "fim_prefix", "fim_middle", "fim_suffix", "fim_pad")),
    *("<|repo_name|>", "<|file_sep|>", "<tool_call>", "</tool_call>"),
]


def token(text: str, probability: float = 0.5) -> Token:
    return Token(1, text.encode(), probability)


# The cursor


@given(prefix=st.text(), suffix=st.text())
def test_code_is_split_where_it_was_joined(prefix: str, suffix: str) -> None:
    assume((prefix + CURSOR + suffix).count(CURSOR) == 1)
    gap = split_at_cursor(prefix + CURSOR + suffix)
    assert gap == Gap(prefix, suffix)
    assert gap.filled(CURSOR) == prefix + CURSOR + suffix


@given(code=st.text())
def test_without_a_marker_the_gap_is_at_the_end(code: str) -> None:
    assume(CURSOR not in code)
    assert split_at_cursor(code) == Gap(code, "")


def test_two_markers_get_a_sentence() -> None:
    with pytest.raises(BadInputError, match="There are 2 <CURSOR> markers; please leave one"):
        gap_in(f"a{CURSOR}b{CURSOR}")


@given(code=st.text(max_size=200))
@settings(max_examples=300)
def test_cleaning_twice_changes_nothing_more(code: str) -> None:
    try:
        cleaned = clean_code(code)
    except BadInputError:
        return
    assert clean_code(cleaned) == cleaned
    assert "\r" not in cleaned
    assert "\0" not in cleaned


def test_cleaning_keeps_indentation_and_drops_what_is_invisible() -> None:
    assert clean_code("if x:\r\n\ty = 1 \x00\u202e\ufeff\ud800\r  z\n") == "if x:\n\ty = 1 \n  z\n"


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (None, "Type the beginning"),
        (" \n\t", "Type the beginning"),
        (CURSOR, "Type the beginning"),
        ("\u200b\x00", "Type the beginning"),
        ("a" * 4001, "4,001 characters and the limit is 4,000"),
        ("\n" * 10_000_000, "10,000,000 characters"),
    ],
)
def test_bad_code_gets_a_sentence(code: str | None, sentence: str) -> None:
    with pytest.raises(BadInputError, match=sentence):
        gap_in(code)


def test_examples_are_good_code() -> None:
    for example in EXAMPLES:
        assert example.language in LANGUAGES
        assert clean_code(example.code) == example.code
        assert make_code_request(gap_in(example.code), 100, 0, 0).pieces
    gaps = [example.title for example in EXAMPLES if gap_in(example.code).suffix.strip()]
    assert len(gaps) >= 4


# Where a completion ends

BODY = "    return 1"


@pytest.mark.parametrize(
    ("language", "prefix", "suffix", "text", "kept"),
    [
        # A definition ends before the next line at the left margin, whatever begins there.
        ("Python", "def f():\n", "", BODY + "\n\ndef g():\n", BODY),
        ("Python", "def f():\n", "", BODY + "\n# Example", BODY),
        ("Python", "def f():\n", "", BODY + "\n```", BODY),
        ("Python", "def f():", "", "\n" + BODY + "\nprint(f())", "\n" + BODY),
        ("Python", "def f():\n", "", "    if x:\n        y\n\n    z\n", None),
        # else and closing brackets at the margin belong to what is above them.
        ("Python", "if x:\n", "", "    y\nelse:\n    z\n", None),
        ("Python", "if x:\n", "", "    y\nel", None),
        ("Python", "if x:\n", "", "    y\nelephant = 1\n", "    y"),
        ("Python", "x = f(\n", "", "    1,\n)\n", None),
        ("Python", "x = f(\n", "", "    1,\n)\ny = 2", "    1,\n)"),
        # At the left margin one more definition is written, and not a second one.
        ("Python", BODY + "\n\n", "", "def g():\n    pass\n", None),
        ("Python", BODY + "\n\n", "", "def g():\n    pass\n\ndef h", "def g():\n    pass"),
        ("Python", "x = 1\n", "", "y = 2\nz = 3\n", None),
        ("Python", "", "", "import a\nimport b\n", None),
        ("JavaScript", "function f() {\n", "", "  return 1;\n}\n", None),
        ("JavaScript", "function f() {\n", "", "  return 1;\n}\n\nconsole", "  return 1;\n}"),
        ("C", "int f(void)\n{\n", "", "  return 1;\n}\n\nint main", "  return 1;\n}"),
        ("SQL", "-- all\n", "", "SELECT *\nFROM t;\n\nSELECT", "SELECT *\nFROM t;"),
        ("SQL", "-- all\n", "", "SELECT *\nFROM t", None),
        ("HTML", "<html>", "", "<p>\n</p>\n</html>\n\n#", "<p>\n</p>\n</html>"),
        # In a gap it ends before it repeats the line that follows anyway, or leaves the block of the cursor.
        ("Python", "def f():\n    ", "\n    return y\n", "y = 1\n    return y\n", "y = 1"),
        ("Python", "def f():\n    ", "\n    return y\n", "y = 1\n    x = 2\n", None),
        ("Python", "def f():\n    ", "\n    return y\n", "y = 1\n    return y", None),
        ("Python", "def f():\n    a = 1\n    ", "\n    return y\n", "y = 1\n\ndef g", "y = 1"),
        ("Python", 'def f():\n    """Return ', '"""\n    return 1\n', 'one."""\n', "one."),
        ("C", "{\n", "\n}\n", "  if (x) {\n  }\n", None),
        ("C", "{\n\t", "\n}\n", "x;\n\tif (x) {\n\t\ty;\n\t}\n}", "x;\n\tif (x) {\n\t\ty;\n\t}"),
        ("HTML", "<p>", "</p>", "a\n```\n", "a"),
    ],
)
def test_a_completion_ends_where_its_piece_of_code_does(
    language: str, prefix: str, suffix: str, text: str, kept: str | None
) -> None:
    end = end_of_completion(Gap(prefix, suffix), text, language)
    assert (None if end is None else text[:end].rstrip()) == kept


@given(st.text("ab \n:", max_size=20), st.text("ab \n", max_size=10), st.text("ab \n}e", max_size=40))
@settings(max_examples=300)
def test_the_end_lies_in_the_text_and_stays_where_it_is(prefix: str, suffix: str, text: str) -> None:
    for language in LANGUAGES:
        end = end_of_completion(Gap(prefix, suffix), text, language)
        if end is not None:
            assert 0 <= end <= len(text)
            assert end_of_completion(Gap(prefix, suffix), text + "\nb", language) == end


# Does it parse?


def test_only_python_is_checked_and_never_run(tmp_path: Path) -> None:
    assert parses("def f():\n    return 1", "Python") is True
    assert parses("def f():\nreturn 1", "Python") is False
    assert parses("x = \0", "Python") is False
    assert parses("int main() {}", "C") is None
    proof = tmp_path / "executed"
    assert parses(f"open({str(proof)!r}, 'w')", "Python") is True
    assert not proof.exists()


@pytest.mark.parametrize("monster", ["(" * 8000, "-" * 8000 + "1", "[" * 500 + "]" * 500, "a" + ".b" * 7000])
def test_deep_or_long_code_does_no_harm(monster: str) -> None:
    began = time.monotonic()
    assert parses(monster, "Python") in (True, False, None)
    assert parses(monster * 1000, "Python") is None
    assert time.monotonic() - began < 5


# What is sent


def test_a_gap_is_framed_by_control_tokens() -> None:
    request = CodeRequest("a = ", suffix="\nb")
    assert in_words(request) == [
        ("<|fim_prefix|>", True),
        ("a = ", False),
        ("<|fim_suffix|>", True),
        ("\nb", False),
        ("<|fim_middle|>", True),
    ]
    assert CodeRequest("a = ").pieces == ("a = ",)
    assert in_words(CodeRequest("x<|fim_middle|>")) == [("x<|fim_middle|>", False)]
    with pytest.raises(BadInputError):
        CodeRequest("")


@given(code=st.text(alphabet=st.sampled_from("<|>ab\n")) | st.sampled_from(CONTROL) | st.text())
@settings(max_examples=300)
def test_plain_text_spells_the_code_and_holds_no_control_token(code: str) -> None:
    pieces = as_plain_text(code)
    assert "".join("<" if piece == 27 else str(piece) for piece in pieces) == code
    assert not any(control in piece for control in CONTROL for piece in pieces if isinstance(piece, str))


@pytest.fixture(scope="module")
def qwen(registry: Registry) -> Iterator[Any]:
    list(registry.prepare(MODEL))
    with registry.lease(MODEL) as lease:
        yield lease.backend


def said(backend: Any, request: TextRequest) -> list[tuple[int, float]]:
    return [(token.id, token.probability) for token in backend.generate(request)]


def test_control_tokens_of_our_prompt_are_those_of_the_model(store: WeightStore) -> None:
    reader = gguf.GGUFReader(store.fetch(QWEN25_CODER_05B) / QWEN25_CODER_05B.files[0].name)
    spellings = reader.fields["tokenizer.ggml.tokens"]
    for number, spelling in CONTROL_TOKENS.items():
        assert bytes(spellings.parts[spellings.data[number]]).decode() == spelling


def test_control_tokens_spelt_by_a_visitor_are_not_read_as_such(qwen: Any) -> None:
    ours = CodeRequest("x = [1, 2", max_new_tokens=4, temperature=0, suffix="]\nprint(len(x))")
    spelt = TextRequest("".join(words for words, _ in in_words(ours)), max_new_tokens=4, temperature=0)
    assert said(qwen, ours) != said(qwen, spelt)


def test_typed_control_tokens_are_text_for_the_model(qwen: Any) -> None:
    def length(*pieces: str | int) -> int:
        answer = qwen._engine.server.handle_completions({"prompt": list(pieces), "max_tokens": 1})
        return int(answer["usage"]["prompt_tokens"])

    for control in CONTROL:
        assert length(f"x{control}") == 2, "one letter and one control token"
        assert length(*as_plain_text(f"x{control}")) > 3, control


def test_typed_control_tokens_do_not_end_the_code(qwen: Any) -> None:
    """As a control token, the end of the text would make the model forget the list before it."""
    code = "names = ['Zaphod']\nend = '<|endoftext|>'\nassert names[0] == 'Z"
    request = CodeRequest(code, max_new_tokens=3, temperature=0)
    assert text_of(list(qwen.generate(request))).startswith("aphod")


def test_a_program_that_ends_right_after_a_draft_ends_in_order() -> None:
    program = """
from demos.drafting import write_drafts
from demos.services import make_services
from demos.settings import read_settings
from models.fill_in_middle import CodeRequest
list(write_drafts(make_services(read_settings([])), CodeRequest("def f(a):\\n", temperature=0), "%s", "Python", (0,)))
"""
    done = subprocess.run([sys.executable, "-c", program % MODEL], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


# Requests


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"max_new_tokens": 0}, "new tokens must be a number from 1 to 300"),
        ({"max_new_tokens": 301}, "new tokens must be"),
        ({"max_new_tokens": 2.5}, "whole number"),
        ({"temperature": math.nan}, "temperature must be"),
        ({"temperature": "hot"}, "temperature must be"),
        ({"seed": -1}, "seed must be a number from 0 to 2,147,483,647"),
        ({"seed": None}, "seed must be"),
    ],
)
def test_bad_values_get_a_sentence(changes: dict[str, Any], sentence: str) -> None:
    values = {"max_new_tokens": 9, "temperature": 0.2, "seed": 1} | changes
    with pytest.raises(BadInputError, match=sentence):
        make_code_request(Gap("a"), **values)


def test_space_behind_the_cursor_is_no_suffix() -> None:
    assert make_code_request(Gap("a", " \n"), 9, 0, 0).suffix == ""


def test_each_draft_has_its_seed() -> None:
    assert seeds_for(CodeRequest("a", seed=5), 3) == (5, 6, 7)
    assert seeds_for(CodeRequest("a", seed=MAX_SEED), 2) == (MAX_SEED, 0)
    assert seeds_for(CodeRequest("a", temperature=0), 3) == (0,), "without chance all drafts are one"
    with pytest.raises(BadInputError, match="drafts must be a number from 1 to 4"):
        seeds_for(CodeRequest("a"), 5)


def test_likelihood_in_words() -> None:
    draft = Draft(1, (token("a", 0.5), token("b", 0.5)), "ab", "the model ended it")
    assert likelihood_in_words(draft) == "log p = \u22121.39 for 2 tokens, \u22120.69 each: a typical token had 50%."
    assert "wrote nothing" in likelihood_in_words(Draft(1))
    assert math.isfinite(Draft(1, (token("a", 0.0),), "a").logprob)


# Drafts, with a toy model


class Scribe:
    """Says `    x = seed` and then new definitions for ever; seed 13 fails, seed 99 is lost in thought."""

    streams: "list[ScribeStream]" = []  # noqa: RUF012 - shared by the tests on purpose

    def generate(self, request: TextRequest) -> "ScribeStream":
        stream = ScribeStream(request)
        Scribe.streams.append(stream)
        return stream


class ScribeStream:
    def __init__(self, request: TextRequest) -> None:
        self.seed = request.seed
        self.left = request.max_new_tokens
        self.lines = iter([f"    x = {request.seed}", *["\ndef f():\n", "    pass"] * 1000])
        self.closed = threading.Event()

    def __iter__(self) -> "ScribeStream":
        return self

    def __next__(self) -> Token:
        if self.seed == 13:
            raise BadInputError("Thirteen.")
        if self.seed == 99:
            self.closed.wait(30)
        if self.closed.is_set() or not self.left:
            raise StopIteration
        self.left -= 1
        return token(next(self.lines))

    def close(self) -> None:
        self.closed.set()


def load_scribe(files: Path, device: Device) -> Scribe:
    return Scribe()


@pytest.fixture
def scribes(tmp_path: Path, services: Services) -> Services:
    Scribe.streams = []
    specs = [
        toy_spec("scribe", tasks=(Task.CODE_COMPLETION,), loader="tests.test_code_completion_tab:load_scribe"),
        toy_spec("a"),
    ]
    device = Device("cpu", "test processor", 8_000_000_000, "float32", 2)
    return replace(services, registry=Registry(specs, store=WeightStore(tmp_path), devices=(device,)))


def test_drafts_end_with_their_definition(scribes: Services) -> None:
    request = CodeRequest("def g():\n", max_new_tokens=50)
    *_, written = write_drafts(scribes, request, "scribe", "Python", (1, 2, 3))
    assert isinstance(written, Drafts)
    assert [draft.text for draft in written.drafts] == ["    x = 1", "    x = 2", "    x = 3"]
    assert {draft.ended for draft in written.drafts} == {"this piece of code is complete"}
    assert all(len(draft.tokens) == 1 for draft in written.drafts), "what was cut off does not count"
    assert all(stream.closed.is_set() for stream in Scribe.streams)


def test_the_cap_ends_a_draft(scribes: Services) -> None:
    *_, written = write_drafts(scribes, CodeRequest("x", max_new_tokens=1), "scribe", "Python", (1,))
    assert isinstance(written, Drafts)
    assert written.drafts[0].ended == "the cap on new tokens is reached"


def test_stopping_frees_the_model_even_while_nothing_is_said(scribes: Services) -> None:
    steps = write_drafts(scribes, CodeRequest("x"), "scribe", "Python", (99, 99))
    began = time.monotonic()
    next(step for step in steps if isinstance(step, Drafts))
    steps.close()
    assert time.monotonic() - began < 5
    assert [stream.closed.is_set() for stream in Scribe.streams] == [True]
    assert scribes.registry.unload("scribe"), "nobody holds it any more"


def test_a_failure_reaches_the_visitor(scribes: Services) -> None:
    with pytest.raises(BadInputError, match="Thirteen"):
        list(write_drafts(scribes, CodeRequest("x"), "scribe", "Python", (1, 13, 2)))
    assert all(stream.closed.is_set() for stream in Scribe.streams)


def test_only_code_models_complete(scribes: Services) -> None:
    with pytest.raises(BadInputError, match="cannot complete code"):
        list(write_drafts(scribes, CodeRequest("x"), "a", "Python", (1,)))


# The lines of the view


def test_growing_drafts_are_only_ever_appended_to() -> None:
    gap = Gap("<script>", "</script>")
    lines = DraftLines(gap, "Python")
    first = lines.new([Draft(1, (token("a"),), "a"), Draft(2)])
    assert [json.loads(line) for line in first.splitlines()] == [{"draft": 0, "more": "a"}]
    assert lines.new([Draft(1, (token("a"),), "a"), Draft(2)]) == ""
    second = lines.new([Draft(1, (token("ab<"),), "ab<", "done"), Draft(2, (token("c"),), "c")])
    finished, more = (json.loads(line) for line in second.splitlines())
    assert finished["finished"]["text"] == "ab<"
    assert finished["finished"]["parses"] is False
    assert more == {"draft": 1, "more": "c"}
    assert "<" not in second + head_line(gap, in_words(CodeRequest("<script>")), {}, drafts=2)


# The endpoint, on real weights


def test_endpoint_completes_the_same_way_twice(client: Client) -> None:
    asked = ("def add(a, b):\n", "", 24, 0.8, 3)
    first, facts = client.predict(*asked, api_name="/complete_code")
    again, _ = client.predict(*asked, api_name="/complete_code")
    assert first == again
    assert "return a + b" in first
    assert (facts["model"], facts["seed"], facts["notice"], facts["parses"]) == (MODEL, 3, "AI-generated", True)
    assert 1 <= facts["tokens"] <= 24
    assert facts["logprob"] <= 0


def test_endpoint_fills_a_gap_that_only_the_suffix_explains(client: Client) -> None:
    prefix = "def area(radius):\n    "
    suffix = "\n    return surface\n"
    middle, facts = client.predict(prefix, suffix, 24, 0, 0, api_name="/complete_code")
    assert "surface =" in middle
    assert facts["parses"] is True


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("", ""), "Type the beginning of some code"),
        (("a" * 2001, "b" * 2000), "4,001 characters"),
        (("x = 1", "", 301), "new tokens must be"),
        (("x = 1", "", 5, 9), "temperature must be"),
        (("x = 1", "", 5, 0, -1), "seed must be"),
        (("x = 1", "", 5, 0, 0, "no-such-model"), "There is no model 'no-such-model'"),
        (("x = 1", "", 5, 0, 0, "smollm2-135m"), "cannot complete code"),
        (("x = 1", "", 5, 0, 0, MODEL, "Klingon"), "language must be one of Python, JavaScript"),
        (("\u4e00\u4e8c\u4e09" * 1300, "", 5), "too long"),
    ],
)
def test_endpoint_says_what_is_wrong(client: Client, arguments: tuple[object, ...], sentence: str) -> None:
    with pytest.raises(Exception, match=sentence):
        client.predict(*arguments, api_name="/complete_code")


# The page, in a browser


def open_tab(page: Page, gallery: str) -> None:
    browser.open_tab(page, gallery, PAGE)
    expect(page.locator(".draft-code .has-new").first).to_be_visible()
    expect(page.locator(".code-editor .cm-content")).to_contain_text("parse_expenses")


def set_setting(page: Page, label: str, value: str) -> None:
    if not page.get_by_label(f"number input for {label}").is_visible():
        page.locator(".advanced:visible .label-wrap").click()
    page.get_by_label(f"number input for {label}").fill(value)
    page.keyboard.press("Tab")


def type_code(page: Page, code: str) -> None:
    page.locator(".code-editor .cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(code)


def status_line(page: Page) -> Any:
    return page.locator(".family-language .status:visible")


def test_tab_opens_on_the_recorded_lecture_example(page: Page, gallery: str) -> None:
    open_tab(page, gallery)
    expect(page.locator(".draft-code")).to_contain_text("return")
    expect(page.locator(".model-strip details:visible")).to_contain_text("recorded")
    expect(page.locator(".draft-judgement")).to_contain_text("log p")
    expect(page.get_by_role("radio", name=re.compile("Draft"))).to_have_count(2)
    assert page.locator(".has-new .sign").all_inner_texts() == ["+"] * page.locator(".has-new").count()
    strip = page.locator(".model-strip summary:visible").bounding_box()
    assert strip is not None
    assert strip["y"] + strip["height"] <= 800, "all of it without scrolling"


def test_an_example_runs_and_its_draft_can_be_accepted(page: Page, gallery: str) -> None:
    open_tab(page, gallery)
    set_setting(page, "Drafts", "2")
    set_setting(page, "New tokens, at most", "12")
    page.get_by_role("button", name="Loop", exact=True).click()
    expect(status_line(page)).to_contain_text("per second")
    expect(page.locator(".code-editor .cm-content")).to_contain_text(CURSOR)
    expect(page.locator(".model-strip details:visible")).not_to_contain_text("recorded")
    page.get_by_role("radio", name=re.compile("Draft 2")).click()
    expect(page.get_by_role("radio", name=re.compile("Draft 2"))).to_have_attribute("aria-checked", "true")
    written = page.locator(".draft-code .has-new code").first.inner_text().strip()
    assert written
    page.get_by_text("What was sent to the model").click()
    expect(page.locator(".draft-prompt .control")).to_have_text(["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"])
    page.get_by_role("button", name="Accept").click()
    expect(page.locator(".code-editor .cm-content")).not_to_contain_text(CURSOR)
    expect(page.locator(".code-editor .cm-content")).to_contain_text("return means")
    expect(page.locator(".code-editor .cm-content")).to_contain_text(written)


def test_regenerate_draws_a_new_seed(page: Page, gallery: str) -> None:
    open_tab(page, gallery)
    set_setting(page, "Drafts", "1")
    set_setting(page, "New tokens, at most", "10")
    seed = page.locator(".question:visible").get_by_label("Seed")
    before = seed.input_value()
    page.get_by_role("button", name="Regenerate").click()
    expect(status_line(page)).to_contain_text("per second")
    expect(page.get_by_role("radio", name=re.compile("Draft"))).to_have_count(1)
    assert seed.input_value() != before


def test_stop_leaves_what_is_written_and_frees_the_model(page: Page, gallery: str, services: Services) -> None:
    def leases() -> int:
        return sum(state.leases for state in services.registry.status() if Task.CODE_COMPLETION in state.spec.tasks)

    open_tab(page, gallery)
    held = leases()  # by a fixture of this file
    set_setting(page, "Drafts", "4")
    set_setting(page, "New tokens, at most", "300")
    type_code(page, "animals = ['ant', 'bear', 'cat',")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".draft-code")).to_contain_text("animals")
    expect(page.locator(".draft-code .new").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(status_line(page)).to_have_text("Stopped.")
    deadline = time.monotonic() + 10
    while leases() > held and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert leases() == held, "the model is free for the next student"
    expect(page.locator(".draft-code .new").first).to_be_visible()


def test_markup_and_control_tokens_stay_text(page: Page, gallery: str) -> None:
    open_tab(page, gallery)
    set_setting(page, "Drafts", "1")
    set_setting(page, "New tokens, at most", "10")
    code = "# <img src=x onerror=\"document.title='broken'\"> ${document.title='broken'} {{value}} ` <|endoftext|>"
    type_code(page, code)
    page.keyboard.press("Control+Enter")
    expect(status_line(page)).to_contain_text("per second")
    expect(page.locator(".code-row").first).to_contain_text(code)
    expect(page.locator(".draft-view img")).to_have_count(0)
    expect(page.locator(".draft-prompt .control")).to_have_count(0)
    expect(page).to_have_title("Deep Generative Models")
    assert page.locator(".code-editor .cm-line").count() == 1, "Ctrl+Enter runs, it does not break the line"


def test_no_code_gets_a_sentence_and_keeps_the_result(page: Page, gallery: str) -> None:
    open_tab(page, gallery)
    type_code(page, "  ")
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_role("alert")).to_contain_text("Type the beginning of some code first")
    expect(page.locator(".draft-code .has-new").first).to_be_visible()


def test_download_says_what_made_it(page: Page, gallery: str) -> None:
    open_tab(page, gallery)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert text.startswith("# Completed by AI")
    assert MODEL in text
    assert parses(text, "Python")
