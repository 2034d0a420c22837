import hashlib
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from models import hub_download
from models.errors import FetchError, IntegrityError
from models.sources import HubFiles, WeightFile, Weights
from models.store import WeightStore
from tests.standin_hub import ACCEPTED_TOKEN, REVISION, StandInHub

CONTENT = random.Random(1).randbytes(3_000_000)
REPO = "lecture/tiny"
MIRROR = HubFiles(REPO, REVISION)


def pin(name: str, content: bytes) -> WeightFile:
    return WeightFile(name, hashlib.sha256(content).hexdigest(), len(content))


FILE = pin("model.safetensors", CONTENT)
WEIGHTS = Weights("tiny", (FILE,), (MIRROR,))


def ignore(count: int) -> None: ...


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    folder = tmp_path / "repository"
    (folder / "unet").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(CONTENT)
    (folder / "unet/config.json").write_bytes(b"{}")
    for setting in ("HF_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(setting, raising=False)
    with StandInHub({REPO: folder}) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


def test_brings_files_also_from_subfolders_and_under_other_names(hub: StandInHub, tmp_path: Path) -> None:
    arrived: list[int] = []
    mirror = HubFiles(REPO, REVISION, members=(("settings.json", "unet/config.json"),))
    files = (FILE, pin("unet/config.json", b"{}"), pin("settings.json", b"{}"))
    mirror.fetch(files, tmp_path, arrived.append)
    assert (tmp_path / "model.safetensors").read_bytes() == CONTENT
    assert (tmp_path / "unet/config.json").read_bytes() == (tmp_path / "settings.json").read_bytes() == b"{}"
    assert sum(arrived) == len(CONTENT) + 4
    assert all(f"/resolve/{REVISION}/" in request.path for request in hub.requests)


def test_a_cut_connection_goes_on_where_it_stopped(hub: StandInHub, tmp_path: Path) -> None:
    hub.cuts = 2
    arrived: list[int] = []
    MIRROR.fetch((FILE,), tmp_path, arrived.append)
    assert (tmp_path / FILE.name).read_bytes() == CONTENT
    first, second, third = (request.first_byte for request in hub.downloads(FILE.name))
    assert 0 == first < second < third
    assert sum(arrived) == len(CONTENT)


def test_a_server_without_ranges_starts_again(hub: StandInHub, tmp_path: Path) -> None:
    hub.cuts, hub.knows_ranges = 1, False
    MIRROR.fetch((FILE,), tmp_path, ignore)
    assert (tmp_path / FILE.name).read_bytes() == CONTENT


def test_a_connection_that_is_always_cut_ends_in_a_sentence(hub: StandInHub, tmp_path: Path) -> None:
    hub.cuts, hub.knows_ranges = 1000, False
    with pytest.raises(FetchError, match=r"lecture/tiny: the hub at \S+ cannot be reached or has cut the connection"):
        MIRROR.fetch((FILE,), tmp_path, ignore)
    assert len(hub.downloads(FILE.name)) == 2


@pytest.mark.parametrize("token", [None, "hf_somebody"])
def test_gated_repository(hub: StandInHub, token: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.gated = True
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(FetchError, match=rf"accept its licence at {hub.url}/lecture/tiny and set HF_TOKEN"):
        MIRROR.fetch((FILE,), tmp_path, ignore)
    monkeypatch.setenv("HF_TOKEN", ACCEPTED_TOKEN)
    MIRROR.fetch((FILE,), tmp_path, ignore)
    assert (tmp_path / FILE.name).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("mirror", "sentence"),
    [
        (HubFiles("lecture/other", REVISION), "lecture/other does not exist"),
        (HubFiles(REPO, "0" * 40), "has no model.safetensors at revision 00000000"),
        (HubFiles(REPO, REVISION, ((FILE.name, "missing.bin"),)), "has no missing.bin at revision"),
    ],
)
def test_what_is_not_there(hub: StandInHub, mirror: HubFiles, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=sentence):
        mirror.fetch((FILE,), tmp_path, ignore)


def test_unreachable_hub_costs_seconds(hub: StandInHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as full:  # accepts nobody: the connection neither opens nor fails
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
        monkeypatch.setattr(hub_download, "_CONNECT_SECONDS", 1.0)
        start = time.monotonic()
        with pytest.raises(FetchError, match="cannot be reached"):
            MIRROR.fetch((FILE,), tmp_path, ignore)
        assert 0.9 < time.monotonic() - start < 3
        for client in waiting:
            client.close()


def test_hub_offline_is_honoured_at_call_time(hub: StandInHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(FetchError, match="HF_HUB_OFFLINE"):
        MIRROR.fetch((FILE,), tmp_path, ignore)
    assert hub.requests == []


def test_wrong_bytes_are_deleted(hub: StandInHub, tmp_path: Path) -> None:
    store = WeightStore(tmp_path / "cache")
    hub.wrong_bytes = True
    with pytest.raises(IntegrityError, match=r"lecture/tiny at 5ca1ab1e: model\.safetensors has other bytes"):
        store.fetch(WEIGHTS)
    assert not store.present(WEIGHTS)
    assert [path.name for path in store.root.rglob("*") if path.is_file()] == [next(store.root.glob("*.lock")).name]
    hub.wrong_bytes = False
    assert (store.fetch(WEIGHTS) / FILE.name).read_bytes() == CONTENT


def test_more_bytes_than_pinned_are_not_kept(hub: StandInHub, tmp_path: Path) -> None:
    arrived: list[int] = []
    with pytest.raises(IntegrityError, match="longer than the pinned 1000 bytes"):
        MIRROR.fetch((pin(FILE.name, CONTENT[:1000]),), tmp_path / "into", arrived.append)
    assert sum(arrived) < 1_000_000, "it stops listening"
    assert list((tmp_path / "into").iterdir()) == []


def test_a_killed_process_is_continued_by_the_next(hub: StandInHub, tmp_path: Path) -> None:
    store = WeightStore(tmp_path / "cache")
    hub.pause = 0.05
    script = "import sys, pathlib, tests.test_hub_files as t; t.WeightStore(pathlib.Path(sys.argv[1])).fetch(t.WEIGHTS)"
    child = subprocess.Popen([sys.executable, "-c", script, str(store.root)], cwd=Path(__file__).parent.parent)
    while not any(part.stat().st_size > 500_000 for part in store.root.rglob("*.part")):
        assert child.poll() is None
        time.sleep(0.02)
    child.kill()
    child.wait()
    assert not store.present(WEIGHTS)
    hub.pause = 0.0
    progress: list[tuple[int, int]] = []
    assert (
        store.fetch(WEIGHTS, lambda here, total: progress.append((here, total))) / FILE.name
    ).read_bytes() == CONTENT
    assert hub.downloads(FILE.name)[-1].first_byte > 500_000
    assert progress[-1] == (len(CONTENT), len(CONTENT))


def test_a_tiny_gpt2_loads_from_what_was_fetched(
    hub: StandInHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(n_layer=1, n_head=2, n_embd=16, vocab_size=50, n_positions=32, bos_token_id=0, eos_token_id=0)
    config.attn_pdrop = config.embd_pdrop = config.resid_pdrop = 0.0
    original = GPT2LMHeadModel(config)
    original.save_pretrained(tmp_path / "gpt2")
    hub.repositories["lecture/gpt2"] = tmp_path / "gpt2"
    names = sorted(path.name for path in (tmp_path / "gpt2").iterdir())
    assert "model.safetensors" in names
    files = tuple(pin(name, (tmp_path / "gpt2" / name).read_bytes()) for name in names)
    store = WeightStore(tmp_path / "cache")
    folder = store.fetch(Weights("tiny-gpt2", files, (HubFiles("lecture/gpt2", REVISION),)))
    fetched = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True, local_files_only=True)
    tokens = torch.arange(20)[None]
    with torch.inference_mode():
        assert torch.equal(original(tokens).logits, fetched(tokens).logits)


def test_the_stand_in_speaks_the_hubs_own_client(hub: StandInHub, tmp_path: Path) -> None:
    script = f"import huggingface_hub; print(huggingface_hub.snapshot_download('{REPO}', revision='{REVISION}'))"
    environment = os.environ | {"HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    folder = Path(done.stdout.strip())
    assert (folder / "model.safetensors").read_bytes() == CONTENT
    assert (folder / "unet/config.json").read_bytes() == b"{}"
