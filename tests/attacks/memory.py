"""Memory and disk for the asking."""

import secrets
import struct
import time
import zlib
from threading import Thread

from tests.attacks.attack import Outcome, attack
from tests.attacks.files import chunk
from tests.attacks.honest import honest_seconds
from tests.served_gallery import ServedGallery
from tests.visitor import Visitor

SETTLE_SECONDS = 3
ROOM_MB = 60
"""What an idle process gains and loses by itself."""


def plain_png(side: int) -> bytes:
    """A square RGBA picture of one colour, made row by row: small as a file, four bytes a pixel when read."""
    packer = zlib.compressobj(9)
    row = b"\0" + b"\x10\x20\x30\xff" * side
    rows = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def kept(before: float, after: float) -> bool:
    """Whether a process holds more than a tenth above what it held."""
    return after > before * 1.1 + ROOM_MB


@attack(4, alone=True)
def index_of_a_blob(gallery: ServedGallery) -> Outcome:
    """A layer of a canvas is sent with the index 25,000,000, twice: the server makes that many empty places."""
    with Visitor(gallery.address) as visitor:
        canvas = next(id for id, component in visitor.components.items() if component["type"] == "imageeditor")
        before, statuses = gallery.resident_mb, set()
        for number in range(2):
            form = {"component_id": str(canvas), "session_hash": visitor.session, "fn_name": "accept_blobs"}
            blob = {"type": "layer", "index": "25000000", "id": f"blob-{number}"}
            statuses.add(
                visitor.http.post(
                    "/gradio_api/component_server", data=form | blob, files={"file": ("blob", b"x")}
                ).status_code
            )
    time.sleep(SETTLE_SECONDS)
    after = gallery.resident_mb
    return Outcome(f"status {sorted(statuses)}", not kept(before, after), f"{before:.0f} to {after:.0f} MB")


@attack(4, alone=True)
def blobs_nobody_fetches(gallery: ServedGallery) -> Outcome:
    """Sixty layers of 5 MB are sent for drawings that no call ever asks for."""
    with Visitor(gallery.address) as visitor:
        canvas = next(id for id, component in visitor.components.items() if component["type"] == "imageeditor")
        before, accepted = gallery.resident_mb, 0
        for number in range(60):
            form = {"component_id": str(canvas), "session_hash": visitor.session, "fn_name": "accept_blobs"}
            blob = {"type": "layer", "index": "0", "id": f"blob-{number}"}
            sent = visitor.http.post(
                "/gradio_api/component_server", data=form | blob, files={"file": ("blob", bytes(5_000_000))}
            )
            accepted += sent.status_code == 200
    # They may wait a while for their call.
    forgotten = time.monotonic() + 150
    while kept(before, after := gallery.resident_mb) and time.monotonic() < forgotten:
        time.sleep(SETTLE_SECONDS)
    return Outcome(f"{accepted} of 60 accepted", not kept(before, after), f"{before:.0f} to {after:.0f} MB")


@attack(4, alone=True)
def large_pictures(gallery: ServedGallery) -> Outcome:
    """A PNG of 49 megapixels, small as a file, is given to /super_resolution four times at once."""
    honest_seconds(gallery.address, within=60)
    before, content = gallery.resident_mb, plain_png(7000)
    refusals: list[str] = []

    def ask() -> None:
        with Visitor(gallery.address, timeout=90) as visitor:
            answer = visitor.ask("super_resolution", [visitor.upload(content, "large.png"), "bicubic", 0, ""], 90)
            refusals.append(str(answer.error)[:60] if answer.error else "enlarged")

    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    peak = before
    while any(thread.is_alive() for thread in threads):
        peak = max(peak, gallery.resident_mb)
        time.sleep(0.02)
    time.sleep(SETTLE_SECONDS)
    after = gallery.resident_mb
    figure = f"{len(content) // 1000} kB each; {before:.0f} MB, at most {peak:.0f}, then {after:.0f}"
    return Outcome("; ".join(sorted(set(refusals))), peak < before + 600 and not kept(before, after), figure)


@attack(4, alone=True)
def large_bodies(gallery: ServedGallery) -> Outcome:
    """JSON of 60 MB is sent to a handler, to the queue and to a component's own function, once as an option that a
    radio button does not have: what is refused may be written to the log as it is."""
    honest_seconds(gallery.address, within=60)
    flood = "A" * 60_000_000
    before, log = gallery.resident_mb, gallery.log_size()
    with Visitor(gallery.address) as visitor:
        picker = next(f["id"] for f in visitor.functions if not f["queue"] and visitor.kinds(f["id"]) == ["html"])
        radio = next(f["id"] for f in visitor.functions if visitor.kinds(f["id"])[:1] == ["radio"])
        component = {"session_hash": "x", "component_id": flood, "fn_name": "x", "data": "x"}
        statuses = [
            visitor.now(picker, [flood]).status_code,
            visitor.ask(radio, [flood, *visitor.defaults(radio)[1:]]).status,
            visitor.join("continue_text", [flood, 1, 0, 1, 0, "markov-chain"]).status_code,
            visitor.post("/gradio_api/component_server", component).status_code,
        ]
    time.sleep(SETTLE_SECONDS)
    after, written = gallery.resident_mb, gallery.log_size() - log
    figure = f"log +{written / 1e6:.1f} MB; {before:.0f} to {after:.0f} MB"
    shut = all(400 <= status < 500 for status in statuses) and written < 100_000 and not kept(before, after)
    return Outcome(f"status {statuses}", shut, figure)


@attack(4, alone=True)
def invented_sessions(gallery: ServedGallery) -> Outcome:
    """A thousand invented names of sessions call a small handler once each: for every name the server keeps a
    description of the whole page."""
    honest_seconds(gallery.address, within=60)
    before, started = gallery.resident_mb, time.monotonic()
    with Visitor(gallery.address) as visitor:
        class_now = visitor.number("class_now")
        for _ in range(1000):
            visitor.now(class_now, [], session_hash=secrets.token_hex(6))
    took, after = time.monotonic() - started, gallery.resident_mb
    return Outcome(f"{took:.0f} s for 1,000 names", not kept(before, after), f"{before:.0f} to {after:.0f} MB")
