"""The door: what is turned away before it reaches a tab, and that it gets one sentence and no 500."""

import asyncio
import inspect
import json
import logging
import os
import shutil
import socket
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import httpx
import pytest
from gradio import state_holder
from gradio.queueing import Event
from PIL import Image

from demos.door import bodies, protocol
from demos.door.blocks import GuardedBlocks
from demos.door.bodies import BoundedBody
from demos.door.calls import read_json
from demos.door.crowd import ADDRESS_SHARE, MOST_OF_A_SESSION, check_crowd
from demos.door.log import LONGEST, ShortFormatter
from demos.door.middleware import Door
from demos.door.queue import PATIENCE_SECONDS, FairQueue, in_turn
from demos.door.refusals import Refused
from demos.door.routes import is_open
from demos.door.sessions import LightSession
from demos.door.values import check_files, check_values
from demos.door.visitor import address_of, forwarded_for
from demos.gallery import build_gallery, launch
from demos.pictures import cache_folder
from demos.services import Services
from demos.settings import read_settings
from demos.uploads import REFUSED
from models.errors import BadInputError
from models.fair_line import HALL_SHARE
from tests.served_gallery import free_port

SESSION = "testsession"
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def door(services: Services) -> Iterator[tuple[str, gr.Blocks]]:
    """A gallery of three tabs, its address and its page."""
    settings = read_settings(["--port", str(free_port()), "--demos", "super-resolution,inpainting,language"])
    page = build_gallery(Services(services.registry, settings))
    yield launch(page, settings, block=False).rstrip("/"), page
    page.close()


def functions(page: gr.Blocks, *, queued: bool | None = None) -> list[Any]:
    return [fn for fn in page.fns.values() if fn.fn is not None and (queued is None or bool(fn.queue) == queued)]


def run(url: str, index: int, data: list[Any], **more: Any) -> httpx.Response:
    body = {"fn_index": index, "data": data, "session_hash": SESSION} | more
    return httpx.post(f"{url}/gradio_api/run/predict", content=json.dumps(body), headers=JSON, timeout=60)


def refused_with_a_sentence(answer: httpx.Response) -> str:
    assert 400 <= answer.status_code < 500, answer.text[:300]
    assert "error" in answer.json(), answer.text[:300]
    sentence = answer.json()["error"]
    assert sentence.endswith("."), answer.text[:300]
    assert "Traceback" not in sentence
    return str(sentence)


@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/info", "/no/such/thing"])
def test_every_answer_carries_the_headers(door: tuple[str, gr.Blocks], path: str) -> None:
    headers = httpx.get(door[0] + path, timeout=60).headers
    assert "frame-ancestors 'self' https://huggingface.co https://*.hf.space" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"]


def test_the_host_may_name_pages_that_frame_the_gallery() -> None:
    settings = read_settings(["--frame-ancestors", "https://lms.example.edu, https://b.example"])
    policy = dict(Door(None, gr.Blocks(), settings)._headers)[b"content-security-policy"]
    assert policy.endswith(b"https://*.hf.space https://lms.example.edu https://b.example")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/gradio_api/dev/reload"),
        ("GET", "/gradio_api/openapi.json"),
        ("GET", "/gradio_api/app_id"),
        ("GET", "/gradio_api/startup-events"),
        ("GET", "/monitoring"),
        ("GET", "/pwa_icon/100000"),
        ("GET", "/gradio_api/deep_link"),
        ("GET", "/gradio_api/proxy=https://a.hf.space"),
        ("POST", "/gradio_api/vibe-edit"),
        ("POST", "/gradio_api/process_recording"),
        ("POST", "/login"),
        ("GET", "/static/" + "x" * 300),
        ("DELETE", "/"),
        ("PUT", "/gradio_api/upload"),
    ],
)
def test_what_is_not_for_visitors_is_not_there(door: tuple[str, gr.Blocks], method: str, path: str) -> None:
    assert httpx.request(method, door[0] + path, timeout=60).status_code == 404
    assert not is_open(method, path)


def test_other_websites_get_no_answer_to_calls_that_change_something(door: tuple[str, gr.Blocks]) -> None:
    url = door[0]
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1", f"{url}.evil.example"):
        answer = httpx.post(f"{url}/gradio_api/cancel", headers={"Origin": origin}, json={})
        assert answer.status_code == 403, origin
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        assert httpx.request("OPTIONS", f"{url}/gradio_api/queue/join", headers=asked).status_code == 403
    for headers in (
        {"Origin": url},
        {"Origin": "https://gallery.example.edu", "X-Forwarded-Host": "gallery.example.edu"},
        {},
    ):
        own = httpx.post(f"{url}/gradio_api/reset", headers=headers, json={"event_id": "a"})
        assert own.status_code == 200


def test_bodies_are_bounded_whether_announced_or_not(door: tuple[str, gr.Blocks]) -> None:
    url = f"{door[0]}/gradio_api/run/predict"
    large = json.dumps({"data": ["a" * bodies.LARGEST_JSON], "fn_index": 0}).encode()

    def in_pieces() -> Iterator[bytes]:
        for start in range(0, len(large), 100_000):
            yield large[start : start + 100_000]

    assert httpx.post(url, content=large, headers=JSON).status_code == 413
    assert httpx.post(url, content=in_pieces(), headers=JSON).status_code == 413
    form = {"files": ("a.png", b"0" * (bodies.LARGEST_UPLOAD + 1))}
    assert httpx.post(f"{door[0]}/gradio_api/upload", files=form, timeout=60).status_code == 413


def test_a_body_that_stops_coming_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "PATIENCE_SECONDS", 0.05)

    async def half() -> dict[str, Any]:
        if not told:
            told.append(True)
            return {"type": "http.request", "body": b"{", "more_body": True}
        await asyncio.sleep(60)
        return {}

    told: list[bool] = []
    with pytest.raises(Refused) as refused:
        ThreadPoolExecutor(1).submit(asyncio.run, BoundedBody({}, half, 100).whole()).result()
    assert refused.value.status == 408


def test_a_request_that_never_ends_its_head_is_dropped(
    door: tuple[str, gr.Blocks], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a fresh connection, and on one that has been used before."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    host, port = door[0].removeprefix("http://").split(":")
    for before in (b"", b"GET /robots.txt HTTP/1.1\r\nHost: a\r\n\r\n"):
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(before)
            if before:
                assert b"200 OK" in connection.recv(100_000)
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
            while connection.recv(100_000):  # until it is closed; the timeout would raise
                pass


WRONG_CALLS: list[tuple[str, Any]] = [
    ("run/predict", b""),
    ("run/predict", b"{"),
    ("run/predict", b"[" * 100_000),
    ("run/predict", []),
    ("run/predict", None),
    ("run/predict", {}),
    ("run/predict", {"data": 1, "fn_index": 0, "session_hash": SESSION}),
    ("run/predict", {"data": [], "fn_index": 10**6, "session_hash": SESSION}),
    ("run/predict", {"data": [], "fn_index": -1, "session_hash": SESSION}),
    ("run/predict", {"data": [], "fn_index": "0", "session_hash": SESSION}),
    ("run/predict", {"data": [], "fn_index": True, "session_hash": SESSION}),
    ("run/predict", {"data": [1] * 99, "fn_index": 0, "session_hash": SESSION}),
    ("run/predict", {"data": [], "fn_index": 0, "session_hash": {"a": 1}}),
    ("run/predict", {"data": [], "fn_index": 0, "session_hash": "a" * 1000}),
    ("run/predict", {"data": ["\ud800"], "fn_index": 0, "session_hash": SESSION}),
    ("run/predict", {"data": [], "fn_index": 0, "session_hash": SESSION, "batched": True}),
    ("run/no-such-function", {"data": []}),
    ("call/no-such-function", {"data": []}),
    ("call/predict", {"data": []}),
    ("call/super_resolution", {"data": [1]}),
    ("call/v2/super_resolution", {"no_such_argument": 1}),
    ("call/v2/no-such-function", {}),
    ("queue/join", {"data": [], "fn_index": 0}),
    ("queue/join", {"data": [], "fn_index": 10**6, "session_hash": SESSION}),
    ("component_server", {"data": [], "component_id": 10**6, "session_hash": SESSION, "fn_name": "accept_blobs"}),
    ("component_server", {"data": [], "component_id": 1, "session_hash": SESSION, "fn_name": "__init__"}),
    ("cancel", {"session_hash": 1}),
]


@pytest.mark.parametrize(("path", "body"), WRONG_CALLS)
def test_wrong_calls_are_refused(door: tuple[str, gr.Blocks], path: str, body: Any) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = httpx.post(f"{door[0]}/gradio_api/{path}", content=content, headers=JSON, timeout=60)
    assert 400 <= answer.status_code < 500, answer.text[:300]
    assert answer.json().get("detail") or answer.json().get("error")


HOSTILE: tuple[Any, ...] = (
    None,
    "x",
    "<b>x</b>",
    -1,
    10**400,
    1e308,
    True,
    [],
    {},
    [[None]],
    {"path": "/etc/passwd"},
    {"path": 1},
    {"__type__": "update"},
)


def test_unqueued_handlers_answer_anything_with_a_sentence(door: tuple[str, gr.Blocks]) -> None:
    url, page = door
    answers = [
        run(url, fn._id, [value] * len(fn.inputs), event_data=value)
        for fn in functions(page, queued=False)
        for value in HOSTILE
    ]
    assert len(answers) > 100
    assert {answer.status_code for answer in answers} <= {200, 422}
    for answer in answers:
        if answer.status_code == 422:
            refused_with_a_sentence(answer)
            assert "<b>" not in answer.text
        assert "Something broke" not in answer.text


@pytest.fixture
def foreign(tmp_path: Path) -> dict[str, str]:
    """Paths that no caller may have opened."""
    Image.new("RGB", (8, 8)).save(tmp_path / "secret.png")
    os.mkfifo(tmp_path / "fifo.png")
    cache_folder().mkdir(parents=True, exist_ok=True)
    link = cache_folder() / "link.png"
    link.unlink(missing_ok=True)
    link.symlink_to(tmp_path / "secret.png")
    fifo = cache_folder() / "fifo.png"
    if not fifo.exists():
        os.mkfifo(fifo)
    return {
        "picture of the server": str(tmp_path / "secret.png"),
        "absent": str(tmp_path / "absent.png"),
        "fifo": str(tmp_path / "fifo.png"),
        "process": "/proc/self/fd/0",
        "device": "/dev/zero",
        "folder": str(cache_folder()),
        "link out of the folder": str(link),
        "fifo in the folder": str(fifo),
        "climbing": f"{cache_folder()}/../../etc/passwd",
        "empty": "",
        "zero byte": "a\0b",
        "address": "http://127.0.0.1/a.png",
    }


@pytest.mark.parametrize("shape", [{}, {"meta": {}}, {"meta": {"_type": "gradio.FileData"}}, {"is_stream": True}])
def test_no_file_but_our_own_is_ever_opened(
    door: tuple[str, gr.Blocks], foreign: dict[str, str], shape: dict[str, Any]
) -> None:
    """One sentence for all, whether they exist or not; through every input of every handler that takes a file."""
    url, page = door
    for what, path in foreign.items():
        for component in (gr.Image(), gr.ImageEditor(), gr.HTML(), gr.State()):
            for value in ({"path": path} | shape, [{"a": {"path": path} | shape}]):
                with pytest.raises(BadInputError) as refused:
                    check_values([component], [value])
                with pytest.raises(BadInputError):
                    check_files(value)
                assert str(refused.value) == REFUSED, what
    takers = [fn for fn in functions(page) if any(isinstance(block, gr.Image) for block in fn.inputs)]
    assert takers
    for fn in (fn for fn in takers if not fn.queue):
        data = [
            {"path": foreign["picture of the server"]} | shape if isinstance(block, gr.Image) else None
            for block in fn.inputs
        ]
        assert refused_with_a_sentence(run(url, fn._id, data)) == REFUSED


def test_an_endpoint_refuses_a_picture_of_the_server(door: tuple[str, gr.Blocks], foreign: dict[str, str]) -> None:
    url = f"{door[0]}/gradio_api/call/super_resolution"
    answers = set()
    for path in foreign.values():
        event = httpx.post(url, json={"data": [{"path": path}, "bicubic", 0, ""]}, timeout=60).json()["event_id"]
        answers.add(httpx.get(f"{url}/{event}", timeout=60).text)
    assert len(answers) == 1
    assert REFUSED in answers.pop()


def test_an_uploaded_picture_is_ours(door: tuple[str, gr.Blocks], tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "own.png")
    with (tmp_path / "own.png").open("rb") as file:
        (path,) = httpx.post(f"{door[0]}/gradio_api/upload", files={"files": file}).json()
    check_values([gr.Image()], [{"path": path}])


def test_an_answer_names_no_function_of_the_server() -> None:
    with GuardedBlocks() as page:
        view = gr.HTML("", window="", js_on_load="watch('window')")  # a quoted word may be an event
        gr.Button().click(lambda: gr.update(window="seen"), None, view)
    answer = page.postprocess_data(page.fns[0], gr.update(window="seen"), LightSession(page))
    (update,) = ThreadPoolExecutor(1).submit(asyncio.run, answer).result()
    assert update["props"]["window"] == "seen"
    assert not any(callable(part) for part in update.values())


def test_every_fault_of_a_handler_becomes_a_sentence(caplog: pytest.LogCaptureFixture) -> None:
    def refuse() -> None:
        raise BadInputError("There is no <b>such</b> thing.")

    def stumble() -> None:
        {"a": 1}["nothing"]

    with GuardedBlocks() as page:
        button = gr.Button()
        button.click(refuse, api_visibility="private")
        button.click(refuse, api_name="for_programs")
        button.click(stumble)

    def fault_of(number: int) -> str:
        with pytest.raises(gr.Error) as fault:
            ThreadPoolExecutor(1).submit(asyncio.run, page.process_api(number, [])).result()
        return str(fault.value.message)

    assert fault_of(0) == "There is no &lt;b&gt;such&lt;/b&gt; thing.", "the page shows it as HTML"
    assert fault_of(1) == "There is no <b>such</b> thing."
    assert not caplog.records
    assert fault_of(2).startswith("Something broke on our side (id ")
    assert "KeyError" in caplog.text, "a bug is no visitor's fault, so it stands in the log"


def test_nested_beyond_reason_is_refused() -> None:
    value: Any = "a"
    for _ in range(100):
        value = [value]
    with pytest.raises(BadInputError):
        check_values([gr.JSON()], [value])


@pytest.mark.parametrize(
    "text", ['{"a": "\\ud800"}', "[1]", "nan", "", '{"a": NaN}', '{"a": -Infinity}', '{"a": 1e999}', '{"a": ' * 5000]
)
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        read_json(text.encode())


def test_ordinary_json_passes() -> None:
    assert read_json(b'{"a": "\\u00e9 \\ud83d\\ude00"}') == {"a": "é 😀"}


class Call:
    """As much of Gradio's event as the door looks at."""

    def __init__(self, session: str, address: str) -> None:
        self.session_hash = session
        self.request: Any = SimpleNamespace(scope={}, client=SimpleNamespace(host=address))


def waiting(*callers: tuple[str, str]) -> list[Any]:
    return [Call(*caller) for caller in callers]


def test_a_session_and_an_address_may_have_so_many_calls_under_way() -> None:
    def page(calls: list[Any]) -> Any:
        return SimpleNamespace(_queue=SimpleNamespace(event_ids_to_events=dict(enumerate(calls))))

    mine = Call("me", "192.0.2.1").request
    check_crowd(page(waiting(*[("me", "192.0.2.1")] * (MOST_OF_A_SESSION - 1))), "me", mine, 300)
    with pytest.raises(Refused, match="You have 32 calls under way"):
        check_crowd(page(waiting(*[("me", "192.0.2.1")] * MOST_OF_A_SESSION)), "me", mine, 300)
    names = [(f"name {number}", "192.0.2.1") for number in range(int(300 * ADDRESS_SHARE))]
    with pytest.raises(Refused, match="from your network"):
        check_crowd(page(waiting(*names)), "another", mine, 300)
    check_crowd(page(waiting(*names)), "another", Call("another", "198.51.100.7").request, 300)


def test_sessions_and_addresses_take_turns_before_a_tab() -> None:
    greedy = waiting(*[("greedy", "192.0.2.1")] * 3)
    others = waiting(("Ann", "192.0.2.2"), ("Bob", "192.0.2.3"))
    ordered = in_turn([*greedy, *others])
    assert ordered == [greedy[0], *others, *greedy[1:]]
    names = waiting(*[(f"name {number}", "192.0.2.1") for number in range(50)])
    honest = waiting(("Ann", "198.51.100.7"))
    ordered = in_turn([*names, *honest])
    assert ordered.index(honest[0]) == HALL_SHARE
    # Whoever comes later, and however many have been served meanwhile, does not get in front of her again.
    later = waiting(*[(f"later {number}", "192.0.2.1") for number in range(50)])
    assert in_turn([*ordered[2:], *later], ordered[:2]).index(honest[0]) == HALL_SHARE - 2


def test_who_waits_too_long_before_a_tab_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    page = gr.Blocks()
    calls = FairQueue(False, 1, 1, 10, page, 1)
    with page:
        gr.Button().click(lambda: None, concurrency_id="tab")
    fn = page.fns[0]
    old, fresh = (Event(name, fn, Call(name, "192.0.2.1").request, None) for name in ("old", "fresh"))
    calls.create_event_queue_for_fn(fn)
    told: list[tuple[Any, Any]] = []
    monkeypatch.setattr(calls, "send_message", lambda event, message: told.append((event, message)))
    calls.event_queue_per_concurrency_id["tab"].queue.extend([old, fresh])
    calls.event_ids_to_events.update({event._id: event for event in (old, fresh)})
    old.enqueue_time -= PATIENCE_SECONDS + 1
    calls.broadcast_estimations("tab")
    assert calls.event_queue_per_concurrency_id["tab"].queue == [fresh]
    assert list(calls.event_ids_to_events) == [fresh._id]
    assert told[0][0] is old
    assert told[0][1].output["error"] == "This has waited for 10 minutes; please try again when less is going on."


def test_uploads_leave_some_of_the_disk(door: tuple[str, gr.Blocks], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10**8))
    answer = httpx.post(f"{door[0]}/gradio_api/upload", files={"files": ("a.png", b"a")})
    assert answer.status_code == 507
    assert "disk of the server is full" in refused_in(answer)


def refused_in(answer: httpx.Response) -> str:
    return str(answer.json()["error"])


def test_only_the_nearest_proxy_is_believed() -> None:
    assert forwarded_for([(b"x-forwarded-for", b"6.6.6.6, 203.0.113.9"), (b"host", b"a")]) == "203.0.113.9"
    assert forwarded_for([]) == ""


def test_an_address_is_one_line() -> None:
    def address(host: str) -> str:
        return address_of(Call("", host).request)

    assert address("192.0.2.1") == address("::ffff:192.0.2.1") == "192.0.2.1"
    assert address("2001:db8::1") == address("2001:db8::ffff:1") != address("2001:db8:0:1::1")
    assert address("testclient") == address("no address" * 1000) == address("") == ""


def test_a_session_weighs_little(door: tuple[str, gr.Blocks]) -> None:
    page = door[1]
    LightSession(page)
    tracemalloc.start()
    sessions = [LightSession(page) for _ in range(50)]
    size = tracemalloc.get_traced_memory()[0] / len(sessions)
    tracemalloc.stop()
    assert size < 10_000


def test_sessions_change_apart(door: tuple[str, gr.Blocks]) -> None:
    page = door[1]
    one, other = LightSession(page), LightSession(page)
    key, block = next((key, block) for key, block in page.blocks.items() if isinstance(block, gr.Textbox))
    one[key] = changed = gr.Textbox("changed", render=False)
    assert one[key] is changed
    assert other[key] is block


def test_invented_names_leave_nothing_behind(door: tuple[str, gr.Blocks]) -> None:
    url, page = door
    fn = functions(page, queued=False)[0]
    for number in range(5):
        run(url, fn._id, [None] * len(fn.inputs), session_hash=f"invented-{number}")
    assert {type(session) for session in page.app.state_holder.session_data.values()} == {LightSession}
    page.app.state_holder.capacity, before = 3, page.app.state_holder.capacity
    run(url, fn._id, [None] * len(fn.inputs), session_hash="one-more")
    page.app.state_holder.capacity = before
    assert "one-more" in page.app.state_holder, list(page.app.state_holder.session_data)


def test_what_light_sessions_stand_on_has_not_changed() -> None:
    """demos/door/sessions.py replaces a part of this module of Gradio: look at it again when this fails."""
    source = inspect.getsource(state_holder)
    assert sha256(source.encode()).hexdigest() == "ba948b8980416879770f2c1af91e2e468773993828ed3cbd654f915ff1562da8"


def test_long_records_are_cut_in_the_middle() -> None:
    record = logging.LogRecord("demos", logging.ERROR, "", 0, "start " + "x" * 10**6 + " end", (), None)
    text = ShortFormatter().format(record)
    assert len(text) < LONGEST + 100
    assert text.startswith("start")
    assert text.endswith("end")
    assert "characters left out" in text


def test_what_runs_in_the_browser_alone_is_no_function_here(door: tuple[str, gr.Blocks]) -> None:
    index = next(fn._id for fn in door[1].fns.values() if fn.fn is None and not fn.inputs)
    refused_with_a_sentence(run(door[0], index, []))
