"""Hub repositories before and after somebody has pinned them, against the stand-in hub."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from models import pins
from models.errors import FetchError
from models.pins import hub_weights, read_pins, resolve, write_pins
from models.sources import HubFiles, HubRepository, WeightFile
from models.store import WeightStore
from tests.standin_hub import REVISION, StandInHub

REPO = "lecture/tiny"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    folder = tmp_path / "repository"
    (folder / "unet").mkdir(parents=True)
    (folder / "model_index.json").write_text("{}")
    (folder / "unet" / "model.safetensors").write_bytes(b"weights")
    (folder / "pickled.bin").write_bytes(b"never wanted")
    with StandInHub({REPO: folder}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


def test_a_pin_survives_the_file(hub: StandInHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = resolve(HubRepository(REPO, ("*.json", "*.safetensors"), 0))
    assert found.revision == REVISION
    assert [(file.name, file.size) for file in found.files] == [("model_index.json", 2), ("unet/model.safetensors", 7)]
    file = tmp_path / "pins.toml"
    write_pins([found], file)
    assert read_pins(file) == {REPO: found}

    monkeypatch.setattr(pins, "_pins", lambda: read_pins(file))
    weights = hub_weights(REPO, "*.json", "*.safetensors", size=1)
    assert weights.unpinned is None
    assert weights.size == 9
    assert weights.mirrors == (HubFiles(REPO, REVISION),)
    assert (WeightStore(tmp_path / "cache").fetch(weights) / "unet" / "model.safetensors").read_bytes() == b"weights"


def test_unpinned_weights_keep_what_was_fetched_first(hub: StandInHub, tmp_path: Path) -> None:
    weights = hub_weights(REPO, "*.safetensors", size=7)
    store = WeightStore(tmp_path / "cache")
    assert not store.present(weights)
    folder = store.fetch(weights)
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["model.safetensors"]
    assert store.present(weights)
    assert store.verify(weights) == ()
    asked = len(hub.requests)
    offline = WeightStore(tmp_path / "cache", offline=True)
    assert offline.fetch(weights) == folder
    assert len(hub.requests) == asked
    (folder / "unet" / "model.safetensors").write_bytes(b"altered")
    assert "other bytes" in store.verify(weights)[0]
    with pytest.raises(FetchError, match="is damaged and the gallery is offline"):
        offline.fetch(weights)
    assert store.fetch(weights) == folder
    assert store.verify(weights) == ()


def test_a_host_refuses_what_is_not_pinned(hub: StandInHub, tmp_path: Path) -> None:
    weights = hub_weights(REPO, "*.safetensors", size=7)
    WeightStore(tmp_path / "cache").fetch(weights)
    hosted = WeightStore(tmp_path / "cache", only_pinned=True)
    assert hosted.refusal(weights).startswith("not pinned yet")
    with pytest.raises(FetchError, match="python -m models pin"):
        hosted.fetch(weights)
    pinned = pins.Pin(REPO, REVISION, (WeightFile("model_index.json", "0" * 64, 2),)).weights("tiny")
    assert not hosted.refusal(pinned)


def test_what_the_hub_does_not_have(hub: StandInHub, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"no \*\.gguf at revision"):
        resolve(HubRepository(REPO, ("*.gguf",), 0))
    with pytest.raises(FetchError, match="does not exist"):
        resolve(HubRepository("lecture/none", ("*",), 0))
    hub.gated = True  # anybody may list a gated repository, but not read it
    with pytest.raises(FetchError, match="is gated"):
        WeightStore(tmp_path / "cache").fetch(hub_weights(REPO, "*.json", size=2))
