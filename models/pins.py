"""Which bytes of a Hugging Face hub repository the gallery runs: a commit, and the sha256 and size of each file.

`python -m models pin` asks the hub once and writes `models/pins.toml`. No pin in that file was typed by hand.
"""

import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from hashlib import sha256
from pathlib import Path

from models.errors import FetchError
from models.hub_download import download_from_hub, hub_errors
from models.sources import HubFiles, HubRepository, WeightFile, Weights

PINS = Path(__file__).with_name("pins.toml")
_LARGEST_UNHASHED = 50_000_000
"""Bytes. The hub tells the sha256 of large files; small ones (configurations, vocabularies) are read to hash them."""


@dataclass(frozen=True)
class Pin:
    """What a repository held at `revision` (commit, 40 hex digits)."""

    repo: str
    revision: str
    files: tuple[WeightFile, ...]

    def weights(self, name: str) -> Weights:
        """The files as the store fetches them."""
        return Weights(name, self.files, (HubFiles(self.repo, self.revision),))


def hub_weights(repo: str, *wanted: str, size: int, branch: str = "main") -> Weights:
    """The files of `repo` ("owner/name") that match one of the patterns `wanted`, pinned if models/pins.toml pins them.

    `size` is about how many bytes they have, as long as nobody has looked. Where only a pull request holds them as
    safetensors, its `branch` is "refs/pr/<number>"; a pin is a commit all the same.
    """
    name = repo.replace("/", "--")
    pin = _pins().get(repo)
    if pin is not None:
        return pin.weights(name)
    return Weights(name, (), (), unpinned=HubRepository(repo, wanted, size, branch))


def resolve(repository: HubRepository) -> Pin:
    """Asks the hub what the newest revision of its branch is and which bytes its wanted files have.

    Raises `FetchError` with a sentence for people.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    repo = repository.repo
    with hub_errors(repo, repository.branch) as endpoint, tempfile.TemporaryDirectory() as folder:
        api = HfApi(endpoint=endpoint)
        revision = api.model_info(repo, revision=repository.branch).sha
        if revision is None:
            raise FetchError(f"{repo}: the hub does not say which revision is the newest")
        tree = api.list_repo_tree(repo, revision=revision, recursive=True)
        wanted = [
            entry
            for entry in tree
            if isinstance(entry, RepoFile) and any(fnmatch(entry.path, pattern) for pattern in repository.wanted)
        ]
        if not wanted:
            raise FetchError(f"{repo} has no {' or '.join(repository.wanted)} at revision {revision[:8]}")
        files = []
        for entry in sorted(wanted, key=lambda entry: entry.path):
            if entry.lfs is not None:
                files.append(WeightFile(entry.path, entry.lfs.sha256, entry.size))
            elif entry.size <= _LARGEST_UNHASHED:
                read = Path(folder) / "read"
                download_from_hub(repo, revision, entry.path, read, entry.size, lambda count: None)
                files.append(WeightFile(entry.path, sha256(read.read_bytes()).hexdigest(), entry.size))
            else:
                raise FetchError(f"{repo}: the hub tells no sha256 of {entry.path}")
    return Pin(repo, revision, tuple(files))


def read_pins(path: Path = PINS) -> dict[str, Pin]:
    """The pins by repository; none if there is no such file."""
    if not path.exists():
        return {}
    return {
        repo: Pin(
            repo,
            told["revision"],
            tuple(WeightFile(name, digest, size) for name, (digest, size) in told["files"].items()),
        )
        for repo, told in tomllib.loads(path.read_text()).items()
    }


def write_pins(pins: Iterable[Pin], path: Path = PINS) -> None:
    """Writes all of `pins` in place of what `path` held."""
    lines = ["# Written by `python -m models pin`, which asks the hub. Do not edit by hand."]
    for pin in sorted(pins, key=lambda pin: pin.repo):
        lines += ["", f'["{pin.repo}"]', f'revision = "{pin.revision}"', f'["{pin.repo}".files]']
        lines += [f'"{file.name}" = ["{file.sha256}", {file.size}]' for file in pin.files]
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text("\n".join(lines) + "\n")
    partial.replace(path)


@cache
def _pins() -> dict[str, Pin]:
    return read_pins()
