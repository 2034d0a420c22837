"""Hostile values: each is drawn from a generator of random numbers alone, so that the same seed gives the same one."""

from collections.abc import Callable
from random import Random
from typing import Any

MARKS = "\u0315\u0300"
TEXTS = (
    "",
    " ",
    "\0",
    "\ud800",
    "\udfff\ud83d",
    "\u202eabc",
    "\u200b\u200c\u200d",
    "a" + MARKS * 400,
    "<script>alert(1)</script>",
    "{{7*7}} ${7*7} %s %(x)s {0.__class__}",
    "'; drop table visitors; --",
    "1e400",
    "nan",
    "true",
    "__class__",
    "../../../../etc/passwd",
    "https://127.0.0.1:9/x.png",
    "#12345678901",
    "rgb(1,1," + "1" * 400,
    "1,1," + " " * 300 + "x\ny",
    "1,1,#fff;" * 300,
    "今天天气很好。" * 40,
    "🧑\u200d🚀" * 50,
    "def f(:\n\t<CURSOR>\n  <CURSOR>",
    '{"prompt":1}\n{"token":null}\n',
    "x" * 5_000,
)
NUMBERS = (0, -1, 1, 2**31, 2**63, -(2**63), 10**400, -(10**400), 1e308, -1e-308, 0.5, float("nan"), float("inf"))
PATHS = (
    "/etc/passwd",
    "/etc",
    "/dev/zero",
    "/proc/self/environ",
    "/proc/self/fd/0",
    "../../../../etc/passwd",
    "file:///etc/passwd",
    "http://127.0.0.1:9/x.png",
    "\\\\host\\share",
    "no-such-file.png",
    "\0",
    "a" * 5_000,
    "",
)
NAMES = ("nothing", "predict", "run", "__init__", "tab_opened", "%2e%2e", "a/b", "x" * 2_000, "\u202e", "0", "-1", "")


def scalar(random: Random) -> Any:
    """A text, a number, or nothing."""
    return random.choice([random.choice(TEXTS), random.choice(NUMBERS), None, True, False])


def file_value(random: Random) -> Any:
    """A file that was not uploaded, in one of the ways to say so."""
    path: Any = random.choice([*PATHS, None, 1, [], {}])
    value: dict[str, Any] = {"path": path}
    for key, options in (
        ("meta", ({}, None, {"_type": "gradio.FileData"}, {"_type": "x"}, 1)),
        ("url", (None, "http://127.0.0.1:9/x", "file:///etc/passwd", 1)),
        ("orig_name", (None, "x.raw", "../x", 1)),
        ("is_stream", (True, None)),
        ("size", (-1, 10**400, None)),
        ("mime_type", ("text/html", 1)),
    ):
        if random.random() < 0.4:
            value[key] = random.choice(options)
    return value


def nested(random: Random) -> Any:
    """A value within others, some deep and some wide."""
    value = hostile(random) if random.random() < 0.5 else scalar(random)
    for _ in range(random.choice([1, 2, 5, 60, 240])):
        value = [value] if random.random() < 0.5 else {random.choice(["a", "path", "__type__", "value", ""]): value}
    return value


def drawing(random: Random) -> Any:
    """The value of a canvas."""
    part = random.choice([file_value, scalar])
    layers = [part(random) for _ in range(random.choice([0, 1, 9]))]
    parts = {"background": part(random), "layers": random.choice([layers, None, 1]), "composite": part(random)}
    return parts | {"id": random.choice([None, "x", 1, []])}


def update(random: Random) -> Any:
    """What only the server says to the page."""
    return {"__type__": random.choice(["update", "generic_update", 1]), "value": scalar(random), "visible": False}


def wide(random: Random) -> Any:
    """Many of one value."""
    return [scalar(random)] * random.choice([10, 1_000, 20_000])


_KINDS: tuple[Callable[[Random], Any], ...] = (scalar, scalar, scalar, file_value, drawing, nested, update, wide)


def hostile(random: Random) -> Any:
    """Anything that no page would send."""
    return random.choice(_KINDS)(random)


def event_data(random: Random) -> Any:
    """What is said to have happened on the page: an object of the right keys and wrong values, or anything."""
    keys = ("side", "index", "value", "selected", "key", "target", "row_value", "_data")
    return {key: hostile(random) for key in random.sample(keys, 3)} if random.random() < 0.6 else hostile(random)


def garbage(random: Random) -> bytes:
    """The body of a request that is no JSON, or far too much of it."""
    return random.choice(
        (
            b"",
            b"{",
            b"null",
            b"[]",
            b'"data"',
            b"\xff\xfe\x00",
            b'{"data": [1,}',
            b'{"data": NaN}',
            b'{"data": ' + b"[" * 100_000,
            b'{"data": [' + b"[" * 900 + b"]" * 900 + b"]}",
            b'{"data": ["' + b"A" * 3_000_000 + b'"]}',
            b"9" * 10_000,
            b'--x\r\nContent-Disposition: form-data; name="data"\r\n\r\n1',
            random.randbytes(random.choice([10, 1_000, 100_000])),
        )
    )
