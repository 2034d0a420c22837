"""A program that speaks to the gallery's addresses as the page does, without the page's good manners."""

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx


@dataclass(frozen=True)
class Answer:
    """What became of a call in the queue."""

    success: bool
    text: str
    """All that the server said, as it came."""
    error: Any = None
    """The sentence of the refusal, where there is one."""
    status: int = 200


class Visitor:
    """One session. The name of a session is made up by whoever calls, here as there."""

    def __init__(self, address: str, session: str = "", *, timeout: float = 60, comes_from: str = "127.0.0.1") -> None:
        """`comes_from` is another address of the loopback for whoever shall look like another machine."""
        self.session = session or secrets.token_hex(6)
        # After a fault the server breaks the connection off: the next call shall not find out by that.
        transport = httpx.HTTPTransport(local_address=comes_from, limits=httpx.Limits(max_keepalive_connections=0))
        self.http = httpx.Client(base_url=address, timeout=timeout, transport=transport)

    def close(self) -> None:
        self.http.close()

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def config(self) -> dict[str, Any]:
        """The page's description: components and functions."""
        described: dict[str, Any] = self.http.get("/config").json()
        return described

    @cached_property
    def components(self) -> dict[int, dict[str, Any]]:
        return {component["id"]: component for component in self.config["components"]}

    @property
    def functions(self) -> list[dict[str, Any]]:
        """Those that run on the server."""
        return [function for function in self.config["dependencies"] if function["backend_fn"]]

    def number(self, name: str) -> int:
        """The number of the function of that name, as the page calls it."""
        return next(int(function["id"]) for function in self.config["dependencies"] if function["api_name"] == name)

    def kinds(self, number: int) -> list[str]:
        """Which kinds of components a function reads."""
        inputs = next(function["inputs"] for function in self.config["dependencies"] if function["id"] == number)
        return [self.components[id]["type"] for id in inputs]

    def defaults(self, number: int) -> list[Any]:
        """What the page would send if nobody had touched it."""
        inputs = next(function["inputs"] for function in self.config["dependencies"] if function["id"] == number)
        return [self.components[id]["props"].get("value") for id in inputs]

    def join(self, function: str | int, data: Any, **others: Any) -> httpx.Response:
        """Lines up for a function in the queue."""
        number = self.number(function) if isinstance(function, str) else function
        body = {"data": data, "fn_index": number, "session_hash": self.session, "trigger_id": None} | others
        return self.post("/gradio_api/queue/join", body)

    def now(self, function: str | int, data: Any, **others: Any) -> httpx.Response:
        """Calls a function past the queue."""
        number = self.number(function) if isinstance(function, str) else function
        body = {"data": data, "fn_index": number, "session_hash": self.session} | others
        return self.post("/gradio_api/run/predict", body)

    def post(self, path: str, body: Any) -> httpx.Response:
        """Sends `body` as JSON, numbers that JSON does not know (NaN) included."""
        return self.http.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})

    def ask(self, function: str | int, data: Any, within: float = 60, **others: Any) -> Answer:
        """Lines up and waits at most `within` seconds for the end. Raises `TimeoutError`."""
        joined = self.join(function, data, **others)
        if joined.status_code != 200:
            return Answer(False, joined.text, _detail(joined), joined.status_code)
        return self.hear(joined.json()["event_id"], within)

    def hear(self, event: str, within: float) -> Answer:
        """Waits for the end of a job that this session has in the queue. Raises `TimeoutError`."""
        deadline, said = time.monotonic() + within, []
        try:
            with self.http.stream(
                "GET", "/gradio_api/queue/data", params={"session_hash": self.session}, timeout=within
            ) as stream:
                for line in stream.iter_lines():
                    if time.monotonic() > deadline:
                        break
                    if not line.startswith("data:"):
                        continue
                    said.append(line)
                    message = json.loads(line.removeprefix("data:"))
                    if message["msg"] == "process_completed" and message["event_id"] == event:
                        output = message["output"]
                        return Answer(message["success"], "\n".join(said), output.get("error"))
        except httpx.TimeoutException:
            pass
        raise TimeoutError(f"no end within {within:.0f} s")

    def upload(self, content: bytes, name: str) -> dict[str, Any]:
        """The file as the page would name it in a call after its upload."""
        (path,) = self.http.post("/gradio_api/upload", files={"files": (name, content)}).json()
        return {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}


def with_value(values: Sequence[Any], place: int, value: Any) -> list[Any]:
    """`values` with another one at `place`."""
    return [*values[:place], value, *values[place + 1 :]]


def _detail(response: httpx.Response) -> Any:
    try:
        return response.json().get("detail")
    except (ValueError, AttributeError):
        return response.text
