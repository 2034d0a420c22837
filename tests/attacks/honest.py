"""What honest visitors notice meanwhile: how long a small request waits, whether a picture is still enlarged."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO

import httpx
from PIL import Image

from tests.visitor import Visitor


def png(width: int = 32, height: int = 32, colour: str = "teal") -> bytes:
    """A picture of one colour."""
    content = BytesIO()
    Image.new("RGB", (width, height), colour).save(content, "PNG")
    return content.getvalue()


def honest_seconds(address: str, within: float) -> float:
    """How long an honest visitor waits for the enlargement of a small picture. Raises `TimeoutError`, and
    `PermissionError` if it is turned away."""
    started = time.monotonic()
    with Visitor(address, timeout=within) as visitor:
        answer = visitor.ask("super_resolution", [visitor.upload(png(), "small.png"), "bicubic", 0, ""], within)
    if not answer.success:
        raise PermissionError(str(answer.error))
    return time.monotonic() - started


class Waits:
    """How long small requests had to wait."""

    def __init__(self) -> None:
        self.longest = 0.0


@contextmanager
def small_requests(address: str, within: float = 60) -> Iterator[Waits]:
    """Asks for a small file again and again while the block runs."""
    waits, over = Waits(), threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=address, timeout=within) as client:
            while not over.is_set():
                started = time.monotonic()
                # A server that is held up breaks connections off, too.
                with suppress(httpx.TransportError):
                    client.get("/robots.txt")
                waits.longest = max(waits.longest, time.monotonic() - started)
                over.wait(0.05)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield waits
    finally:
        over.set()
        thread.join(within)
