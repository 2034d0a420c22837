"""Pictures within bounds: pixels, memory, time and places, whatever the file says; and files that are served whole."""

import errno
import os
import random
import struct
import threading
import time
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageFile, PngImagePlugin

from demos import decoding
from demos.decoding import LARGE, MAX_JPEG_PIXELS, MAX_PIXELS
from demos.pictures import keep_bytes, open_picture, read_picture
from models.errors import BadInputError, BusyError, ModelError


def encoded(picture: Image.Image, kind: str, **options: object) -> BytesIO:
    content = BytesIO()
    picture.save(content, kind, **options)
    return content


def png_header(width: int, height: int) -> BytesIO:
    """A PNG that says it has so many pixels; to decode them, one would need the rest."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    checksum = struct.pack(">I", zlib.crc32(header))
    return BytesIO(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + checksum)


def jpeg(width: int, height: int, **options: object) -> BytesIO:
    return encoded(Image.new("RGB", (width, height), "teal"), "JPEG", quality=20, **options)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_cannot_be_reduced_while_decoding_may_have_sixteen_megapixels(kind: str) -> None:
    with pytest.raises(BadInputError, match="17 megapixels; at most 16"):
        read_picture(encoded(Image.new("L", (4096, 4097)), kind))


def test_a_telephone_s_jpeg_is_reduced_while_it_is_decoded() -> None:
    picture = read_picture(jpeg(8160, 6120))
    assert picture.size == (4080, 3060)
    with pytest.raises(BadInputError, match="of a JPEG 67"):
        read_picture(jpeg(65000, MAX_JPEG_PIXELS // 65000 + 1))


def test_a_large_jpeg_is_decoded_no_larger_than_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    content = jpeg(4000, 3000)
    loaded: list[tuple[int, int]] = []
    load = Image.Image.load

    def noted(self: Image.Image) -> object:
        loaded.append(self.size)
        return load(self)

    monkeypatch.setattr(Image.Image, "load", noted)
    assert read_picture(content, at_most=800).size == (800, 600)
    assert max(loaded) == (2000, 1500)


def test_only_one_large_picture_is_decoded_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    at_work, most = 0, 0
    lock = threading.Lock()
    load = ImageFile.ImageFile.load

    def counted(self: ImageFile.ImageFile) -> object:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        time.sleep(0.05)
        with lock:
            at_work -= 1
        return load(self)

    content = encoded(Image.new("1", (LARGE // 1024 + 1, 1024)), "PNG").getvalue()
    monkeypatch.setattr(ImageFile.ImageFile, "load", counted)
    threads = [threading.Thread(target=read_picture, args=(BytesIO(content),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_who_waits_too_long_for_a_turn_gets_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "PATIENCE", 0.01)
    large, small = jpeg(3000, 2000), jpeg(30, 20)
    with decoding._large_one:
        with pytest.raises(BusyError, match="try again in a minute"):
            read_picture(large)
        assert read_picture(small).size == (30, 20)
    assert read_picture(large).size == (3000, 2000)


def test_a_jpeg_that_goes_over_its_pixels_again_and_again_is_refused() -> None:
    content = jpeg(2000, 2000, progressive=True).getvalue()
    scan = content[content.rindex(b"\xff\xda") : -2]
    with pytest.raises(BadInputError, match="damaged"):
        read_picture(BytesIO(content[:-2] + 20_000 * scan + content[-2:]))


def test_memory_comes_back() -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    if not Path("/proc/self/statm").exists():
        pytest.skip("needs Linux")
    content = encoded(Image.new("RGBA", (4096, 4095), (9, 8, 7, 6)), "PNG", compress_level=1).getvalue()
    read_picture(BytesIO(content))
    before = resident()
    threads = [threading.Thread(target=read_picture, args=(BytesIO(content),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert resident() - before < 4 * MAX_PIXELS, "no more than one of the four is kept"


MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")


@pytest.mark.parametrize("mode", MODES)
def test_strips_and_turns_leave_a_picture_as_it_is(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = Image.effect_noise((61, 47), 60)
    picture = noise.convert("I").convert("I;16") if mode == "I;16" else noise.convert(mode)
    content = encoded(picture, "PNG")
    whole = read_picture(content)
    monkeypatch.setattr("demos.pictures._STRIP_PIXELS", 100)
    assert read_picture(content).tobytes() == whole.tobytes()
    monkeypatch.setattr("demos.decoding.LARGE", 0)
    assert read_picture(content).tobytes() == whole.tobytes()


@pytest.mark.parametrize("orientation", [*range(1, 9), 0, 99])
def test_every_orientation_stands_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.new("RGB", (8, 4), "white")
    picture.putpixel((0, 0), (255, 0, 0))
    content = encoded(picture, "PNG", exif=exif)
    corners = {1: (0, 0), 2: (7, 0), 3: (7, 3), 4: (0, 3), 5: (0, 0), 6: (3, 0), 7: (3, 7), 8: (0, 7)}
    assert read_picture(content).getpixel(corners.get(orientation, (0, 0))) == (255, 0, 0)


def damaged_files(number: int) -> list[bytes]:
    """Real pictures with notes, and then some of their bytes changed, left out and repeated."""
    dice = random.Random(7)
    exif = Image.Exif()
    exif[0x0112] = 6
    noise = Image.effect_noise((61, 47), 60)
    notes = PngImagePlugin.PngInfo()
    notes.add_text("a", "b" * 99, zip=True)
    whole = [encoded(noise.convert(mode), "PNG", pnginfo=notes, exif=exif) for mode in ("1", "LA", "P", "RGBA")]
    whole += [encoded(noise.convert(mode), "JPEG", exif=exif, progressive=True) for mode in ("L", "RGB", "CMYK")]
    frames = [Image.new("RGBA", (30, 30), name) for name in ("red", "blue")]
    whole += [encoded(frames[0], kind, save_all=True, append_images=frames[1:]) for kind in ("PNG", "WEBP")]
    files = []
    for place in range(number):
        content = bytearray(whole[place % len(whole)].getvalue())
        for _ in range(dice.choice([1, 2, 5, 20])):
            content[dice.randrange(len(content))] = dice.choice([0, 255, dice.randrange(256)])
        files.append(bytes(content if place % 5 else content[: dice.randrange(1, len(content))]))
    return files


@pytest.mark.filterwarnings("ignore")
def test_a_damaged_file_is_read_or_refused_in_words() -> None:
    for content in damaged_files(900):
        for read in (read_picture, open_picture):
            try:
                read(BytesIO(content))
            except BadInputError as error:
                assert str(error).startswith(("This picture", "This file is not a PNG"))  # noqa: PT017


def test_too_many_notes_are_refused() -> None:
    notes = PngImagePlugin.PngInfo()
    for _ in range(70):
        notes.add_text("a", " " * 2**20, zip=True)
    with pytest.raises(BadInputError, match="damaged"):
        read_picture(encoded(Image.new("L", (8, 8)), "PNG", pnginfo=notes))


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


def test_what_is_served_already_is_not_written_again_but_lives_on(served: Path) -> None:
    path = Path(keep_bytes(b"a result", "made.bin"))
    os.utime(path, (1, 1))
    with path.open("rb") as downloading:
        assert keep_bytes(b"a result", "made.bin") == str(path)
        assert downloading.read() == b"a result"
    assert path.stat().st_mtime > 1, "the clean-up of the cache goes by this"
    assert len(list(path.parent.iterdir())) == 1


def test_a_served_file_is_there_as_a_whole_or_not_at_all(served: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(self: Path, content: bytes) -> int:
        with self.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(ModelError, match="disk is full") as told:
        keep_bytes(b"a result", "made.bin")
    assert str(served) not in str(told.value)
    assert not [file for file in served.rglob("*") if file.is_file()]
