"""Tiny wheels and a stand-in for a package index on loopback, with faults to switch on."""

import base64
import hashlib
import socket
import threading
import time
import zipfile
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

from models.sources import Wheel

_CHUNK = 64 << 10


def write_wheel(folder: Path, name: str, version: str, members: Mapping[str, bytes]) -> Wheel:
    """Writes a wheel that pip accepts, with `members` (any names) in it, and returns the pin of it."""
    stem = f"{name.replace('-', '_')}-{version}"
    about = f"{stem}.dist-info"
    texts = {
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    contents = {**members, **texts}
    record = "".join(f"{path},{_record_hash(content)},{len(content)}\n" for path, content in contents.items())
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in {**contents, f"{about}/RECORD": record.encode()}.items():
            archive.writestr(member, content)
    return Wheel(name, version, hashlib.sha256(path.read_bytes()).hexdigest())


def _record_hash(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


class StandInIndex:
    """Serves the wheels in `folder` at `url`, as PIP_INDEX_URL wants it, between `__enter__` and `__exit__`."""

    always_cut: bool = False
    """Every download of a wheel ends in the middle of it."""
    pause: float = 0.0
    """Seconds of sleep before each 64 KiB of a wheel."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.gone = threading.Event()
        """Set when a client has left in the middle of a wheel."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("_BoundHandler", (_Handler,), {"index": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/simple"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    index: StandInIndex
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        wheel = self.index.folder / Path(self.path).name
        if wheel.suffix == ".whl":
            self._send(wheel.read_bytes(), "application/zip")
        else:
            links = (f'<a href="/files/{path.name}">{path.name}</a>' for path in self.index.folder.glob("*.whl"))
            self._send("\n".join(links).encode(), "text/html")

    def log_message(self, format: str, *args: object) -> None:
        """The terminal stays quiet."""

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        is_wheel = kind == "application/zip"
        stop = len(body) // 2 if is_wheel and self.index.always_cut else len(body)
        try:
            for start in range(0, stop, _CHUNK):
                time.sleep(self.index.pause if is_wheel else 0)
                self.wfile.write(body[start : min(start + _CHUNK, stop)])
            if stop < len(body):
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
        except ConnectionError:
            self.index.gone.set()
            self.close_connection = True
