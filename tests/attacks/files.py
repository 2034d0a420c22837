"""File values that name what the visitor has not uploaded."""

import os
import struct
import tempfile
import threading
import zlib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.attacks.attack import Outcome, attack
from tests.attacks.honest import honest_seconds, png
from tests.served_gallery import ServedGallery
from tests.visitor import Visitor

FILE_KINDS = ("image", "imageeditor", "uploadbutton", "audio")
PICTURE_ENDPOINTS = ("super_resolution", "inpaint", "colorize", "stroke_to_image", "style_transfer", "translate_image")


def chunk(kind: bytes, content: bytes) -> bytes:
    """One part of a PNG file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def claimed_png(width: int, height: int) -> bytes:
    """A PNG that says so large it is and has no pixels: whoever opens it says that it is too large."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@contextmanager
def secret_folder() -> Iterator[Path]:
    """A folder of the server that nobody has uploaded to, with a picture and a sound that tell when they are read."""
    with tempfile.TemporaryDirectory(prefix="secret-") as name:
        folder = Path(name)
        (folder / "huge.png").write_bytes(claimed_png(60_000, 1_000))
        (folder / "red.png").write_bytes(png(colour="red"))
        rate = struct.pack("<IHHIIHH", 16, 1, 1, 1000, 2000, 2, 16)
        body = b"WAVEfmt " + rate + b"data" + struct.pack("<I", 0)
        (folder / "slow.wav").write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
        yield folder


def forms(path: object) -> list[dict[str, Any]]:
    """The ways to name a file of the server in a call."""
    return [
        {"path": str(path)},
        {"path": str(path), "meta": {}},
        {"path": str(path), "meta": None},
        {"path": str(path), "meta": {"_type": "gradio.FileData"}},
    ]


def in_component(kind: str, form: Any) -> Any:
    """The file as a component of that kind carries it."""
    return {"background": form, "layers": [form], "composite": form, "id": None} if kind == "imageeditor" else form


def places_of_files(visitor: Visitor) -> Iterator[tuple[dict[str, Any], int, str]]:
    """Every function that reads a file: the function, the place of the file among its values, the kind."""
    for function in visitor.functions:
        for place, kind in enumerate(visitor.kinds(function["id"])):
            if kind in FILE_KINDS:
                yield function, place, kind


def values_with(visitor: Visitor, number: int, place: int, value: Any) -> list[Any]:
    """What the page sends at first, with another value in one place; other pictures are the visitor's own, and no text
    is empty."""
    own = visitor.upload(png(), "own.png")
    empty = {"image": own, "textbox": "a"}
    values = [
        given or empty.get(kind, given)
        for kind, given in zip(visitor.kinds(number), visitor.defaults(number), strict=True)
    ]
    return [*values[:place], value, *values[place + 1 :]]


def opened(text: str) -> bool:
    """Whether the words speak of what stands in the secret picture or sound."""
    return "megapixels" in text or "1000 samples" in text


@attack(1)
def picture_of_the_server(gallery: ServedGallery) -> Outcome:
    """A picture anywhere on the server's disk is named by its path, without the key `meta` or with an empty one, in the
    six picture endpoints; /super_resolution with `bicubic` then hands out the picture itself."""
    read, given, calls = set(), False, 0
    with secret_folder() as folder, Visitor(gallery.address) as visitor:
        for endpoint in PICTURE_ENDPOINTS:
            for form in forms(folder / "huge.png"):
                number = visitor.number(endpoint)
                answer = visitor.ask(number, values_with(visitor, number, 0, form))
                calls += 1
                if opened(str(answer.error)):
                    read.add(endpoint)
        for form in forms(folder / "red.png"):
            given = given or visitor.ask("super_resolution", [form, "bicubic", 0, ""]).success
    what = f"read by {len(read)} of {len(PICTURE_ENDPOINTS)} endpoints, {'and' if given else 'not'} handed out"
    return Outcome(what, not read and not given, f"{calls} calls")


@attack(1)
def file_in_the_page(gallery: ServedGallery) -> Outcome:
    """The same through every input of the page that takes a file: pictures, canvases, buttons, sounds."""
    read, asked = set(), set()
    with secret_folder() as folder, Visitor(gallery.address) as visitor:
        for function, place, kind in places_of_files(visitor):
            if function["api_visibility"] == "public":
                continue
            number = function["id"]
            asked.add((number, place))
            for form in forms(folder / ("slow.wav" if kind == "audio" else "huge.png")):
                values = values_with(visitor, number, place, in_component(kind, form))
                text = visitor.ask(number, values).text if function["queue"] else visitor.now(number, values).text
                if opened(text):
                    read.add((number, place))
    return Outcome(f"read by {len(read)} of {len(asked)} inputs", not read, f"{len(asked) * 4} calls")


@attack(1)
def which_files_exist(gallery: ServedGallery) -> Outcome:
    """The sentences for a file that exists, one that does not, a folder and a device are compared."""
    sentences: defaultdict[tuple[int, str], set[str]] = defaultdict(set)
    with secret_folder() as folder, Visitor(gallery.address) as visitor:
        paths = (folder / "red.png", folder / "slow.wav", folder / "nothing.png", folder, "/etc/passwd", "/dev/null")
        for path in paths:
            for place, form in enumerate(forms(path)):
                for endpoint in ("super_resolution", "audio_super_resolution"):
                    number = visitor.number(endpoint)
                    model = "bicubic" if endpoint == "super_resolution" else "cubic-spline"
                    answer = visitor.ask(number, [form, model, *visitor.defaults(number)[2:]])
                    sentences[place, endpoint].add(str(answer.error))
    most = max(map(len, sentences.values()))
    return Outcome(f"up to {most} sentences for six paths", most == 1, f"{len(sentences) * len(paths)} calls")


@attack(1, alone=True)
def file_that_never_opens(gallery: ServedGallery) -> Outcome:
    """FIFOs of the server are named as pictures until all places of a tab wait for somebody to write into them; then an
    honest visitor asks for an enlargement."""
    with secret_folder() as folder:
        fifo = folder / "pipe.png"
        os.mkfifo(fifo)
        visitors = [Visitor(gallery.address) for _ in range(6)]
        for visitor, form in zip(visitors, [*forms(fifo), *forms(fifo)], strict=False):
            visitor.join("super_resolution", [form, "bicubic", 0, ""])
        try:
            waited = honest_seconds(gallery.address, within=20)
            return Outcome("the honest visitor is served", True, f"{waited:.1f} s")
        except TimeoutError:
            return Outcome("nobody is served any more", False, "over 20 s")
        finally:
            writer = threading.Thread(target=_release, args=[fifo])
            writer.start()
            writer.join(10)
            for visitor in visitors:
                visitor.close()


@attack(1)
def file_of_the_kernel(gallery: ServedGallery) -> Outcome:
    """/proc, /dev and relative paths are named as pictures and sounds; each call must end with a refusal in 10 s."""
    paths = (
        "/proc/self/environ",
        "/proc/self/fd/0",
        "/proc/1/mem",
        "/dev/zero",
        "/dev/tty",
        "../../etc/passwd",
        "",
        "\0",
    )
    ended, accepted, calls = 0, 0, 0
    with Visitor(gallery.address) as visitor:
        for path in paths:
            for form in forms(path):
                for endpoint, model in (("super_resolution", "bicubic"), ("audio_super_resolution", "cubic-spline")):
                    calls += 1
                    number = visitor.number(endpoint)
                    try:
                        answer = visitor.ask(number, [form, model, *visitor.defaults(number)[2:]], within=10)
                        ended += bool(answer.error)
                        accepted += answer.success
                    except TimeoutError:
                        pass
    return Outcome(f"{ended} of {calls} calls end with a sentence, {accepted} accepted", ended == calls)


def _release(fifo: Path) -> None:
    """Lets whoever waits for a writer of `fifo` go on."""
    for _ in range(20):
        try:
            os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return
        threading.Event().wait(0.2)
