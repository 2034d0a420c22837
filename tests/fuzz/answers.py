"""What no answer and no line of the log may hold, whatever was asked."""

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

from demos.status import BUG
from tests.served_gallery import FOLDERS, ROOT

_FOLDERS = (str(ROOT), sys.prefix, sys.base_prefix, FOLDERS, "site-packages", 'File "/')
_INSIDES = re.compile(
    r"Traceback \(most recent|<(?:function|bound method|class|module|coroutine)\b|\bat 0x[0-9a-f]{6,}"
)
_CONTENT = re.compile(r"root:[x*]:0:0:")
_SERVED = re.compile(r"(?:gradio_api/)?file=[^\"'\s<>\\]+")
"""The address of a file that the server gives out on purpose."""
_FILE_KEYS = {"path", "url"}
_FILE_VALUE = re.compile(r'"(?:path|url)": ?"[^"]*"')
"""The same within a page, whose description is part of a script."""


def faults_of(status: int, text: str) -> list[str]:
    """What is wrong with an answer, in a few words each."""
    found = []
    if status >= 500 and status not in (503, 507):  # the queue is full, the disk is full
        found.append(f"HTTP {status}")
    if _null_error(text):
        found.append("null error")
    if BUG in text:
        found.append("a bug is told")
    if _CONTENT.search(text):
        found.append("a file of the server is told")
    for words in _words(text):
        plain = _SERVED.sub("", words)
        if _INSIDES.search(plain):
            found.append("insides of the program are told")
        found += [f"a folder of the server is told: {folder}" for folder in _FOLDERS if folder in plain]
    return sorted(set(found))


def faults_of_log(log: str) -> list[str]:
    """The last line of each traceback in the log; every one is a fault that nobody has put into words."""
    ends = re.findall(r"^Traceback \(most recent call last\):\n(?:(?:[ |+].*)?\n)*?(\S.*)$", log, re.M)
    return [end[:160] for end in ends] or (["a traceback in the log"] if "Traceback (most" in log else [])


def is_refusal(status: int, text: str) -> bool:
    """Whether the call was turned away in words."""
    return status >= 400 or '"success":false' in text or "status problem" in text or "event: error" in text


def _null_error(text: str) -> bool:
    for line in text.splitlines():
        try:
            message = json.loads(line.removeprefix("data:"))
        except ValueError:
            continue
        output = message.get("output", message) if isinstance(message, dict) else None
        if isinstance(output, dict) and "error" in output and output["error"] is None and "data" not in output:
            return True
    return "event: error\ndata: null" in text


def _words(text: str) -> Iterator[str]:
    """Every text in an answer but the paths of the files that it hands out."""
    for line in text.splitlines():
        try:
            yield from _texts(json.loads(line.removeprefix("data:")))
        except (ValueError, RecursionError):
            yield _FILE_VALUE.sub("", line)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, dict):
        for key, part in value.items():
            if key not in _FILE_KEYS:
                yield from _texts(part)
