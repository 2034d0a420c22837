"""What a browser, another website or a bare socket can do."""

import socket
import time
from urllib.parse import urlsplit

import httpx

from tests.attacks.attack import Outcome, attack
from tests.attacks.honest import honest_seconds
from tests.served_gallery import ServedGallery
from tests.visitor import Visitor

HEADERS = ("content-security-policy", "x-content-type-options", "referrer-policy")
LORIS_SECONDS = 45
"""How long a request that does not go on is watched."""
SOCKETS = 40


@attack(10)
def headers_of_the_page(gallery: ServedGallery) -> Outcome:
    """The page and a served file are fetched without the headers that tell a browser what it may do with them."""
    missing = set()
    for path in ("/", "/theme.css", "/config"):
        sent = httpx.get(f"{gallery.address}{path}", timeout=30).headers
        missing |= {name for name in HEADERS if name not in sent}
        if "frame-ancestors" not in sent.get("content-security-policy", ""):
            missing.add("frame-ancestors")
    return Outcome(f"missing: {', '.join(sorted(missing)) or 'none'}", not missing)


@attack(10)
def doors_of_the_developer(gallery: ServedGallery) -> Outcome:
    """Addresses for the developer of a page, not for its visitors: reload events that never end, the schema of all
    endpoints, the start of the program, the functions that edit the page."""
    reached = []
    for method, path in (
        ("GET", "/gradio_api/dev/reload"),
        ("GET", "/gradio_api/openapi.json"),
        ("GET", "/gradio_api/startup-events"),
        ("GET", "/gradio_api/vibe-code"),
        ("GET", "/gradio_api/app_id"),
        ("GET", "/monitoring/summary"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
    ):
        try:
            with httpx.stream(method, f"{gallery.address}{path}", timeout=5) as response:
                if response.status_code < 400:
                    reached.append(path)
        except httpx.TimeoutException:
            reached.append(path)
    return Outcome(f"open: {', '.join(reached) or 'none'}", not reached)


@attack(9)
def addresses_in_the_description(gallery: ServedGallery) -> Outcome:
    """The page's description is searched for functions at their addresses in memory and for folders of the server."""
    text = httpx.get(f"{gallery.address}/config", timeout=30).text
    addresses = text.count(" at 0x")
    return Outcome(f"{addresses} addresses", not addresses)


@attack(10)
def another_website(gallery: ServedGallery) -> Outcome:
    """A page of another website makes its reader's browser vote and line up, also under an address of the hall."""
    accepted = []
    with Visitor(gallery.address) as visitor:
        pick = visitor.number("pick")
        bodies = {
            "/gradio_api/run/predict": {
                "data": visitor.defaults(pick),
                "fn_index": pick,
                "session_hash": "x",
                "event_data": {"side": "left"},
            },
            "/gradio_api/queue/join": {
                "data": [None, "bicubic", 0, ""],
                "fn_index": visitor.number("super_resolution"),
                "session_hash": "x",
            },
            "/gradio_api/cancel": {"session_hash": "x", "fn_index": 1, "event_id": "x"},
        }
        for host in ("192.168.1.20:7860", urlsplit(gallery.address).netloc):
            for origin in ("https://evil.example", "null"):
                for path, body in bodies.items():
                    headers = {"Host": host, "Origin": origin, "Content-Type": "text/plain"}
                    answer = visitor.http.post(path, json=body, headers=headers)
                    json_too = visitor.http.post(
                        path, json=body, headers=headers | {"Content-Type": "application/json"}
                    )
                    if min(answer.status_code, json_too.status_code) < 400:
                        accepted.append(path.rpartition("/")[2])
    return Outcome(f"{len(accepted)} of 12 accepted", not accepted, ", ".join(sorted(set(accepted))))


@attack(10)
def half_a_request(gallery: ServedGallery) -> Outcome:
    """Forty connections send half of a request's head or body and then nothing (slow loris)."""
    where = urlsplit(gallery.address)
    halves = (
        b"GET / HTTP/1.1\r\nHost: gallery\r\nX-",
        b"POST /gradio_api/run/predict HTTP/1.1\r\nHost: gallery\r\nContent-Type: application/json\r\n"
        b'Content-Length: 1000\r\n\r\n{"data": [',
    )
    started, sockets = time.monotonic(), []
    for number in range(SOCKETS):
        connection = socket.create_connection((where.hostname, where.port), timeout=10)
        connection.sendall(halves[number % 2])
        sockets.append(connection)
    waited = honest_seconds(gallery.address, within=60)
    dropped: list[float] = []
    while sockets and time.monotonic() - started < LORIS_SECONDS:
        for connection in list(sockets):
            if _is_closed(connection):
                connection.close()
                sockets.remove(connection)
                dropped.append(time.monotonic() - started)
        time.sleep(0.2)
    for connection in sockets:
        connection.close()
    figure = f"the last after {dropped[-1]:.0f} s; " if dropped else ""
    return Outcome(
        f"{len(dropped)} of {SOCKETS} dropped within {LORIS_SECONDS} s",
        len(dropped) == SOCKETS,
        f"{figure}an honest request {waited:.1f} s",
    )


def _is_closed(connection: socket.socket) -> bool:
    """Whether the server has ended the connection; what it says before that is read and thrown away."""
    connection.setblocking(False)
    try:
        return connection.recv(4096) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
