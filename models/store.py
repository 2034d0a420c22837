"""The cache folder of downloaded weights: fetch once, verify by sha256, keep."""

import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock

from models.disk import folder_size, require_free_space
from models.errors import FetchError, IntegrityError
from models.pins import read_pins, resolve, write_pins
from models.sources import Mirror, WeightFile, Weights

log = logging.getLogger(__name__)
_Stamp = tuple[int, int, int]
_DAMAGED = "has other bytes than the pinned ones"

OnProgress = Callable[[int, int], None]
"""Called with (bytes here, bytes in all)."""


class WeightStore:
    """Weights on disk, one folder per set under `root`. Safe for many threads and several processes at once.

    A set is fetched into `<folder>.partial` beside its folder: there `verified` gathers the files whose hash is right,
    and each mirror has a place of its own to go on from after an interruption. Renaming `verified` completes the set,
    so that a folder without `.partial` is always whole.
    """

    def __init__(self, root: Path, *, offline: bool = False, only_pinned: bool = False) -> None:
        self.root = root
        self.offline = offline
        self.only_pinned = only_pinned
        self._hashed: dict[Path, tuple[_Stamp, WeightFile, str | None]] = {}
        """What was found wrong with a file of that stamp (None: nothing) when its bytes were last looked at."""

    def refusal(self, weights: Weights) -> str:
        """Why `fetch` will not try, in a few words; empty if it will."""
        if weights.unpinned and self.only_pinned:
            return "not pinned yet: run `python -m models pin`"
        return "offline and not downloaded" if self.offline and not self.present(weights) else ""

    def present(self, weights: Weights) -> bool:
        """Whether `fetch` would return at once, without the network. Looks at names, sizes and what is known of the
        bytes; does not read them."""
        known = self._known(weights)
        return known is not None and any(self._looks_whole(folder, known) for folder in self._folders(known))

    def fetch(self, weights: Weights, on_progress: OnProgress = lambda here, total: None) -> Path:
        """The folder with the verified files, fetched from the first mirror that can give them. Files are hashed when
        this process first meets them, and again whenever they have changed.

        Unpinned weights are pinned to what the hub holds at the first fetch, and stay so in this cache. Raises
        `FetchError` (every mirror failed; the message says why) or `IntegrityError` (the bytes were not the pinned
        ones).
        """
        if weights.unpinned:
            weights = self._pinned(weights)
        cached = self._cached(weights)
        for folder in self._folders(weights):
            if self._whole(folder, weights):
                return folder
        if self.offline:
            what = "damaged" if _complete(cached, weights) else "not downloaded"
            raise FetchError(
                f"{weights.name} is {what} and the gallery is offline, so go online once and run "
                "`python -m models fetch`"
            )
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{cached}.lock"):
                if not self._whole(cached, weights):
                    self._download(weights, on_progress)
                    for file in weights.files:  # on the way here each one was hashed
                        self._hashed[cached / file.name] = (_stamp(cached / file.name), file, None)
        except OSError as error:
            log.error("%s cannot be saved in %s: %s", weights.name, self.root, error)
            raise FetchError(f"{weights.name} cannot be saved: {error.strerror or 'the disk refuses'}") from error
        return cached

    def verify(self, weights: Weights) -> tuple[str, ...]:
        """Hashes the files again; a sentence for each one that is missing or wrong."""
        known = self._known(weights)
        folders = list(self._folders(known)) if known else []
        if known is None or not folders:
            return (f"{weights.name} is not here",)
        folder = next((folder for folder in folders if _complete(folder, known)), folders[0])
        return tuple(f"{weights.name}: {file.name} {fault}" for file, fault in _faults(folder, known).items())

    def _whole(self, folder: Path, weights: Weights) -> bool:
        """Whether the folder holds the pinned bytes, which are read only if they have changed since they last were."""
        return _complete(folder, weights) and not any(self._fault(folder / file.name, file) for file in weights.files)

    def _looks_whole(self, folder: Path, weights: Weights) -> bool:
        return _complete(folder, weights) and not any(
            self._hashed.get(folder / file.name, (None, file, None)) == (_stamp(folder / file.name), file, _DAMAGED)
            for file in weights.files
        )

    def _fault(self, path: Path, file: WeightFile) -> str | None:
        stamp = _stamp(path)
        known = self._hashed.get(path)
        if known is None or known[:2] != (stamp, file):
            known = self._hashed[path] = (stamp, file, _fault(path, file))
        return known[2]

    def _known(self, weights: Weights) -> Weights | None:
        """The weights with their files; None if they are unpinned and were never fetched."""
        if weights.unpinned is None:
            return weights
        pin = read_pins(self._pin_file(weights)).get(weights.unpinned.repo)
        return pin.weights(weights.name) if pin else None

    def _pinned(self, weights: Weights) -> Weights:
        if (refusal := self.refusal(weights)) or weights.unpinned is None:
            raise FetchError(f"{weights.name} cannot be fetched: {refusal}")
        known = self._known(weights)
        if known is None:
            pin = resolve(weights.unpinned)
            self.root.mkdir(parents=True, exist_ok=True)
            write_pins([pin], self._pin_file(weights))
            known = pin.weights(weights.name)
        return known

    def _pin_file(self, weights: Weights) -> Path:
        return self.root / f"{weights.name}.pin.toml"

    def _cached(self, weights: Weights) -> Path:
        pins = "".join(f"{file.name}\0{file.sha256}\0" for file in weights.files)
        return self.root / f"{weights.name}-{hashlib.sha256(pins.encode()).hexdigest()[:12]}"

    def _folders(self, weights: Weights) -> Iterator[Path]:
        """The folders that exist and should hold the files, those of local mirrors first."""
        for mirror in weights.mirrors:
            if (local := mirror.local_folder()) is not None:
                yield local
        if (cached := self._cached(weights)).is_dir():
            yield cached

    def _download(self, weights: Weights, on_progress: OnProgress) -> None:
        cached = self._cached(weights)
        partial = cached.with_name(f"{cached.name}.partial")
        verified = partial / "verified"
        verified.mkdir(parents=True, exist_ok=True)
        if cached.exists():  # somebody has deleted or cut one of its files: the others stay
            _move_verified(cached, verified, weights)
            shutil.rmtree(cached)
        failures: list[FetchError] = []
        for number, mirror in enumerate(weights.mirrors):
            try:
                _bring(weights, mirror, partial / f"mirror-{number}", verified, on_progress)
            except FetchError as failure:
                failures.append(failure)
                continue
            os.replace(verified, cached)
            shutil.rmtree(partial, ignore_errors=True)
            return
        kind = IntegrityError if any(isinstance(failure, IntegrityError) for failure in failures) else FetchError
        raise kind(f"{weights.name} could not be downloaded: {'; '.join(str(failure) for failure in failures)}")


def _bring(weights: Weights, mirror: Mirror, place: Path, verified: Path, on_progress: OnProgress) -> None:
    """Completes `verified` from one mirror, which works in the folder `place`."""
    place.mkdir(exist_ok=True)
    for interrupted in place.parent.glob("mirror-*"):
        _move_verified(interrupted, verified, weights)
    missing = tuple(file for file in weights.files if not (verified / file.name).exists())
    here = weights.size - sum(file.size for file in missing)

    def on_bytes(count: int) -> None:
        nonlocal here
        here = min(here + count, weights.size)
        on_progress(here, weights.size)

    on_bytes(0)
    if missing or not weights.files:
        require_free_space(place, sum(file.size for file in missing) - folder_size(place))
        try:
            mirror.fetch(missing, place, on_bytes)
            _move_verified(place, verified, weights)
            for file in missing:
                if not (verified / file.name).exists():
                    raise IntegrityError(f"{mirror}: {file.name} {_fault(place / file.name, file)}")
        except IntegrityError:
            shutil.rmtree(place, ignore_errors=True)
            raise
    on_progress(weights.size, weights.size)


def _move_verified(source: Path, verified: Path, weights: Weights) -> None:
    """Moves the files whose bytes are right from `source` to `verified`."""
    for file in weights.files:
        path, target = source / file.name, verified / file.name
        if not target.exists() and _fault(path, file) is None:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, target)


def _complete(folder: Path, weights: Weights) -> bool:
    return folder.is_dir() and all(_has_size(folder / file.name, file.size) for file in weights.files)


def _stamp(path: Path) -> _Stamp:
    """Changes with the bytes: size, inode, and the time of change, which no program can set."""
    status = path.stat()
    return status.st_size, status.st_ino, status.st_ctime_ns


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _faults(folder: Path, weights: Weights) -> dict[WeightFile, str]:
    faults = {file: _fault(folder / file.name, file) for file in weights.files}
    return {file: fault for file, fault in faults.items() if fault is not None}


def _fault(path: Path, file: WeightFile) -> str | None:
    """What is wrong with the file at `path`, as the end of a sentence that begins with its name."""
    if not path.is_file():
        return "is missing"
    if not _has_size(path, file.size):
        return f"has {path.stat().st_size} bytes in place of {file.size}"
    with path.open("rb") as opened:
        if hashlib.file_digest(opened, "sha256").hexdigest() != file.sha256:
            return _DAMAGED
    return None
