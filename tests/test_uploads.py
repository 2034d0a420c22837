"""Files that visitors name: nothing but plain files is opened, nothing waits, and every refusal sounds the same."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from demos.pictures import read_picture
from demos.sound_input import read_sound
from demos.styles import title_of
from demos.uploads import LARGEST_FILE, open_upload
from models.errors import BadInputError


def fifo(folder: Path) -> str:
    os.mkfifo(folder / "pipe.png")
    return str(folder / "pipe.png")


def link_to_a_device(folder: Path) -> str:
    (folder / "link.png").symlink_to("/dev/zero")
    return str(folder / "link.png")


def huge(folder: Path) -> str:
    with (folder / "huge.png").open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    return str(folder / "huge.png")


REFUSED: dict[str, Callable[[Path], str]] = {
    "nothing there": lambda folder: str(folder / "absent.png"),
    "a folder": str,
    "a pipe that nobody writes to": fifo,
    "a device": lambda _: "/dev/tty",
    "a device that never ends": lambda _: "/dev/zero",
    "a link to a device": link_to_a_device,
    "what the system tells": lambda _: "/proc/self/environ",
    "the memory of the machine": lambda _: "/proc/kcore",
    "what the devices tell": lambda _: "/sys/kernel/mm/transparent_hugepage/enabled",
    "a huge file": huge,
    "no name at all": lambda _: "a\0b",
    "a name too long": lambda _: "x" * 5000,
}


@pytest.mark.parametrize("read", [open_upload, read_picture, read_sound, title_of])
@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_plain_file_is_refused_at_once_with_one_sentence(
    read: Callable[[str], object], case: str, tmp_path: Path
) -> None:
    path = REFUSED[case](tmp_path)
    said: list[str] = []

    def try_it() -> None:
        try:
            read(path)
        except BadInputError as error:
            said.append(str(error))

    # In a thread of its own: what waited for ever would never come back.
    thread = threading.Thread(target=try_it, daemon=True)
    thread.start()
    thread.join(20)
    assert said == ["This file is not here any more (uploads are kept for an hour); please upload it again."]


def test_a_plain_file_is_opened_for_reading(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"some bytes")
    with open_upload(str(tmp_path / "a.bin")) as file:
        assert file.read() == b"some bytes"
