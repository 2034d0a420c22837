"""The addresses that the page and its clients need. Gradio has many more (monitoring, reloading, proxies, editing the
program in the browser): none of them is for visitors."""

import re

PREFIX = "/gradio_api"
_NAME = "[^/]{1,64}"
_READ = re.compile(
    r"/|/(config|theme\.css|favicon\.ico|robots\.txt|manifest\.json|pwa_icon)/?|/(assets|static|svelte)/.+"
    rf"|{PREFIX}/(info|theme\.css|queue/data|queue/status|upload_progress)/?"
    rf"|{PREFIX}/file=.+|{PREFIX}/heartbeat/{_NAME}|{PREFIX}/call/(v2/)?{_NAME}/{_NAME}"
)
_WRITE = re.compile(
    rf"{PREFIX}/(queue/join|upload|cancel|reset|component_server)/?|{PREFIX}/(run|api|call|call/v2)/{_NAME}/?"
)
FORMS = (f"{PREFIX}/upload", f"{PREFIX}/component_server")
"""Where files come in, as forms; everything else that is written is JSON."""
LONGEST_NAME = 255
"""Bytes of a file's name: what is longer is none, and asking the file system raises."""


def is_open(method: str, path: str) -> bool:
    """Whether there is anything for visitors at that address."""
    if any(len(part.encode(errors="replace")) > LONGEST_NAME for part in path.split("/")):
        return False
    reads, writes = _READ.fullmatch(path) is not None, _WRITE.fullmatch(path) is not None
    return {"GET": reads, "HEAD": reads, "POST": writes, "OPTIONS": reads or writes}.get(method, False)
