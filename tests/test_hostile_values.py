"""Values of the right kind, or of none, that no page sends: one sentence each, and nothing is done with them."""

import json
import math
from collections.abc import Callable
from typing import Any, cast

import gradio as gr
import pytest

from demos import colorization, sampled_sound, wavenet
from demos.code_completion import check_language
from demos.event_details import detail
from demos.many_answers import find
from demos.model_picker import LONGEST_ID, model_input, model_picker
from demos.pictures import two_of
from demos.progress_strip import read_asked as read_strip
from demos.ranges import number_from, one_of, whole_number_from
from demos.sampling import asked_again, read_asked, read_picks
from demos.services import Services
from demos.spoken import prepare_request
from demos.styles import named_style
from demos.token_view import read_lines
from demos.translating import belonging, make_request
from models.errors import BadInputError
from models.tasks import Task

NO_NUMBERS: list[Any] = [
    None,
    True,
    "1",
    "9" * 5000,
    [],
    {},
    b"1",
    1j,
    math.nan,
    math.inf,
    -math.inf,
    10**400,
    -(10**400),
    1e308,
]
NO_TEXTS = [None, True, 7, 1.5, [], ["blue"], {}, {"__type__": "update"}, b"blue", "x" * 10**6]
NO_PLACES: list[Any] = [None, True, -1, 5, 10**400, 1.0, math.nan, "0", [], {}]
NO_CLICKS = [None, 3, "3,4", [], [1], [1, 2, 3], ["1", "2"], [math.nan, 1], [-1, 0], [10**400, 0], {"x": 1}]


@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize(
    "read",
    [
        lambda value: number_from("It", value, 0, 10),
        lambda value: whole_number_from("It", value, 0, 10),
        lambda value: prepare_request("Hi", "", value, 0),
        lambda value: prepare_request("Hi", "", 1, value),
        lambda value: read_asked("dcgan-faces", value, 0, None, 1),
        lambda value: sampled_sound.read_asked("", value, 1, 1, 0),
    ],
)
def test_what_is_no_number_in_range_gets_a_sentence(read: Callable[[Any], object], value: object) -> None:
    with pytest.raises(BadInputError, match=r"must be .*; please correct it\.$"):
        read(value)


def test_whole_numbers_of_any_length_are_compared_and_not_converted() -> None:
    with pytest.raises(BadInputError, match="from 0 to 2,147,483,647"):
        whole_number_from("The seed", 10**4000, 0, 2**31 - 1)


@pytest.mark.parametrize("place", NO_PLACES, ids=repr)
def test_an_example_that_is_not_there_gets_a_sentence(place: Any) -> None:
    with pytest.raises(BadInputError, match="click one of those that are shown"):
        one_of(["a", "b", "c"], place)
    assert one_of("abc", 2) == "c"


@pytest.mark.parametrize("value", NO_TEXTS, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize(
    "read",
    [
        lambda value: read_strip(value, 0),
        lambda value: read_asked("omniart-eyes", 4, 0, cast(Any, value or 7), 1),
        lambda value: named_style("learnt-styles", value),
        lambda value: named_style("any-style", value),
        lambda value: check_language(value),
        lambda value: make_request("a", value, "greedy", 0, 0),
        lambda value: make_request("a", "de-en", value, 0, 0),
        lambda value: read_lines(value, max_tokens=9),
        lambda value: two_of(value, value, {"a": "b"}),
        lambda value: sampled_sound.read_place(value, 100),
        lambda value: asked_again(value),
        lambda value: asked_again({"asked": value}),
        lambda value: colorization.place_of(value),
    ],
)
def test_what_is_none_of_the_choices_gets_a_sentence(read: Callable[[Any], object], value: object) -> None:
    with pytest.raises(BadInputError) as said:
        read(value)
    assert len(str(said.value)) < 500
    assert "__type__" not in str(said.value)


@pytest.mark.parametrize("value", ["20", "1,2,3", "x,y", "-1,5", "1,101", "21,5", "1,", f"1,{'9' * 6000}", "\u0661,1"])
def test_a_place_in_a_sound_that_is_none_gets_a_sentence(value: str) -> None:
    with pytest.raises(BadInputError, match=r"The number of blocks|The place in the sound"):
        sampled_sound.read_place(value, 100)
    assert sampled_sound.read_place("20,100", 100) == (20, 100)


@pytest.mark.parametrize("clicked", NO_CLICKS, ids=repr)
def test_a_click_beside_every_picture_gets_a_sentence(clicked: object) -> None:
    with pytest.raises(BadInputError, match="The place of a colour"):
        colorization.place_of(clicked)
    assert colorization.place_of([3, 4]) == (3, 4)


@pytest.mark.parametrize("picks", [None, {}, "01", [0, "1"], [0, -1], [0, 4], [0, 10**400], [0, None], [0], [0] * 3])
def test_picked_samples_that_are_not_there_get_a_sentence(picks: object) -> None:
    asked = read_asked("dcgan-faces", 4, 0, None, 1)
    with pytest.raises(BadInputError):
        read_picks(picks, asked, 2, 2, "Please choose two samples.")


@pytest.mark.parametrize(
    "token", [[-1, "a", 0.5], [2**31, "a", 0.5], [10**30, "a", 0.5], [True, "a", 0.5], [1, 7, 0.5], [1, "a", None]]
)
def test_tokens_that_no_model_has_written_get_a_sentence(token: list[object]) -> None:
    line = json.dumps({"token": token, "alternatives": []})
    with pytest.raises(BadInputError, match="cannot be branched from"):
        read_lines(json.dumps({"prompt": "Hi"}) + "\n" + line, max_tokens=5)


def test_a_reference_is_scored_only_up_to_its_limit() -> None:
    request = make_request("Hallo", "de-en", "greedy", 0, 0)
    assert belonging(None, None, request) == ""
    assert belonging(None, "de-en Hallo", request) == ""
    with pytest.raises(BadInputError, match="the limit is 600"):
        belonging("a " * 400, "de-en Hallo", request)


def test_a_start_that_is_not_there_is_refused_before_anything_is_loaded() -> None:
    for start in (-1, 6, None, "0"):
        with pytest.raises(BadInputError, match="click one of those"):
            next(find(None, start, 0))  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, 7, [], {}, True, "m" * 10**6], ids=lambda value: repr(value)[:20])
def test_a_model_is_asked_for_by_a_short_name_or_not_at_all(services: Services, value: Any) -> None:
    with gr.Blocks():
        for component in (model_input("a model"), model_picker(services.registry, Task.SPEECH)):
            model = component.preprocess(value)
            assert isinstance(model, str)
            assert len(model) <= LONGEST_ID
            assert model not in services.registry


@pytest.mark.parametrize("data", [None, [], "index", 7, {}, {"index": None}])
def test_an_event_that_tells_nothing_has_no_details(data: object) -> None:
    assert detail(gr.EventData(None, data), "index") is None
    assert detail(gr.EventData(None, {"index": 3}), "index") == 3


def test_the_page_describes_no_function_of_the_server(services: Services) -> None:
    with gr.Blocks() as page:
        wavenet.build(services)
    described = json.dumps(page.get_config_file(), default=repr)
    for word in ("<function", "functools.partial", " at 0x"):
        assert word not in described
