import hashlib
import multiprocessing
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from models import sources
from models.errors import FetchError, IntegrityError
from models.sources import InstalledPackage, Mirror, OnBytes, PackagedFiles, WeightFile, Weights
from models.store import WeightStore

CONTENTS = {"model.bin": b"weights" * 1000, "unet/config.json": b"{}"}
FILES = tuple(WeightFile(name, hashlib.sha256(data).hexdigest(), len(data)) for name, data in CONTENTS.items())


@dataclass
class Shelf(Mirror):
    """A mirror that remembers what it was asked for, writes `contents`, and then fails if there is a `failure`."""

    contents: dict[str, bytes] = field(default_factory=lambda: dict(CONTENTS))
    failure: FetchError | None = None
    seconds: float = 0.0
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def __str__(self) -> str:
        return "the shelf"

    def fetch(self, files: tuple[WeightFile, ...], into: Path, on_bytes: OnBytes) -> None:
        self.asked.append(tuple(file.name for file in files))
        time.sleep(self.seconds)
        for file in files:
            if (content := self.contents.get(file.name)) is not None:
                (into / file.name).parent.mkdir(parents=True, exist_ok=True)
                (into / file.name).write_bytes(content)
                on_bytes(len(content))
        if self.failure is not None:
            raise self.failure


WRONG = {"model.bin": b"Weights" * 1000, "unet/config.json": b"{}"}
UNREACHABLE = FetchError("the shelf is out of reach")


@pytest.fixture
def store(tmp_path: Path) -> WeightStore:
    return WeightStore(tmp_path / "cache")


def weights_from(*mirrors: Mirror) -> Weights:
    return Weights("tiny", FILES, mirrors)


def test_fetches_once_and_verified(store: WeightStore) -> None:
    shelf = Shelf()
    weights = weights_from(shelf)
    progress: list[tuple[int, int]] = []
    assert not store.present(weights)
    folder = store.fetch(weights, lambda here, total: progress.append((here, total)))
    assert {name: (folder / name).read_bytes() for name in CONTENTS} == CONTENTS
    assert progress[0] == (0, weights.size)
    assert progress[-1] == (weights.size, weights.size)
    assert progress == sorted(progress)
    assert store.present(weights)
    assert store.verify(weights) == ()
    assert store.fetch(weights) == folder
    assert len(shelf.asked) == 1
    assert [path.name for path in store.root.iterdir() if path.is_dir()] == [folder.name], "nothing temporary is left"


def test_the_same_name_with_other_pins_is_another_folder(store: WeightStore) -> None:
    other = Weights("tiny", FILES[:1], (Shelf(),))
    assert store.fetch(weights_from(Shelf())) != store.fetch(other)


def test_wrong_bytes_are_deleted_and_the_next_mirror_tried(store: WeightStore) -> None:
    wrong, right = Shelf(WRONG), Shelf()
    folder = store.fetch(weights_from(wrong, right))
    assert (folder / "model.bin").read_bytes() == CONTENTS["model.bin"]
    assert right.asked == [("model.bin",)], "the file that was right is kept"


def test_one_sentence_says_why_each_mirror_failed(store: WeightStore) -> None:
    with pytest.raises(FetchError) as error:
        store.fetch(weights_from(Shelf({}, UNREACHABLE), Shelf({}, FetchError("the drawer is locked"))))
    assert str(error.value) == "tiny could not be downloaded: the shelf is out of reach; the drawer is locked"
    assert not isinstance(error.value, IntegrityError)


@pytest.mark.parametrize("order", [1, -1])
def test_wrong_bytes_anywhere_are_an_integrity_error(store: WeightStore, order: int) -> None:
    mirrors = [Shelf(WRONG), Shelf({}, UNREACHABLE)][::order]
    with pytest.raises(IntegrityError, match=r"out of reach") as error:
        store.fetch(weights_from(*mirrors))
    assert "the shelf: model.bin has other bytes than the pinned ones" in str(error.value)
    assert not list(store.root.rglob("model.bin"))


def test_half_a_set_is_never_present_and_is_continued(store: WeightStore) -> None:
    shelf = Shelf({"unet/config.json": b"{}"}, UNREACHABLE)
    weights = weights_from(shelf)
    with pytest.raises(FetchError):
        store.fetch(weights)
    assert not store.present(weights)
    shelf.contents, shelf.failure = CONTENTS, None
    store.fetch(weights)
    assert shelf.asked == [("model.bin", "unet/config.json"), ("model.bin",)]


def test_a_hundred_threads_fetch_once(store: WeightStore) -> None:
    shelf = Shelf(seconds=0.3)
    weights = weights_from(shelf)
    gate = threading.Barrier(100)

    def fetch(_: int) -> Path:
        gate.wait()
        return store.fetch(weights)

    with ThreadPoolExecutor(100) as pool:
        folders = set(pool.map(fetch, range(100)))
    assert len(folders) == 1
    assert len(shelf.asked) == 1


@dataclass(frozen=True)
class Diary(Mirror):
    """A slow mirror that writes down every fetch in a file, for the test with several processes."""

    path: Path

    def fetch(self, files: tuple[WeightFile, ...], into: Path, on_bytes: OnBytes) -> None:
        with self.path.open("a") as diary:
            diary.write("fetched\n")
        Shelf(seconds=0.5).fetch(files, into, on_bytes)


def fetch_in_child(root: Path, diary: Path) -> str:
    return str(WeightStore(root).fetch(weights_from(Diary(diary))))


def test_two_processes_fetch_once(store: WeightStore, tmp_path: Path) -> None:
    diary = tmp_path / "diary.txt"
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        folders = pool.starmap(fetch_in_child, [(store.root, diary)] * 2, chunksize=1)
    assert diary.read_text() == "fetched\n"
    assert len(set(folders)) == 1
    assert store.present(weights_from(Diary(diary)))


def test_offline_says_what_to_do(store: WeightStore) -> None:
    shelf = Shelf()
    weights = weights_from(shelf)
    offline = WeightStore(store.root, offline=True)
    with pytest.raises(FetchError, match=r"tiny is not downloaded and the gallery is offline.*python -m models fetch"):
        offline.fetch(weights)
    assert shelf.asked == []
    folder = store.fetch(weights)
    assert offline.fetch(weights) == folder


def test_a_full_disk_is_noticed_before_the_download(store: WeightStore, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf()
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=5000))
    with pytest.raises(FetchError, match="make room"):
        store.fetch(weights_from(shelf))
    assert shelf.asked == []


def test_a_cache_folder_that_cannot_be_written(store: WeightStore) -> None:
    store.root.write_text("a file where the folder should be")
    with pytest.raises(FetchError, match="tiny cannot be saved: "):
        store.fetch(weights_from(Shelf()))


def test_verify_names_each_file_that_is_wrong(store: WeightStore) -> None:
    weights = weights_from(Shelf())
    assert store.verify(weights) == ("tiny is not here",)
    folder = store.fetch(weights)
    (folder / "model.bin").write_bytes(WRONG["model.bin"])
    (folder / "unet/config.json").unlink()
    assert store.verify(weights) == (
        "tiny: model.bin has other bytes than the pinned ones",
        "tiny: unet/config.json is missing",
    )


def test_a_deleted_file_is_fetched_again_alone(store: WeightStore) -> None:
    shelf = Shelf()
    weights = weights_from(shelf)
    (store.fetch(weights) / "model.bin").unlink()
    assert not store.present(weights)
    assert (store.fetch(weights) / "model.bin").read_bytes() == CONTENTS["model.bin"]
    assert shelf.asked[1:] == [("model.bin",)]


def test_packaged_files_are_returned_where_they_lie(
    store: WeightStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "__file__", str(tmp_path / "sources.py"))
    weights = weights_from(PackagedFiles("tiny"))
    assert not store.present(weights)
    Shelf().fetch(FILES, tmp_path / "weights/tiny", lambda count: None)
    assert store.present(weights)
    assert store.fetch(weights) == tmp_path / "weights/tiny"
    assert WeightStore(store.root, offline=True).fetch(weights) == tmp_path / "weights/tiny"
    assert not store.root.exists(), "no copy in the cache"
    (tmp_path / "weights/tiny/model.bin").write_bytes(WRONG["model.bin"])
    with pytest.raises(FetchError, match=r"models/weights/tiny .* altered"):
        store.fetch(weights)
    assert store.verify(weights) == ("tiny: model.bin has other bytes than the pinned ones",)


def test_an_installed_package_is_present_without_a_cache(store: WeightStore) -> None:
    weights = Weights("pillow", (), (InstalledPackage("pillow", metadata.version("pillow")),))
    assert store.present(weights)
    assert store.fetch(weights).name == "PIL"
    assert store.verify(weights) == ()
    missing = Weights("pillow", (), (InstalledPackage("pillow", "0.0.1"),))
    assert not store.present(missing)
    with pytest.raises(FetchError, match=r"pip install pillow==0\.0\.1"):
        store.fetch(missing)
    assert not store.present(missing), "nor after the failure"


def test_a_cached_file_that_was_altered_is_fetched_anew(store: WeightStore) -> None:
    shelf = Shelf()
    weights = weights_from(shelf)
    file = store.fetch(weights) / "model.bin"
    file.write_bytes(WRONG["model.bin"])
    assert (store.fetch(weights) / "model.bin").read_bytes() == CONTENTS["model.bin"]
    assert shelf.asked == [("model.bin", "unet/config.json"), ("model.bin",)], "what is right stays"


def test_a_new_process_hashes_what_lies_in_the_cache(store: WeightStore) -> None:
    weights = weights_from(Shelf())
    (store.fetch(weights) / "model.bin").write_bytes(WRONG["model.bin"])
    folder = WeightStore(store.root).fetch(weights)
    assert (folder / "model.bin").read_bytes() == CONTENTS["model.bin"]


def test_what_is_damaged_and_cannot_be_fetched_is_unavailable(store: WeightStore) -> None:
    weights = weights_from(Shelf())
    (store.fetch(weights) / "model.bin").write_bytes(WRONG["model.bin"])
    offline = WeightStore(store.root, offline=True)
    with pytest.raises(FetchError, match="tiny is damaged and the gallery is offline, so go online once"):
        offline.fetch(weights)
    assert not offline.present(weights)
    assert offline.refusal(weights)


def test_bytes_are_read_once_and_again_when_they_have_changed(
    store: WeightStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = weights_from(Shelf())
    folder = store.fetch(weights)
    later = WeightStore(store.root)
    hashed: list[str] = []
    digest = hashlib.file_digest

    def count(file: Any, name: str) -> Any:
        hashed.append(Path(file.name).name)
        return digest(file, name)

    monkeypatch.setattr(hashlib, "file_digest", count)
    for _ in range(2):
        later.fetch(weights)
    assert hashed == ["model.bin", "config.json"]
    os.utime(folder / "model.bin")
    later.fetch(weights)
    assert hashed == ["model.bin", "config.json", "model.bin"]
