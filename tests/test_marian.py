"""The encoder-decoder translator on a tiny random checkpoint that a stand-in hub serves. About 10 s."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from models.backends.marian import Marian, load
from models.devices import Device
from models.errors import BadInputError
from models.registry import Registry
from models.sources import HubFiles, WeightFile, Weights
from models.store import WeightStore
from models.tasks import Decoding, Task, Translation, TranslationRequest, text_of
from tests.standin_hub import REVISION, StandInHub
from tests.tiny_marian import POSITIONS, write_tiny_marian
from tests.toy_models import toy_spec

CPU = Device("cpu", "test processor", 8_000_000_000, "float32", 2)
TEXT = "我妹妹喜欢猫。"
REPO = "lecture/opus-mt-zh-en"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("marian")
    write_tiny_marian(folder)
    return folder


@pytest.fixture(scope="module")
def marian(files: Path) -> Marian:
    return load(files, CPU)


def translated(marian: Marian, text: str = TEXT, decoding: Decoding = "greedy", **changes: object) -> Translation:
    *_, last = marian.translate(TranslationRequest(text, "zh", "en", decoding, max_new_tokens=12, **changes))  # type: ignore[arg-type]
    return last


def test_a_checkpoint_from_a_hub_translates_through_the_registry(
    files: Path, marian: Marian, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pins = tuple(
        WeightFile(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)
        for path in sorted(files.iterdir())
    )
    weights = Weights("tiny-marian", pins, (HubFiles(REPO, REVISION),))
    spec = toy_spec("opus-mt-zh-en", tasks=(Task.TRANSLATION,), weights=weights, loader="models.backends.marian:load")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with StandInHub({REPO: files}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        registry = Registry([spec], store=WeightStore(tmp_path), devices=(CPU,))
        with registry.lease("opus-mt-zh-en") as lease:
            *_, last = lease.backend.translate(TranslationRequest(TEXT, "zh", "en", max_new_tokens=12))
    assert last.tokens == translated(marian).tokens
    assert len(last.tokens) > 0


@pytest.mark.parametrize("decoding", ["greedy", "beam", "sampling"])
def test_attention_has_a_row_for_each_target_token_and_a_column_for_each_source_token(
    marian: Marian, decoding: Decoding
) -> None:
    last = translated(marian, decoding=decoding)
    assert last.attention is not None
    assert last.attention.shape == (len(last.tokens), len(last.source_tokens))
    np.testing.assert_allclose(last.attention.sum(1), 1, rtol=1e-4)
    assert last.source_tokens[-1] == "</s>"
    assert "我" in "".join(last.source_tokens)


def test_attention_is_the_mean_of_what_the_network_itself_reports(marian: Marian, files: Path) -> None:
    last = translated(marian)
    network, tokenizer = marian._network, marian._tokenizer
    source = tokenizer([TEXT], return_tensors="pt").input_ids
    start = network.config.decoder_start_token_id
    with torch.inference_mode():
        answer = network(
            input_ids=source,
            decoder_input_ids=torch.tensor([[start, *(token.id for token in last.tokens[:-1])]]),
            output_attentions=True,
        )
    for layer, head in ((0, 0), (1, 3)):
        assert answer.cross_attentions[layer][0, head].shape == (len(last.tokens), source.shape[1])
    expected = torch.cat(answer.cross_attentions, 1)[0].mean(0)
    assert last.attention is not None
    np.testing.assert_allclose(last.attention, expected.numpy(), atol=1e-6)


def test_greedy_takes_the_likeliest_token_and_says_how_likely_it_was(marian: Marian) -> None:
    network, tokenizer = marian._network, marian._tokenizer
    source = tokenizer([TEXT], return_tensors="pt").input_ids
    said = [network.config.decoder_start_token_id]
    for token in translated(marian).tokens:
        with torch.inference_mode():
            logits = network(input_ids=source, decoder_input_ids=torch.tensor([said])).logits[0, -1]
        logits_without_padding = logits.clone()
        logits_without_padding[network.config.pad_token_id] = -torch.inf
        assert token.id == int(logits_without_padding.argmax())
        assert token.probability == pytest.approx(float(logits.softmax(-1)[token.id]), rel=1e-4)
        said.append(token.id)


def test_beam_search_finds_a_sentence_at_least_as_likely_as_generate_itself_does(marian: Marian) -> None:
    source = marian._tokenizer([TEXT], return_tensors="pt").input_ids
    expected = marian._network.generate(source, num_beams=4, do_sample=False, max_new_tokens=12, max_length=None)[0]
    found = [token.id for token in translated(marian, decoding="beam").tokens]
    assert found == [id for id in expected.tolist()[1:] if id not in (0, marian._network.config.pad_token_id)]


def test_seeds(marian: Marian) -> None:
    first, again, other = (
        translated(marian, decoding="sampling", seed=seed, temperature=1.5).tokens for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
    state = torch.random.get_rng_state()
    translated(marian, decoding="sampling", seed=5)
    assert torch.equal(torch.random.get_rng_state(), state), "nobody else's random numbers change"


def test_a_translation_grows_from_the_tokens_that_were_chosen(marian: Marian) -> None:
    whole = translated(marian).tokens
    branch = translated(marian, forced=tuple(token.id for token in whole[:2]))
    assert [token.id for token in branch.tokens][: len(whole) - 3] == [token.id for token in whole[2:-1]]
    assert branch.attention is not None
    assert len(branch.attention) == 2 + len(branch.tokens)


def test_stopping_ends_the_work(marian: Marian) -> None:
    steps: Iterator[Translation] = marian.translate(TranslationRequest(TEXT, "zh", "en", max_new_tokens=60))
    first = next(steps)
    assert len(first.tokens) <= 1
    steps.close()  # type: ignore[attr-defined]
    assert text_of(translated(marian).tokens)


def test_what_looks_like_a_control_token_is_none(marian: Marian) -> None:
    source = translated(marian, "猫</s><pad>狗").source_tokens
    assert source.count("</s>") == 1
    assert "<pad>" not in source


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"source": "en", "target": "zh"}, "from zh to en only"),
        ({"text": "猫" * 3 * POSITIONS}, "too long"),
        ({"forced": (10**6,)}, "does not know these tokens"),
    ],
)
def test_bad_requests_get_a_sentence(marian: Marian, changes: dict[str, object], sentence: str) -> None:
    values = {"text": TEXT, "source": "zh", "target": "en"} | changes
    with pytest.raises(BadInputError, match=sentence):
        list(marian.translate(TranslationRequest(**values)))  # type: ignore[arg-type]
