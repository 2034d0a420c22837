"""Room on the disk."""

import shutil
from pathlib import Path

from models.errors import FetchError
from models.units import gigabytes


def folder_size(folder: Path) -> int:
    """Bytes of all files below `folder`; one that vanishes meanwhile does not count."""
    size = 0
    for path in folder.rglob("*"):
        try:
            size += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return size


def require_free_space(folder: Path, needed: int) -> None:
    """Raises `FetchError` if the disk that holds `folder` has fewer than `needed` bytes left."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise FetchError(f"the disk has {gigabytes(free)} left and {gigabytes(needed)} are needed, so make room on it")
