"""The longest and worst text that each place takes: the time for it grows as its length does, not faster.

Whoever holds the interpreter for seconds holds up the whole gallery, since no other thread runs meanwhile.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from demos import coding, spoken, translating, writing
from demos.coding import Gap, clean_code, end_of_completion, parses
from demos.colouring import colour_from, hints_from
from demos.output_filter import OutputFilter
from demos.styles import ANY, named_style
from demos.text_drawing import read_template
from demos.token_view import read_lines
from models.backends.english_phonemes import EnglishReader
from models.backends.vits import espeak_spelling
from models.errors import BadInputError
from models.fill_in_middle import as_plain_text
from models.markov_chain import MAX_LIVE_CHARACTERS, MarkovChain
from models.styling import LONGEST_PROMPT, style_number
from models.tasks import TextRequest
from models.text_input import MOST_MARKS, clean_text, optional_text

SECONDS = 3.0
"""Of the processor, whoever else uses it. The slowest needs one; those that were mended needed five to thirty."""
BODY = 2_000_000
"""Characters of a request, about: no place is ever given more."""

NASTY = {
    "one letter": "a",
    "spaces": " ",
    "digits": "9",
    "marks of two kinds": "\u0315\u0300",
    "marks that look like none": "\u0f73\u0f71",
    "marks after letters": "a" + "\u0301" * 31,
    "marks that are two": "\u0344",
    "joiners": "a\u200d",
    "ligatures of eighteen letters": "\ufdfa",
    "words": "a ",
    "apostrophes": "a'",
    "hyphens": "a-",
    "hyphens alone": "-",
    "full stops": "a.",
    "full stops alone": ".",
    "line ends": "a\n",
    "kana": "\u3042",
    "commas": "1,",
    "semicolons": ";",
    "percents": "9%",
    "hints": "1,1,  ;",
    "brackets": "(",
    "braces": "{a|",
    "open lists": "[",
    "control tokens": "<|",
    "a growing bad word": "fuc",
    "backslashes": "\\",
}


def learnt(text: str) -> int:
    chain = MarkovChain.from_text(clean_text(text, max_characters=MAX_LIVE_CHARACTERS), 5)
    tokens = list(chain.generate(TextRequest("a b", max_new_tokens=200, alternatives=5)))
    chain.copying(tokens)
    return chain.words


def spoken_symbols(text: str) -> None:
    cleaned = clean_text(text, max_characters=spoken.MAX_CHARACTERS)
    for _, symbols in READER.read(cleaned):
        espeak_spelling(symbols)


def completed(text: str) -> None:
    for language in coding.LANGUAGES:
        end_of_completion(Gap("x"), text, language)
        end_of_completion(Gap("x", text[:4000]), text, language)


def scored(text: str) -> None:
    request = translating.make_request("a", "de-en", "greedy", 0, 0)
    reference = translating.belonging(text, "de-en a", request)
    translating.chrf([text[:2000]], [reference])
    for target in ("en", "zh"):
        translating.bleu([text[:2000]], [reference], target)


READER = EnglishReader()
FILTER = OutputFilter(on=True)
PLACES: dict[str, tuple[Callable[[str], Any], tuple[int, ...]]] = {
    # What reads it, and how long it may get: the limit of the place, four times that, and the whole body of a request.
    "the chain's own text": (learnt, (MAX_LIVE_CHARACTERS, 4 * MAX_LIVE_CHARACTERS, BODY)),
    "a text to go on from": (
        lambda text: clean_text(text, max_characters=writing.MAX_CHARACTERS),
        (writing.MAX_CHARACTERS, 4 * writing.MAX_CHARACTERS, BODY),
    ),
    "an instruction": (
        lambda text: optional_text(text, max_characters=LONGEST_PROMPT),
        (LONGEST_PROMPT, 4 * LONGEST_PROMPT, BODY),
    ),
    "a text to speak": (spoken_symbols, (spoken.MAX_CHARACTERS, 4 * spoken.MAX_CHARACTERS, BODY)),
    "a person's translation": (scored, (translating.LONGEST_REFERENCE, BODY)),
    "a prompt with words that vary": (read_template, (200, 800, BODY)),
    "code": (clean_code, (coding.MAX_CHARACTERS, 4 * coding.MAX_CHARACTERS, BODY)),
    "code that may parse": (lambda code: parses(code, "Python"), (coding.MAX_CHARACTERS, BODY)),
    "a completion of 300 tokens": (completed, (10_000,)),
    "code as a model reads it": (as_plain_text, (coding.MAX_CHARACTERS,)),
    "a text to be filtered": (lambda text: FILTER.text(text, finished=True), (10_000,)),
    "a growing text to be filtered": (lambda text: FILTER.text(text, finished=False), (10_000,)),
    "hints of colour": (hints_from, (2000, BODY)),
    "a hint that goes on for ever": (lambda text: hints_from(f"1,1,{text}x\ny"), (3000, BODY)),
    "a colour": (colour_from, (2000, BODY)),
    "a colour in numbers": (lambda text: colour_from(f"rgb({text}"), (2000, BODY)),
    "a style": (style_number, (80, BODY)),
    "a painting": (lambda text: named_style(ANY, text), (80, BODY)),
    "tokens to branch from": (lambda text: read_lines(text, max_tokens=600), (BODY,)),
    "tokens of one text": (lambda text: read_lines('{"prompt":"a"}\n{"token":' + text, max_tokens=600), (BODY,)),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("what", NASTY)
def test_no_text_holds_the_gallery_up(place: str, what: str) -> None:
    read, lengths = PLACES[place]
    started = time.thread_time()
    for length in lengths:
        text = NASTY[what] * (length // len(NASTY[what]) + 1)
        with suppress(BadInputError):
            read(text[:length])
    assert time.thread_time() - started < SECONDS


def test_marks_beyond_reason_are_left_out_and_the_others_stay() -> None:
    assert clean_text("e\u0301o" + "\u0323" * 100, max_characters=99) == "\u00e9\u1ecd" + "\u0323" * (MOST_MARKS - 1)
    assert clean_text("Vie\u0323\u0302t", max_characters=99) == "Vi\u1ec7t"


@pytest.mark.parametrize(
    ("words", "colour"),
    [
        ("#3366cc", (51, 102, 204)),
        ("rgba(51.5, 102, 204, 0.9)", (52, 102, 204)),
        ("rgb(300, -5, 0)", (255, 0, 0)),
        ("rgb(50%, 0%, 0%)", (128, 0, 0)),
        ("hsl(0, 0%, 999%)", (255, 255, 255)),
        ("RebeccaPurple", (102, 51, 153)),
    ],
)
def test_colours_as_browsers_write_them(words: str, colour: tuple[int, int, int]) -> None:
    assert colour_from(words) == colour


@pytest.mark.parametrize("words", ["", "rgb(1.2.3,4,5)", "rgb(inf,nan,1)", "rgb(1,2)", "rgb()", "no colour", "#12"])
def test_what_is_no_colour_gets_a_sentence(words: str) -> None:
    with pytest.raises(BadInputError, match="write it as #rrggbb"):
        colour_from(words)


@pytest.mark.parametrize("text", ["1,2", "x,y,red", "-1,2,red", "1234567,1,red", "1,2,", "\u0664,1,red"])
def test_what_is_no_hint_gets_a_sentence(text: str) -> None:
    with pytest.raises(BadInputError, match=r"write x,y,#rrggbb"):
        hints_from(text)


def test_too_many_hints_get_a_sentence() -> None:
    assert len(hints_from("1,2,red;" * 100)) == 100
    with pytest.raises(BadInputError, match="At most 100"):
        hints_from("1,2,red;" * 101)
