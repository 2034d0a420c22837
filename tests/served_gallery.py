"""A gallery in a process of its own on loopback, so that its memory, its log and its end are its own."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).parent.parent
START_SECONDS = 120
FOLDERS = "served-gallery-"
"""How the names of the temporary folders begin: no visitor shall ever read one."""


@dataclass(frozen=True)
class ServedGallery:
    """Where a gallery listens and, where it runs on this machine for us alone, which process it is."""

    address: str
    """Without a slash at the end."""
    pid: int
    log: Path

    @property
    def resident_mb(self) -> float:
        """The main memory that the process holds."""
        fields = dict(
            line.split(":", 1) for line in Path(f"/proc/{self.pid}/status").read_text().splitlines() if ":" in line
        )
        return int(fields["VmRSS"].split()[0]) / 1024

    @property
    def processor_seconds(self) -> float:
        """What the process has computed so far, all cores together."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def alive(self) -> bool:
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except FileNotFoundError:
            return False

    def log_size(self) -> int:
        return self.log.stat().st_size

    def log_since(self, size: int) -> str:
        """What the log has gained since it had `size` bytes."""
        with self.log.open("rb") as log:
            log.seek(size)
            return log.read().decode(errors="replace")


def free_port() -> int:
    """A port of the loopback that nobody listens on now, below those that the system gives to whoever calls out."""
    while True:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def served_gallery(arguments: Sequence[str] = (), environment: dict[str, str] | None = None) -> Iterator[ServedGallery]:
    """Serves the gallery until the block ends. `arguments` are those of `app.py`, whose defaults hold otherwise."""
    folder = Path(tempfile.mkdtemp(prefix=FOLDERS))
    log, port = folder / "log", free_port()
    variables = os.environ | {"GRADIO_TEMP_DIR": str(folder / "served"), "PYTHONPATH": str(ROOT)} | (environment or {})
    with log.open("wb") as lines:
        process = subprocess.Popen(
            [sys.executable, "-u", str(ROOT / "app.py"), "--host", "127.0.0.1", "--port", str(port), *arguments],
            cwd=ROOT,
            env=variables,
            stdout=lines,
            stderr=subprocess.STDOUT,
        )
    try:
        gallery = ServedGallery(f"http://127.0.0.1:{port}", process.pid, log)
        _wait_until_served(gallery, process)
        yield gallery
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_served(gallery: ServedGallery, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the gallery ended while it started:\n{gallery.log_since(0)[-2000:]}"
        try:
            # The start of an application is over when a page of it can be had.
            if httpx.get(f"{gallery.address}/config", timeout=20).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise TimeoutError(f"the gallery did not start in {START_SECONDS} s:\n{gallery.log_since(0)[-2000:]}")
