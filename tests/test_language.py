"""The language engines: llama.cpp on SmolLM2's real weights, and both engines on a tiny random Llama of 256 bytes.

The whole file takes half a minute on two busy cores, plus the download of the weights (90 MB) the first time.
"""

import gc
import itertools
import math
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from models.backends import causal_lm, llama_cpp
from models.backends.causal_lm import CausalLM
from models.backends.llama_cpp import SLOTS, LlamaCpp
from models.backends.token_drawing import draw
from models.devices import Device
from models.errors import BadInputError
from models.pinned import SMOLLM2_135M
from models.store import WeightStore
from models.tasks import LanguageModel, TextRequest, Token, text_of
from tests.tiny_gguf import CONTEXT, write_tiny_llama

CPU = Device("cpu", "test processor", 8_000_000_000, "float32", 2)
LECTURE = "To get an A+ in deep generative models, students have to"


@pytest.fixture(scope="module")
def smollm(store: WeightStore) -> Iterator[LlamaCpp]:
    model = llama_cpp.load(store.fetch(SMOLLM2_135M), CPU)
    yield model
    model.close()


@pytest.fixture(scope="module")
def tiny_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    write_tiny_llama(folder / "tiny.gguf")
    return folder


@pytest.fixture(scope="module")
def tiny_llama_cpp(tiny_files: Path) -> Iterator[LlamaCpp]:
    model = llama_cpp.load(tiny_files, CPU)
    yield model
    model.close()


@pytest.fixture(scope="module")
def tiny_transformers(tiny_files: Path) -> CausalLM:
    return causal_lm.load(tiny_files, CPU)


@pytest.fixture(params=["llama.cpp", "transformers"])
def tiny(request: pytest.FixtureRequest, tiny_llama_cpp: LlamaCpp, tiny_transformers: CausalLM) -> LanguageModel:
    return tiny_llama_cpp if request.param == "llama.cpp" else tiny_transformers


def said(model: LanguageModel, request: TextRequest) -> list[Token]:
    return list(model.generate(request))


def ids(tokens: list[Token]) -> list[int]:
    return [token.id for token in tokens]


def waiting_are(model: LlamaCpp, number: int) -> bool:
    return len(model._slots._waiting) == number


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)


class TestSmolLM:
    def test_continues_the_lecture_prompt(self, smollm: LlamaCpp) -> None:
        tokens = said(smollm, TextRequest(LECTURE, max_new_tokens=12, temperature=0))
        assert text_of(tokens).startswith(" be able to think")
        assert len(tokens) == 12
        for token in tokens:
            probabilities = [candidate.probability for candidate in token.alternatives]
            assert probabilities == sorted(probabilities, reverse=True)
            assert len(probabilities) == 10
            assert sum(probabilities) <= 1
            assert (token.id, token.raw, token.probability) == (
                token.alternatives[0].id,
                token.alternatives[0].raw,
                token.alternatives[0].probability,
            )

    def test_probabilities_are_the_models_own_whatever_the_sampler_does(self, smollm: LlamaCpp) -> None:
        plain = said(smollm, TextRequest(LECTURE, max_new_tokens=1, temperature=0))[0]
        hot = said(smollm, TextRequest(LECTURE, max_new_tokens=1, temperature=5, top_p=1, top_k=3))[0]
        assert hot.alternatives == plain.alternatives

    def test_a_seed_gives_the_same_text_alone_and_in_company(self, smollm: LlamaCpp) -> None:
        requests = [TextRequest(LECTURE + " often" * (seed % 3), max_new_tokens=24, seed=seed) for seed in range(SLOTS)]
        alone = [said(smollm, request) for request in requests]
        with ThreadPoolExecutor(SLOTS) as pool:
            together = list(pool.map(lambda request: said(smollm, request), requests))
        assert together == alone
        assert len({text_of(tokens) for tokens in alone}) == SLOTS

    def test_branching_continues_as_the_uncut_text_does(self, smollm: LlamaCpp) -> None:
        whole = said(smollm, TextRequest(LECTURE, max_new_tokens=16, temperature=0))
        branch = said(smollm, TextRequest(LECTURE, tuple(ids(whole[:7])), max_new_tokens=9, temperature=0))
        assert branch == whole[7:]

    @pytest.mark.parametrize(
        "prompt", ["🎉🎊🎈 🎉🎊🎈 🎉🎊🎈 🎉", "学习深度生成模型的学生必须", "Ünïcödé ñoño — Straße ½"]
    )
    def test_characters_survive_being_cut_into_tokens(self, smollm: LlamaCpp, prompt: str) -> None:
        tokens = said(smollm, TextRequest(prompt, max_new_tokens=20, temperature=0))
        assert len(tokens) == 20
        whole = b"".join(token.raw for token in tokens)
        assert whole.decode(errors="ignore").encode() == whole[: len(text_of(tokens).encode())]
        # Every id is the right one: the model, given all of them but the last, says the last.
        again = said(smollm, TextRequest(prompt, tuple(ids(tokens[:-1])), max_new_tokens=1, temperature=0))
        assert ids(again) == ids(tokens[-1:])

    def test_some_of_these_characters_do_span_tokens(self, smollm: LlamaCpp) -> None:
        tokens = said(smollm, TextRequest("🎉🎊🎈 🎉🎊🎈 🎉🎊🎈 🎉", max_new_tokens=20, temperature=0))
        assert any(token.raw and "\N{REPLACEMENT CHARACTER}" in token.text for token in tokens)
        assert all(0 < token.probability <= 1 for token in tokens)
        assert "🎊" in text_of(tokens)

    def test_the_text_may_end_by_itself(self, smollm: LlamaCpp) -> None:
        class ChatRequest(TextRequest):
            @property
            def pieces(self) -> tuple[str | int, ...]:
                start, end = 1, 2
                return (start, f"user\n{self.prompt}", end, "\n", start, "assistant\n")

        tokens = said(smollm, ChatRequest("What is the capital of France?", max_new_tokens=30, temperature=0))
        assert text_of(tokens) == "The capital of France is Paris."
        assert all(token.raw for token in tokens)

    def test_a_closed_stream_frees_its_slot_within_a_few_tokens(self, smollm: LlamaCpp) -> None:
        counts = [0] * SLOTS
        streams = [smollm.generate(TextRequest(LECTURE, max_new_tokens=900, seed=seed)) for seed in range(SLOTS)]

        def read(place: int) -> None:
            for _ in streams[place]:
                counts[place] += 1

        readers = [threading.Thread(target=read, args=(place,)) for place in range(SLOTS)]
        for reader in readers:
            reader.start()
        wait_until(lambda: min(counts) >= 1)
        late = smollm.generate(TextRequest(LECTURE, max_new_tokens=2))
        first: list[Token] = []
        waiting = threading.Thread(target=lambda: first.append(next(late)))
        waiting.start()
        before_waiting = max(counts)
        wait_until(lambda: max(counts) >= before_waiting + 5)
        assert first == []
        at_close = max(counts[1:])
        streams[0].close()
        waiting.join()
        assert max(counts[1:]) - at_close <= 12
        for stream in [*streams, late]:
            stream.close()
        for reader in readers:
            reader.join()
        assert max(counts) < 900

    def test_requests_wait_in_order_and_may_give_up(self, smollm: LlamaCpp) -> None:
        busy = [smollm.generate(TextRequest(LECTURE, max_new_tokens=900)) for _ in range(SLOTS)]
        for stream in busy:
            next(stream)
        served: list[str] = []
        waiting = {name: smollm.generate(TextRequest(LECTURE, max_new_tokens=1)) for name in ("first", "left", "last")}

        def take(name: str) -> None:
            if list(waiting[name]):
                served.append(name)

        threads = []
        for place, name in enumerate(waiting, 1):
            threads.append(threading.Thread(target=take, args=(name,)))
            threads[-1].start()
            wait_until(partial(waiting_are, smollm, place))
        waiting["left"].close()
        threads[1].join(timeout=5)
        assert not threads[1].is_alive()
        assert served == []
        busy[0].close()
        for thread in threads:
            thread.join()
        assert served == ["first", "last"]
        for stream in busy:
            stream.close()

    def test_a_forgotten_stream_leaves_nothing_behind(self, smollm: LlamaCpp) -> None:
        for _ in range(2 * SLOTS):
            next(smollm.generate(TextRequest(LECTURE, max_new_tokens=900)))
        unread = smollm.generate(TextRequest(LECTURE))
        del unread
        gc.collect()
        wait_until(lambda: not any("_write_and_leave" in thread.name for thread in threading.enumerate()))
        assert smollm._slots._free == SLOTS


class TestBothEngines:
    @pytest.mark.parametrize(
        "prompt", ["the thing in the bin", "12 345\n\n\tx  y", "émoji 🎉 学习", "<|endoftext|>the"]
    )
    def test_they_agree(self, tiny_llama_cpp: LlamaCpp, tiny_transformers: CausalLM, prompt: str) -> None:
        request = TextRequest(prompt, max_new_tokens=20, temperature=0)
        ours, theirs = said(tiny_llama_cpp, request), said(tiny_transformers, request)
        pairs = list(zip(ours, theirs, strict=False))
        # The random model may end on half a character, which llama.cpp keeps to itself, or hesitate between two tokens.
        agreed = list(itertools.takewhile(lambda pair: pair[0].id == pair[1].id, pairs))
        assert len(agreed) >= 10
        for our, their in agreed:
            assert our.raw == their.raw
            # llama.cpp keeps keys and values as float16
            assert our.probability == pytest.approx(their.probability, abs=0.01)
        for _, their in pairs[len(agreed) : len(agreed) + 1]:
            assert their.alternatives[0].probability == pytest.approx(their.alternatives[1].probability, abs=0.01)

    def test_seeds(self, tiny: LanguageModel) -> None:
        texts = [text_of(said(tiny, TextRequest("the", max_new_tokens=12, seed=seed))) for seed in range(6)]
        again = [text_of(said(tiny, TextRequest("the", max_new_tokens=12, seed=seed))) for seed in range(6)]
        assert texts == again
        assert len(set(texts)) == 6

    @pytest.mark.parametrize("seed", [-1, 0, 2**32 - 1, 2**32, 2**63])
    def test_every_whole_number_is_a_seed(self, tiny: LanguageModel, seed: int) -> None:
        request = TextRequest("the", max_new_tokens=8, seed=seed)
        assert ids(said(tiny, request)) == ids(said(tiny, request))

    def test_many_threads_at_once(self, tiny: LanguageModel) -> None:
        requests = [TextRequest("the thing", max_new_tokens=12, seed=seed) for seed in range(24)]
        alone = [ids(said(tiny, request)) for request in requests]
        with ThreadPoolExecutor(24) as pool:
            together = list(pool.map(lambda request: ids(said(tiny, request)), requests))
        assert together == alone

    def test_draws_follow_temperature_top_k_and_top_p(self, tiny: LanguageModel) -> None:
        draws = 300
        request = TextRequest("mn", max_new_tokens=1, temperature=1.5, top_k=6, top_p=0.9)
        (likeliest,) = said(tiny, replace(request, temperature=0))
        expected = expected_frequencies(likeliest, request)
        assert 3 <= len(expected) <= 5
        seen = Counter(said(tiny, replace(request, seed=seed))[0].id for seed in range(draws))
        assert set(seen) <= set(expected)
        for token, probability in expected.items():
            tolerance = 4.5 * math.sqrt(probability * (1 - probability) / draws)
            assert seen[token] / draws == pytest.approx(probability, abs=tolerance)

    @pytest.mark.parametrize("temperature", [0, 1e-3])
    def test_a_cold_model_always_says_the_likeliest(self, tiny: LanguageModel, temperature: float) -> None:
        request = TextRequest("the", max_new_tokens=8, temperature=temperature, seed=5)
        assert all(token.id == token.alternatives[0].id for token in said(tiny, request))

    def test_too_long_a_text(self, tiny: LanguageModel) -> None:
        with pytest.raises(BadInputError, match=f"300 tokens and the model reads at most {CONTEXT}; please shorten it"):
            said(tiny, TextRequest("a" * 300))

    def test_a_full_context_ends_the_text(self, tiny: LanguageModel) -> None:
        assert len(said(tiny, TextRequest("a" * (CONTEXT - 6), max_new_tokens=50))) <= 6

    def test_foreign_tokens(self, tiny: LanguageModel) -> None:
        with pytest.raises(BadInputError, match="start again"):
            said(tiny, TextRequest("a", forced=(100_000,)))

    def test_forced_tokens_need_no_prompt(self, tiny: LanguageModel) -> None:
        by_text = said(tiny, TextRequest("ab", max_new_tokens=6, temperature=0))
        letters = (tiny_id("a"), tiny_id("b"))
        assert ids(said(tiny, TextRequest("", letters, max_new_tokens=6, temperature=0))) == ids(by_text)

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(prompt=st.text(max_size=40), temperature=st.floats(0, 10), top_p=st.floats(0, 1), top_k=st.integers(0, 300))
    @example(prompt="\0", temperature=1e-30, top_p=1e-30, top_k=0)
    @example(prompt="<|im_end|>", temperature=10, top_p=1, top_k=0)
    def test_any_request_gets_tokens_or_a_sentence(
        self, tiny: LanguageModel, prompt: str, temperature: float, top_p: float, top_k: int
    ) -> None:
        try:
            request = TextRequest(prompt, (), 4, temperature, top_p, top_k)
        except BadInputError:
            assert not prompt or not top_p
            return
        tokens = said(tiny, request)
        assert len(tokens) <= 4
        assert all(0 <= token.probability <= 1 for token in tokens)


def tiny_id(letter: str) -> int:
    return ord(letter) - ord("!")  # the byte alphabet of GPT-2 begins with the printable characters


def expected_frequencies(token: Token, request: TextRequest) -> dict[int, float]:
    """How often each token must come: transformers' own warpers on the model's ten likeliest tokens."""
    scores = torch.tensor([[math.log(candidate.probability) for candidate in token.alternatives]])
    for warp in (
        TemperatureLogitsWarper(request.temperature),
        TopKLogitsWarper(request.top_k),
        TopPLogitsWarper(request.top_p),
    ):
        scores = warp(torch.zeros(1, 1, dtype=torch.long), scores)
    frequencies = scores.softmax(-1)[0].tolist()
    return {
        other.id: frequency for other, frequency in zip(token.alternatives, frequencies, strict=True) if frequency > 0
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"prompt": ""},
        {"prompt": "half a character \ud83c"},
        {"max_new_tokens": 0},
        {"temperature": -0.1},
        {"temperature": math.nan},
        {"temperature": math.inf},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"top_p": math.nan},
        {"top_k": -1},
        {"forced": (-1,)},
        {"forced": (2**40,)},
    ],
)
def test_impossible_requests_get_a_sentence(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInputError, match=r"^[A-Z].*\.$"):
        TextRequest(**({"prompt": "a"} | wrong))


def test_draw_keeps_the_token_that_reaches_top_p() -> None:
    logits = torch.tensor([0.5, 0.3, 0.2]).log()
    for top_p, kept in ((0.4, {0}), (0.6, {0, 1}), (0.9, {0, 1, 2})):
        request = TextRequest("a", temperature=1, top_p=top_p)
        drawn = set(draw(logits.expand(60, 3), [request] * 60, [place / 60 for place in range(60)]).tolist())
        assert drawn == kept


def test_llama_cpp_opens_no_port_prints_nothing_and_goes_away(
    tiny_files: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    threads, ports = native_threads(), open_ports()
    model = llama_cpp.load(tiny_files, CPU)
    stream = model.generate(TextRequest("the", max_new_tokens=50))
    next(stream)
    if sys.platform != "win32":
        assert open_ports() == ports
    model.close()
    assert list(stream) == []  # closing the model has ended the running text
    del stream
    wait_until(lambda: native_threads() <= threads)
    assert capfd.readouterr() == ("", "")


def test_python_may_exit_while_a_text_grows(tiny_files: Path) -> None:
    program = (
        "from pathlib import Path\n"
        "from models.backends.llama_cpp import load\n"
        "from models.devices import available_devices\n"
        "from models.tasks import TextRequest\n"
        f"stream = load(Path({str(tiny_files)!r}), available_devices()[-1]).generate(TextRequest('the', (), 200))\n"
        "print(next(stream).id)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip().isdigit()


def native_threads() -> int:
    return len(os.listdir("/proc/self/task")) if sys.platform == "linux" else 0


def open_ports() -> set[str]:
    """The inodes of this process's listening TCP sockets; empty where there is no /proc."""
    if sys.platform != "linux":
        return set()
    ours = {os.readlink(entry.path) for entry in os.scandir("/proc/self/fd") if os.path.lexists(entry.path)}
    lines = [
        line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/self/net/{name}").read_text().split("\n")
    ]
    return {line[9] for line in lines if len(line) > 9 and line[3] == "0A" and f"socket:[{line[9]}]" in ours}
