"""Hostile calls: every function of the page through every address that leads to one, and bodies that lead nowhere."""

from collections.abc import Callable
from random import Random
from typing import Any
from urllib.parse import quote

import httpx

from tests.fuzz import values
from tests.visitor import Visitor

Said = list[tuple[int, str]]
"""The status and the text of each answer to one call."""
Function = dict[str, Any]
WITHIN = 60.0
"""Seconds until a call must have come to its end on a busy machine."""
CHEAP = ("bicubic", "inpainting-telea", "levin-2004", "cubic-spline", "markov-chain", "wavenet", "progress-pca")
"""Models that are there without a download and answer at once."""


def arguments(random: Random, visitor: Visitor, function: Function) -> Any:
    """What the page would send, with hostile values in some places, now and then in another shape."""
    given = [_cheap(random, visitor.components[id]) for id in function["inputs"]]
    for place in range(len(given)):
        if random.random() < 0.4:
            given[place] = values.hostile(random)
    shape = random.random()
    if shape < 0.06:
        return given[:-1]
    if shape < 0.12:
        return [*given, values.hostile(random)]
    return values.hostile(random) if shape < 0.15 else given


def _cheap(random: Random, component: dict[str, Any]) -> Any:
    """What the component holds at first, but the quickest model."""
    props = component["props"]
    offered = [one["id"] for one in props.get("options") or [] if one["id"] in CHEAP]
    if offered or props.get("label") == "model":
        return random.choice(offered or CHEAP)
    return props.get("value")


def past_the_queue(random: Random, visitor: Visitor, function: Function) -> Said:
    name = random.choice([function["api_name"], "predict", *values.NAMES])
    body = _body(random, visitor, function)
    if random.random() < 0.2:
        body.pop("fn_index")
    return [_said(visitor.post(f"/gradio_api/{random.choice(['run', 'api'])}/{_quoted(name)}", body))]


def through_the_queue(random: Random, visitor: Visitor, function: Function) -> Said:
    body = _body(random, visitor, function)
    joined = visitor.post("/gradio_api/queue/join", body)
    if joined.status_code != 200 or body["session_hash"] != visitor.session:
        return [_said(joined)]
    return [_said(joined), (200, visitor.hear(joined.json()["event_id"], WITHIN).text)]


def by_its_name(random: Random, visitor: Visitor, function: Function) -> Said:
    version = random.choice(["call", "call/v2"])
    given = arguments(random, visitor, function)
    body: Any = {"data": given}
    if version == "call/v2":
        names = [visitor.components[id]["props"].get("label") or "x" for id in function["inputs"]]
        body = dict(zip(names, given, strict=False)) if isinstance(given, list) else given
    path = f"/gradio_api/{version}/{_quoted(function['api_name'])}"
    called = visitor.post(path, body)
    if called.status_code != 200:
        return [_said(called)]
    return [_said(called), _streamed(visitor, f"{path}/{called.json()['event_id']}", WITHIN)]


def of_a_component(random: Random, visitor: Visitor, function: Function) -> Said:
    canvases = [id for id, component in visitor.components.items() if component["type"] == "imageeditor"]
    name = random.choice(["accept_blobs", "accept_blobs", "preprocess", "__init__", values.scalar(random)])
    component = random.choice([*canvases, *canvases, *function["inputs"], values.scalar(random)])
    session = random.choice([visitor.session, values.scalar(random)])
    if random.random() < 0.4:
        body = {"session_hash": session, "component_id": component, "fn_name": name, "data": values.hostile(random)}
        return [_said(visitor.post("/gradio_api/component_server", body))]
    form = {
        "session_hash": session,
        "component_id": component,
        "fn_name": name,
        "type": random.choice(["layer", "background", "composite", values.scalar(random)]),
        "index": random.choice(["0", "7", "25000000", "-1", "x", "null", ""]),
        "id": random.choice(["x", "y", values.scalar(random)]),
    }
    for key in list(form):
        if random.random() < 0.1:
            del form[key]
    files = [("file", ("blob", random.randbytes(random.choice([0, 100, 100_000]))))] * random.choice([0, 1, 3])
    fields = {key: str(value).encode("utf-8", "replace") for key, value in form.items()}
    return [_said(visitor.http.post("/gradio_api/component_server", data=fields, files=files or None))]


def upload(random: Random, visitor: Visitor, function: Function) -> Said:
    name = random.choice(["x.png", "x.raw", "../../x", "/etc/x", "x" * 300, ".", "", "x.html", "\u202ex.svg"])
    content = random.choice([b"", b"\x89PNG\r\n\x1a\n", b"RIFF\xff\xff\xff\xffWAVE", random.randbytes(5_000)])
    sent = visitor.http.post("/gradio_api/upload", files={random.choice(["files", "x"]): (name, content)})
    said = [(sent.status_code, "")] if sent.status_code == 200 else [_said(sent)]  # it is told where its file lies
    files = [place for place, id in enumerate(function["inputs"]) if visitor.components[id]["type"] in _FILES]
    if sent.status_code == 200 and files and sent.json():
        given = [_cheap(random, visitor.components[id]) for id in function["inputs"]]
        given[files[0]] = {"path": sent.json()[0], "orig_name": name, "meta": {"_type": "gradio.FileData"}}
        said.append((200, visitor.ask(function["id"], given, WITHIN).text))
    return said


def cancel(random: Random, visitor: Visitor, function: Function) -> Said:
    body = {
        "session_hash": random.choice([visitor.session, values.scalar(random)]),
        "fn_index": random.choice([function["id"], values.scalar(random)]),
        "event_id": values.scalar(random),
    }
    return [
        _said(visitor.post(f"/gradio_api/{random.choice(['cancel', 'reset', 'stream/x', 'stream/x/close'])}", body))
    ]


def raw(random: Random, visitor: Visitor, function: Function) -> Said:
    names = (
        "queue/join",
        "run/predict",
        "call/speak",
        "call/v2/speak",
        "component_server",
        "upload",
        "cancel",
        "reset",
    )
    kinds = ("application/json", "text/plain", "multipart/form-data", "multipart/form-data; boundary=x", "x", "")
    headers = {"Content-Type": random.choice(kinds)}
    if random.random() < 0.3:
        key = random.choice(["Cookie", "X-Forwarded-For", "Referer", "Accept-Language", "X-Gradio-User", "Range"])
        headers[key] = random.choice(["x" * 5_000, "'", "../..", "127.0.0.1", "bytes=9-1", '"\\'])
    path = f"/gradio_api/{random.choice(names)}"
    return [_said(visitor.http.post(path, content=values.garbage(random), headers=headers))]


def other_address(random: Random, visitor: Visitor, function: Function) -> Said:
    named = _quoted(random.choice([*values.PATHS, *values.NAMES, function["api_name"]]))
    path = random.choice(
        (
            "gradio_api/file={}",
            "gradio_api/file/{}",
            "gradio_api/proxy={}",
            "gradio_api/custom_component/{}/client/component/index.js",
            "gradio_api/stream/{}/1/1/playlist.m3u8",
            "gradio_api/heartbeat/{}",
            "gradio_api/queue/data?session_hash={}",
            "gradio_api/call/{}/x",
            "gradio_api/upload_progress?upload_id={}",
            "gradio_api/deep_link?session_hash={}",
            "gradio_api/info?page={}",
            "gradio_api/{}",
            "static/{}",
            "assets/{}",
            "svelte/{}",
            "pwa_icon/{}",
            "monitoring/{}",
            "config?deep_link={}",
            "?demo={}",
            "?deep_link={}",
            "{}",
        )
    )
    return [_streamed(visitor, "/" + path.format(named), 1.0)]


Way = Callable[[Random, Visitor, Function], Said]
WAYS: tuple[Way, ...] = (
    past_the_queue,
    through_the_queue,
    through_the_queue,
    by_its_name,
    of_a_component,
    upload,
    cancel,
    raw,
    other_address,
)
_FILES = ("image", "imageeditor", "uploadbutton", "audio")


def _body(random: Random, visitor: Visitor, function: Function) -> dict[str, Any]:
    body = {
        "data": arguments(random, visitor, function),
        "fn_index": function["id"],
        "session_hash": visitor.session,
        "trigger_id": random.choice([None, None, function["targets"][0][0], -1]),
    }
    if random.random() < 0.5:
        body["event_data"] = values.event_data(random)
    if random.random() < 0.08:
        key = random.choice(["fn_index", "session_hash", "trigger_id", "event_id", "batched", "simple_format"])
        body[key] = values.scalar(random)
    return body


def _said(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.text


def _streamed(visitor: Visitor, path: str, within: float) -> tuple[int, str]:
    """The answer so far, for addresses that may go on for ever; the status is 408 if nothing at all came in time."""
    said, status = "", 408
    try:
        with visitor.http.stream("GET", path, timeout=within) as stream:
            status = stream.status_code
            for part in stream.iter_text():
                said += part
                if len(said) > 100_000 or "event: complete" in said or "event: error" in said:
                    break
    except httpx.TimeoutException:
        pass
    return status, said


def _quoted(name: object) -> str:
    """The name as part of an address."""
    return quote(str(name).encode("utf-8", "replace"), safe="") or "%20"
