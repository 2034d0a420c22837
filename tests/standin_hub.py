"""A stand-in for the Hugging Face hub on loopback: serves folders as model repositories, with faults to switch on.

    with StandInHub({"lecture/tiny": folder}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.gated = True

It speaks what huggingface_hub 2.4.0, transformers and diffusers ask of the hub when they load a model: `resolve` (HEAD
and GET, with ETag, X-Repo-Commit, X-Linked-* and ranges), model info and tree listing. huggingface_hub itself reads
HF_ENDPOINT once, when it is imported: to try `from_pretrained` on a repository name, start a process of its own.
"""

import hashlib
import json
import re
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

REVISION = "5ca1ab1e0ddba11cafe0b0a710adedfacade5eed"
"""The one commit of every repository here; `main` and every pull request point to it."""

ACCEPTED_TOKEN = "hf_standin"
"""The token of somebody who has accepted every licence."""

_PATH = re.compile(r"/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>refs/pr/\d+|[^/]+)/(?P<file>.+)")
_API = re.compile(
    r"/api/models/(?P<repo>[^/]+/[^/]+)"
    r"(/(?P<kind>revision|tree)/(?P<revision>refs/pr/\d+|[^/]+)(/(?P<folder>.+))?)?"
)
_CHUNK = 64 << 10


@dataclass(frozen=True)
class Request:
    """One request the hub has got; `first_byte` is where its range begins (0 without a range)."""

    method: str
    path: str
    first_byte: int
    token: str | None


class StandInHub:
    """Serves `repositories` (name -> folder) at `url` between `__enter__` and `__exit__`.

    The faults may be switched while it runs:
    """

    wrong_bytes: bool = False
    """Files come with their first byte changed and their length kept."""
    gated: bool = False
    """Only `ACCEPTED_TOKEN` gets files: 401 without a token, 403 with another one."""
    cuts: int = 0
    """So many of the next downloads are cut in the middle of what they would bring."""
    pause: float = 0.0
    """Seconds of sleep before each 64 KiB."""
    knows_ranges: bool = True
    """Whether a download may begin in the middle of a file."""

    def __init__(self, repositories: Mapping[str, Path]) -> None:
        self.repositories = dict(repositories)
        self.requests: list[Request] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("_BoundHandler", (_Handler,), {"hub": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def downloads(self, file: str) -> list[Request]:
        """The GET requests for `file`, in order."""
        return [request for request in self.requests if request.method == "GET" and request.path.endswith(f"/{file}")]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: StandInHub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Tests read `hub.requests`; the terminal stays quiet."""

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        token = self.headers.get("Authorization", "").removeprefix("Bearer ") or None
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "bytes=0-"))
        assert wanted is not None, self.headers["Range"]
        first = int(wanted[1]) if self.hub.knows_ranges else 0
        self.hub.requests.append(Request(self.command, path, first, token))
        match = _PATH.fullmatch(path) or _API.fullmatch(path)
        folder = self.hub.repositories.get(match["repo"]) if match else None
        if match is None or folder is None:
            self._refuse(401, "RepoNotFound", "Repository not found")
        elif match["revision"] not in (REVISION, "main", None) and not match["revision"].startswith("refs/pr/"):
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {match['revision']}")
        elif match.re is _API:
            self._describe(match["repo"], folder, match["kind"], match["folder"] or "")
        elif self.hub.gated and token != ACCEPTED_TOKEN:
            self._refuse(403 if token else 401, "GatedRepo", f"Access to model {match['repo']} is restricted")
        elif not (file := folder / match["file"]).is_file():
            self._refuse(404, "EntryNotFound", "Entry not found")
        elif first and first >= file.stat().st_size:
            self._refuse(416, "", "Range not satisfiable")
        else:
            self._serve(file.read_bytes(), first, int(wanted[2]) + 1 if wanted[2] else None)

    def _serve(self, content: bytes, first: int, end: int | None) -> None:
        digest, size = hashlib.sha256(content).hexdigest(), len(content)
        if self.hub.wrong_bytes:
            content = bytes(byte ^ 0xFF for byte in content[:1]) + content[1:]
        body = content[first:end]
        ranged = self.hub.knows_ranges and "Range" in self.headers
        self.send_response(206 if ranged else 200)
        self.send_header("ETag", f'"{digest}"')
        self.send_header("X-Linked-ETag", f'"{digest}"')
        self.send_header("X-Linked-Size", str(size))
        self.send_header("X-Repo-Commit", REVISION)
        self.send_header("Accept-Ranges", "bytes")
        if ranged:
            self.send_header("Content-Range", f"bytes {first}-{first + len(body) - 1}/{size}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self._send(body)

    def _send(self, body: bytes) -> None:
        stop = len(body)
        if self.hub.cuts:
            self.hub.cuts -= 1
            stop //= 2
        try:
            for start in range(0, stop, _CHUNK):
                time.sleep(self.hub.pause)
                self.wfile.write(body[start : min(start + _CHUNK, stop)])
            if stop < len(body):
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
        except ConnectionError:  # whoever asked has gone
            self.close_connection = True

    def _describe(self, repo: str, folder: Path, kind: str | None, below: str) -> None:
        files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
        inside = {name: path for name, path in files.items() if not below or name.startswith(f"{below}/")}
        if kind == "tree" and not inside:
            self._refuse(404, "EntryNotFound", "Entry not found")
        elif kind == "tree":
            self._send_json([_tree_entry(name, path.read_bytes()) for name, path in inside.items()])
        else:
            gate = "manual" if self.hub.gated else False
            siblings = [{"rfilename": name} for name in files]
            about = {"id": repo, "modelId": repo, "sha": REVISION, "private": False, "gated": gate, "tags": []}
            self._send_json(about | {"siblings": siblings})

    def _refuse(self, status: int, code: str, message: str) -> None:
        self._send_json({"error": message}, status, {"X-Error-Code": code, "X-Error-Message": message})

    def _send_json(self, content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


def _tree_entry(name: str, content: bytes) -> dict[str, object]:
    digest = hashlib.sha256(content).hexdigest()
    lfs = {"oid": digest, "size": len(content), "pointerSize": 134}
    return {"type": "file", "path": name, "oid": digest[:40], "size": len(content), "lfs": lfs}
