"""The shape of a call: whether it names a function that is there and brings what that function takes."""

import json
import math
import re
from typing import Any

import gradio as gr

from demos.door.refusals import Refused
from demos.door.routes import PREFIX

_SHORT = re.compile(r"[\w.-]{1,64}", re.ASCII)
_NAMED = re.compile(rf"{PREFIX}/(run|api|call|call/v2)/([^/]+)/?")


def read_json(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises `Refused`."""
    try:
        content = json.loads(body, parse_float=_finite, parse_constant=_finite)
        # Halves of characters can be written in JSON, and in nothing that is said of them afterwards.
        if b"\\u" in body:
            json.dumps(content, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Refused(400, "This is no JSON; please send a JSON object.") from None
    if not isinstance(content, dict):
        raise Refused(400, "This is no JSON object; please send one.")
    return content


def _finite(text: str) -> float:
    """The number. Raises `ValueError` for what no answer could repeat, for it has no place in JSON."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def check_call(page: gr.Blocks, path: str, content: dict[str, Any]) -> None:
    """Raises `Refused` for a call that no page and no client of ours would make."""
    for name in ("session_hash", "event_id"):
        value = content.get(name)
        if value is not None and not (isinstance(value, str) and _SHORT.fullmatch(value)):
            raise Refused(422, f"{name} must be a short text of letters, digits and hyphens.")
    for name in ("fn_index", "trigger_id"):
        value = content.get(name)
        if value is not None and (type(value) is not int or abs(value) > 2**31):
            raise Refused(422, f"{name} must be a whole number.")
    if content.get("batched") or content.get("oauth_token") is not None:
        raise Refused(422, "This gallery takes one call at a time, and no tokens.")
    if path.rstrip("/") in (f"{PREFIX}/cancel", f"{PREFIX}/reset"):
        return
    named = _NAMED.fullmatch(path)
    function = _function(page, named and named[1], named and named[2], content)
    if named and named[1] == "call/v2":
        return  # its arguments go by name: Gradio looks for them
    data = content.get("data")
    if not isinstance(data, list):
        raise Refused(422, "data must be a list of values.")
    needed = {len(function.inputs), sum(not block.skip_api for block in function.inputs)}
    if len(data) not in needed:
        raise Refused(422, f"This call has {len(data)} values and needs {max(needed)}.")
    if not (named and named[1] == "call") and content.get("session_hash") is None:
        raise Refused(422, "session_hash is missing.")


def _function(page: gr.Blocks, way: str | None, name: str | None, content: dict[str, Any]) -> Any:
    index = content.get("fn_index")
    if way in ("call", "call/v2"):  # for programs, by name
        found = [fn for fn in page.fns.values() if fn.api_name == name and fn.api_visibility != "private"]
    elif index is not None:
        found = [page.fns[index]] if index in page.fns else []
    else:
        found = [fn for fn in page.fns.values() if fn.api_name == name and name is not None]
    if not found or found[0].fn is None:  # what runs in the browser alone has no function here
        raise Refused(404, "There is no such function here; please load the page again.")
    return found[0]
