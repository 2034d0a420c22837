"""`python -m tests.benchmarks.startup`: seconds from `python app.py` to the first page and each tab's first result.

Weights must be on disk (`python -m models fetch --all`); the first result includes loading the model into memory.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from gradio_client import Client, handle_file

from demos.examples import example
from tests.served_gallery import free_port

ROOT = Path(__file__).parent.parent.parent


def main() -> None:
    print(f"{'import app':32} {import_seconds('app'):6.2f} s")
    print(f"{'  of which gradio':32} {import_seconds('gradio'):6.2f} s")
    port = free_port()
    started = time.perf_counter()
    server = subprocess.Popen([sys.executable, "app.py", "--port", str(port)], cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(address)
        print(f"{'python app.py to first page':32} {time.perf_counter() - started:6.2f} s")
        client = Client(address, verbose=False)
        calls: dict[str, tuple[Any, ...]] = {
            "/super_resolution": (handle_file(example("cat.png")), "real-esrgan-animevideo"),
            "/speak": ("Hello, lecture hall.",),
            "/continue_text": ("To get an A+ in deep generative models, students have to", 40),
        }
        for endpoint, arguments in calls.items():
            first = seconds_of(lambda e=endpoint, a=arguments: client.predict(*a, api_name=e))  # type: ignore[misc]
            second = seconds_of(lambda e=endpoint, a=arguments: client.predict(*a, api_name=e))  # type: ignore[misc]
            print(f"{endpoint + ', first result':32} {first:6.2f} s   (the next one {second:.2f} s)")
    finally:
        server.terminate()
        server.wait()


def import_seconds(module: str) -> float:
    """Wall time of a fresh interpreter that imports `module`; the middle of three."""
    times = [
        seconds_of(lambda: subprocess.run([sys.executable, "-c", f"import {module}"], cwd=ROOT, check=True))
        for _ in range(3)
    ]
    return sorted(times)[1]


def wait_for(address: str) -> None:
    while True:
        try:
            if httpx.get(address, timeout=60).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)


def seconds_of(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
