"""Calls of the wrong shape: what comes back must be a refusal in words, never a fault of the server."""

import re
from collections import Counter
from typing import Any

import httpx

from demos.status import BUG
from tests.attacks.attack import Outcome, attack
from tests.attacks.honest import png
from tests.served_gallery import ServedGallery
from tests.visitor import Answer, Visitor, with_value

HOSTILE: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**400,
    float("nan"),
    float("inf"),
    "",
    "x" * 3000,
    "\ud800\u202e\0",
    [],
    {},
    [[[[1]]]],
    {"path": "/etc/passwd"},
    {"__type__": "update", "value": 1},
)
NO_MODELS: tuple[Any, ...] = (None, 1, [], {"id": "bicubic"}, "", "bicubic\0", "x" * 3000)


class Count:
    """How calls ended, and whether the log got a traceback of any."""

    def __init__(self, gallery: ServedGallery) -> None:
        self._gallery, self._log = gallery, gallery.log_size()
        self.ends: Counter[str] = Counter()

    def call(self, response: httpx.Response) -> None:
        self.ends["500" if response.status_code >= 500 else "null" if _null(response.text) else "answered"] += 1

    def job(self, answer: Answer) -> None:
        null = not answer.success and answer.error is None
        end = "500" if answer.status >= 500 else "null" if null else "bug" if BUG in answer.text else "answered"
        self.ends[end] += 1

    def either(self, visitor: Visitor, function: dict[str, Any], values: Any) -> None:
        """Calls the function the way that the page does: through the queue, or past it."""
        if function["queue"]:
            self.job(visitor.ask(function["id"], values))
        else:
            self.call(visitor.now(function["id"], values))

    def outcome(self) -> Outcome:
        written = self._gallery.log_since(self._log)
        faults, calls = self.ends["500"] + self.ends["null"] + self.ends["bug"], sum(self.ends.values())
        tracebacks = written.count("Traceback (most recent call last)")
        return Outcome(
            f"{self.ends['500']} HTTP 500, {self.ends['null']} null errors, {self.ends['bug']} bugs, "
            f"{tracebacks} tracebacks in the log",
            not faults and not tracebacks,
            f"{calls} calls",
        )


def _null(text: str) -> bool:
    return re.search(r'"error":\s*null', text) is not None and '"data"' not in text


@attack(8)
def hostile_values_past_the_queue(gallery: ServedGallery) -> Outcome:
    """Every private handler that needs no queue gets every hostile value in every place, and as what happened."""
    count = Count(gallery)
    with Visitor(gallery.address) as visitor:
        for function in visitor.functions:
            if function["queue"]:
                continue
            number, given = function["id"], visitor.defaults(function["id"])
            for value in HOSTILE:
                for place in range(len(given)):
                    count.call(visitor.now(number, with_value(given, place, value)))
                if function["collects_event_data"]:
                    count.call(visitor.now(number, given, event_data=value))
                    count.call(visitor.now(number, given, event_data={"side": value}))
    return count.outcome()


@attack(8)
def functions_that_are_not_there(gallery: ServedGallery) -> Outcome:
    """Unknown numbers and names of functions, components, sessions and jobs, on every address that takes one."""
    count = Count(gallery)
    with Visitor(gallery.address) as visitor:
        for number in (99_999, -1, 2**70, None):
            count.call(visitor.post("/gradio_api/queue/join", _body(visitor, number)))
            count.call(visitor.post("/gradio_api/run/predict", _body(visitor, number)))
            component = {"session_hash": "x", "component_id": number, "fn_name": "accept_blobs", "data": None}
            count.call(visitor.post("/gradio_api/component_server", component))
        for name in ("nothing", "", "run", "%00", "__class__", "x" * 3000):
            for address in ("run", "api", "call", "call/v2"):
                count.call(visitor.post(f"/gradio_api/{address}/{name or '%20'}", {"data": []}))
        count.call(visitor.post("/gradio_api/call/v2/speak", {"nothing": 1}))
        count.call(visitor.post("/gradio_api/cancel", {"session_hash": "x", "fn_index": 1, "event_id": "x"}))
        count.call(visitor.post("/gradio_api/component_server", {"data": 1}))
        count.call(visitor.http.post("/gradio_api/component_server", data={"a": "b"}, files={"f": b"x"}))
    return count.outcome()


@attack(8)
def too_few_and_too_many_values(gallery: ServedGallery) -> Outcome:
    """Every function is called with no value, with one too many and with an object for the list of values."""
    count = Count(gallery)
    with Visitor(gallery.address) as visitor:
        for function in visitor.functions:
            given = visitor.defaults(function["id"])
            wrong: list[Any] = [[*given, 1], {"a": 1}]
            for values in [[], *wrong] if given else wrong:
                count.either(visitor, function, values)
    return count.outcome()


@attack(8)
def sound_named_raw(gallery: ServedGallery) -> Outcome:
    """A sound file whose name ends in `.raw`, for which the reader wants to be told the format."""
    count = Count(gallery)
    with Visitor(gallery.address) as visitor:
        for name in ("voice.raw", "voice.RAW", "voice.", "voice", "voice.wav\0.raw"):
            sound = visitor.upload(b"\x00\x01" * 4000, name)
            count.job(visitor.ask("audio_super_resolution", [sound, "cubic-spline"]))
    return count.outcome()


@attack(8)
def numbers_beyond_floats(gallery: ServedGallery) -> Outcome:
    """Ten to the power of 400, NaN and infinity in every number of every endpoint, such as the speed of /speak."""
    count = Count(gallery)
    with Visitor(gallery.address) as visitor:
        picture = visitor.upload(png(), "small.png")
        for function in visitor.functions:
            if function["api_visibility"] != "public":
                continue
            number, kinds = function["id"], visitor.kinds(function["id"])
            given = [
                picture if kind == "image" else value
                for kind, value in zip(kinds, visitor.defaults(number), strict=True)
            ]
            given = [value or "a" if kind == "textbox" and not place else value
                     for place, (kind, value) in enumerate(zip(kinds, given, strict=True))]  # fmt: skip
            for place, kind in enumerate(kinds):
                if kind == "number":
                    for value in (10**400, -(10**400), float("nan"), float("inf")):
                        count.job(visitor.ask(number, with_value(given, place, value)))
    return count.outcome()


@attack(8)
def example_that_is_not_there(gallery: ServedGallery) -> Outcome:
    """Examples are chosen by numbers that they do not have."""
    count = Count(gallery)
    with Visitor(gallery.address) as visitor:
        for function in visitor.functions:
            number, kinds = function["id"], visitor.kinds(function["id"])
            for place in [place for place, kind in enumerate(kinds) if kind == "dataset"]:
                for value in (10**6, -(10**6), 1.5, "x", None, [0]):
                    count.either(visitor, function, with_value(visitor.defaults(number), place, value))
    return count.outcome()


@attack(8)
def model_that_is_null(gallery: ServedGallery) -> Outcome:
    """Every endpoint is asked for the model null, and for a few other things that are no names."""
    count = Count(gallery)
    with Visitor(gallery.address) as visitor:
        picture = visitor.upload(png(), "small.png")
        for function in visitor.functions:
            if function["api_visibility"] != "public":
                continue
            number = function["id"]
            labels = [visitor.components[id]["props"].get("label") for id in function["inputs"]]
            given = visitor.defaults(number)
            given[0] = picture if visitor.kinds(number)[0] == "image" else given[0] or "a"
            if "model" in labels:
                for value in NO_MODELS:
                    count.job(visitor.ask(number, with_value(given, labels.index("model"), value)))
    return count.outcome()


def _body(visitor: Visitor, number: object) -> dict[str, Any]:
    return {"data": [], "fn_index": number, "session_hash": visitor.session}
