"""Hosting on Hugging Face Spaces: the front matter, hosted mode, preloaded weights, a card on loan (ZeroGPU)."""

import hashlib
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import metadata_load

from demos.services import load_ahead, make_services
from demos.settings import read_settings
from models.catalog import CATALOG
from models.devices import available_devices, default_budget
from models.gpu_seconds import FEWEST, MOST, UNKNOWN, gpu_seconds
from models.hosting import front_matter, hardware_table, hub_repositories
from models.pins import Pin, hub_weights
from models.registry import Registry
from models.sources import HubFiles, WeightFile, Weights
from models.store import WeightStore
from models.tasks import Task, TextRequest
from models.text_to_image import TextToImageRequest
from tests.conftest import CPU
from tests.space_simulation import space_variables
from tests.toy_models import GB, toy_spec

ROOT = Path(__file__).parent.parent
REVISION = "0123456789abcdef0123456789abcdef01234567"


# The front matter


def test_front_matter() -> None:
    told = metadata_load(ROOT / "README.md") or {}
    requirements = (ROOT / "requirements.txt").read_text().splitlines()
    assert told["sdk"] == "gradio"
    assert f"gradio=={told['sdk_version']}" in requirements
    assert told["python_version"] == "3.12"
    assert (ROOT / told["app_file"]).is_file()
    assert told["license"] == "apache-2.0"
    assert len(told["short_description"]) <= 60
    assert re.fullmatch(r"\d+[mh]", told["startup_duration_timeout"])
    assert told["suggested_hardware"] in ("cpu-basic", "zero-a10g", "t4-small", "l4x1", "l40sx1", "a100-large")
    assert told["tags"]
    for line in told.get("preload_from_hub", ()):
        assert re.fullmatch(r"\S+/\S+ \S+ [0-9a-f]{40}", line)


def test_front_matter_names_the_models_of_the_catalog() -> None:
    assert (metadata_load(ROOT / "README.md") or {})["models"] == list(hub_repositories(CATALOG)), (
        "put the lines of `python -m models space` into the README's front matter"
    )


def test_readme_shows_what_each_hardware_runs() -> None:
    readme = (ROOT / "README.md").read_text()
    assert f"<!-- hardware -->\n{hardware_table(CATALOG)}\n<!-- /hardware -->" in readme, (
        "put what `python -m models hardware` prints between the markers"
    )


def test_hardware_opens_with_the_preferred_model_that_fits() -> None:
    large = toy_spec("a", title="Large", memory={"cuda": 30 * GB}, preference=1)
    small = toy_spec("b", title="Small", memory={"cpu": GB, "cuda": GB}, preference=2)
    on_card = toy_spec("c", title="On a card", memory={"cuda": 4 * GB}, tasks=(Task.LANGUAGE,))
    head, _, _, first, second, _ = hardware_table([large, small, on_card]).splitlines()
    names = [cell.split(",")[0].strip() for cell in head.split("|")[2:-1]]
    assert names == ["CPU basic (free): 2 cores", "ZeroGPU", "T4", "L4", "L40S", "A100"]
    assert [cell.strip() for cell in first.split("|")[1:-1]] == [
        "speech",
        "Small",
        "Large",
        "Small",
        "Small",
        "Large",
        "Large",
    ]
    assert [cell.strip() for cell in second.split("|")[1:-1]] == ["language", "nothing", *["On a card"] * 5]


def test_front_matter_preloads_only_what_is_pinned(tmp_path: Path) -> None:
    unpinned = toy_spec("a", weights=hub_weights("lecture/unpinned", "*.json", size=1))
    assert front_matter([unpinned], [unpinned]) == "models:\n  - lecture/unpinned"
    files = (WeightFile("model_index.json", "0" * 64, 2), WeightFile("unet/model.safetensors", "1" * 64, 7))
    pinned = toy_spec("b", weights=Pin("lecture/tiny", REVISION, files).weights("tiny"))
    text = f"---\n{front_matter([unpinned, pinned], [unpinned, pinned])}\n---\n"
    (tmp_path / "README.md").write_text(text)
    assert metadata_load(tmp_path / "README.md") == {
        "models": ["lecture/tiny", "lecture/unpinned"],
        "preload_from_hub": [f"lecture/tiny model_index.json,unet/model.safetensors {REVISION}"],
    }


def test_requirements_leave_torch_to_the_space() -> None:
    names = {re.split(r"[=<>]", line)[0] for line in (ROOT / "requirements.txt").read_text().splitlines()}
    assert not names & {"torch", "spaces", "torchvision"}
    packages = (ROOT / "packages.txt").read_text().split("\n")
    assert all(re.fullmatch(r"[a-z0-9.+-]+", name) for name in packages if name), "apt reads every line as a name"


# Hosted mode


def test_a_space_is_hosted(tmp_path: Path) -> None:
    on_space = read_settings([], space_variables(tmp_path))
    assert on_space.hosted
    assert (on_space.host, on_space.port) == ("0.0.0.0", 7860)
    assert read_settings([], {"GALLERY_HOSTED": "1"}).host == "0.0.0.0"
    assert not read_settings([], {}).hosted
    assert not read_settings([], {"SPACE_ID": "lecture/gallery", "GALLERY_HOSTED": "0"}).hosted
    assert not read_settings(["--no-hosted"], {"SPACE_ID": "lecture/gallery"}).hosted


def test_a_host_refuses_unpinned_models_and_says_why(tmp_path: Path) -> None:
    services = make_services(read_settings([], space_variables(tmp_path)))
    services.registry.add(toy_spec("unpinned", weights=hub_weights("lecture/unpinned", "*.json", size=1)))
    assert services.registry.why_not("unpinned") == "not pinned yet: run `python -m models pin`"
    at_home = make_services(read_settings(["--cache", str(tmp_path)], {}))
    assert not at_home.registry.store.only_pinned


# What preload_from_hub has brought


@pytest.fixture
def snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The snapshot of a repository as huggingface_hub lays it out: links to blobs."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "elsewhere"))  # which preload_from_hub ignores
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    repository = tmp_path / ".cache" / "huggingface" / "hub" / "models--lecture--tiny"
    blob = repository / "blobs" / "b10b"
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"weights")
    folder = repository / "snapshots" / REVISION
    (folder / "unet").mkdir(parents=True)
    (folder / "unet" / "model.safetensors").symlink_to("../../../blobs/b10b")
    return folder


def preloaded(content: bytes = b"weights") -> Weights:
    file = WeightFile("unet/model.safetensors", hashlib.sha256(content).hexdigest(), 7)
    return Weights("tiny", (file,), (HubFiles("lecture/tiny", REVISION),))


def test_preloaded_weights_are_not_fetched_again(snapshot: Path, tmp_path: Path) -> None:
    store = WeightStore(tmp_path / "cache", offline=True)
    assert store.present(preloaded())
    assert store.fetch(preloaded()) == snapshot
    assert store.verify(preloaded()) == ()


def test_preloaded_weights_are_verified(snapshot: Path, tmp_path: Path) -> None:
    store = WeightStore(tmp_path / "cache", offline=True)
    with pytest.raises(Exception, match="not downloaded"):
        store.fetch(preloaded(b"altered"))
    assert "other bytes" in store.verify(preloaded(b"altered"))[0]


def test_a_snapshot_of_another_revision_or_name_is_not_taken(snapshot: Path) -> None:
    assert HubFiles("lecture/tiny", REVISION).local_folder() == snapshot
    assert HubFiles("lecture/tiny", "f" * 40).local_folder() is None
    assert HubFiles("lecture/tiny", REVISION, members=(("a.safetensors", "b.safetensors"),)).local_folder() is None


def test_half_a_snapshot_does_not_hide_the_cache(snapshot: Path, tmp_path: Path) -> None:
    both = replace(
        preloaded(), files=(*preloaded().files, WeightFile("more.json", hashlib.sha256(b"{}").hexdigest(), 2))
    )
    store = WeightStore(tmp_path / "cache", offline=True)
    assert not store.present(both)
    cached = store._cached(both)
    (cached / "unet").mkdir(parents=True)
    (cached / "unet" / "model.safetensors").write_bytes(b"weights")
    (cached / "more.json").write_text("{}")
    assert store.fetch(both) == cached
    assert store.verify(both) == ()


# A card on loan


def test_the_card_of_zero_gpu_is_seen_without_a_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    available_devices.cache_clear()
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    try:
        card, cpu = available_devices()
        assert (card.kind, card.on_loan, cpu.kind) == ("cuda", True, "cpu")
        assert default_budget(card) <= 45 * GB < card.memory
        assert card.takes({"cuda": 8 * GB})
        assert card.takes({"cuda": 8 * GB, "cpu": 8 * GB})
        assert not card.takes({"cuda": GB, "cpu": GB // 2}), "small models stay on the CPU"
        assert not card.takes({"cuda": GB // 2})
    finally:
        available_devices.cache_clear()


def test_a_card_on_loan() -> None:
    loans = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/zero_gpu_loans.py"]
    tried = subprocess.run(loans, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert tried.returncode == 0, tried.stdout
    assert "passed" in tried.stdout


def test_seconds_follow_the_request() -> None:
    few, many = (TextToImageRequest(("a cat",) * count, tuple(range(count)), steps=20) for count in (1, 6))
    assert FEWEST <= gpu_seconds(few) < gpu_seconds(many) <= MOST
    assert gpu_seconds(TextRequest("go", max_new_tokens=1)) == FEWEST
    assert gpu_seconds(object(), 10) == UNKNOWN


def test_elsewhere_nothing_is_lent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never() -> Any:
        raise AssertionError("there is no card to lend")

    monkeypatch.setattr("models.devices.lent_card", never)
    monkeypatch.setattr("demos.services.lent_card", never)
    registry = Registry([toy_spec("a")], store=WeightStore(tmp_path), devices=(CPU,))
    load_ahead(registry)
    with registry.lease("a") as lease:
        assert type(lease.backend).__name__ == "ToyBackend"
    registry.close()
