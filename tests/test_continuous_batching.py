"""Continuous batching on a tiny decoder: who has a slot, who waits, and what happens when memory runs out."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import GPT2Config, GPT2LMHeadModel, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from models.backends import causal_lm
from models.backends.causal_lm import CACHE_SHARE
from models.backends.continuous_batching import ContinuousBatching, TextStream
from models.backends.token_drawing import draw
from models.devices import Device
from models.errors import OutOfMemoryError
from models.tasks import TextRequest
from tests.tiny_language import LAYERS, POSITIONS, WIDTH, write_tiny_gpt2

SLOTS, CONTEXT, VOCABULARY = 4, 600, 60
PROMPT = [5, 6, 7]


class Network:
    """A tiny GPT-2 that counts its passes. `hurdle` is called before each, with the number of texts."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        config = GPT2Config(
            vocab_size=VOCABULARY, n_positions=CONTEXT, n_embd=16, n_layer=2, n_head=2, initializer_range=0.5
        )
        self._inner = GPT2LMHeadModel(config).train(False)
        self.device = self._inner.device
        self.hurdle: Callable[[int], None] = lambda texts: None
        self.passes: list[tuple[int, int]] = []

    def __call__(self, **arguments: Any) -> Any:
        self.hurdle(len(arguments["input_ids"]))
        self.passes.append(tuple(arguments["input_ids"].shape))
        return self._inner(**arguments)


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def engine(network: Network) -> ContinuousBatching:
    return ContinuousBatching(network, slots=SLOTS, context=CONTEXT, ends=set())


def request(seed: int = 0, tokens: int = 12) -> TextRequest:
    return TextRequest("a", max_new_tokens=tokens, seed=seed)


def ids(stream: TextStream) -> list[int]:
    return [drawn.id for drawn in stream]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)


def test_texts_that_come_together_share_their_passes(network: Network, engine: ContinuousBatching) -> None:
    everybody = threading.Barrier(SLOTS)
    arrived = threading.Event()

    def hurdle(texts: int) -> None:
        arrived.wait(10)

    network.hurdle = hurdle

    def write(seed: int) -> list[int]:
        everybody.wait()
        stream = engine.write(PROMPT[:1], request(seed))
        return ids(stream)

    with ThreadPoolExecutor(SLOTS) as pool:
        texts = pool.map(write, range(SLOTS))
        wait_until(lambda: len(engine._waiting) + len(engine._growing) == SLOTS)
        arrived.set()
        assert all(len(text) == 12 for text in texts)
    assert len(network.passes) <= 12 + 1, "one for all, but for the first, which began alone"


def test_a_long_prompt_lets_the_others_go_on(network: Network, engine: ContinuousBatching) -> None:
    short = engine.write(PROMPT, request(tokens=100))
    next(short)
    begun = len(network.passes)
    ids(engine.write([3] * 550, request(tokens=1)))
    long = [place for place, (_, length) in enumerate(network.passes) if length > 1 and place >= begun]
    assert [network.passes[place][1] for place in long] == [256, 256, 38]
    assert all(network.passes[place + 1][1] == 1 for place in long[:-1]), "a token for the other between two portions"
    short.close()


def test_who_comes_later_waits_in_order_and_may_leave(network: Network, engine: ContinuousBatching) -> None:
    first = [engine.write(PROMPT, request(seed, 400)) for seed in range(SLOTS)]
    for stream in first:
        next(stream)
    served: list[str] = []
    streams = {name: engine.write(PROMPT, request(tokens=1)) for name in ("second", "gone", "third")}
    readers = []
    for name, stream in streams.items():

        def read(name: str = name, stream: TextStream = stream) -> None:
            if ids(stream):
                served.append(name)

        readers.append(threading.Thread(target=read))
        readers[-1].start()
    assert len(engine._waiting) == 3
    streams["gone"].close()
    readers[1].join(5)
    assert not readers[1].is_alive(), "leaving does not wait for a place"
    assert served == []
    first[2].close()
    for reader in readers:
        reader.join(30)
    assert served == ["second", "third"]
    passes = len(network.passes)
    for stream in first:
        stream.close()
    wait_until(lambda: not engine._working)
    assert len(network.passes) - passes <= 2 * SLOTS, "nobody listens any more"


def test_a_forgotten_stream_frees_its_place(engine: ContinuousBatching) -> None:
    for seed in range(3 * SLOTS):
        next(engine.write(PROMPT, request(seed, 500)))
    wait_until(lambda: not engine._working)


def test_a_stream_that_has_ended_stays_ended(engine: ContinuousBatching) -> None:
    stream = engine.write(PROMPT, request(tokens=2))
    assert len(ids(stream)) == 2
    assert ids(stream) == []


@pytest.mark.parametrize("most", [2, 1])
def test_where_memory_is_short_fewer_texts_grow_at_once_and_say_the_same(
    network: Network, engine: ContinuousBatching, most: int
) -> None:
    requests = [request(seed) for seed in range(6)]
    alone = [ids(engine.write(PROMPT, one)) for one in requests]
    asked: list[str] = []
    engine.make_room = lambda: asked.append("make room")

    def hurdle(texts: int) -> None:
        if texts > most:
            raise torch.OutOfMemoryError

    network.hurdle = hurdle
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda one: ids(engine.write(PROMPT, one)), requests))
    assert together == alone
    assert asked == ["make room"]
    assert engine.slots == most


def test_no_memory_for_a_single_text_is_said_in_a_sentence(network: Network, engine: ContinuousBatching) -> None:
    def hurdle(texts: int) -> None:
        raise torch.OutOfMemoryError

    network.hurdle = hurdle
    with pytest.raises(OutOfMemoryError, match="shorten it"):
        ids(engine.write(PROMPT, request()))
    network.hurdle = lambda texts: None
    assert len(ids(engine.write(PROMPT, request()))) == 12, "the next one is served"


def test_a_fault_reaches_everybody_and_the_next_text_is_served(network: Network, engine: ContinuousBatching) -> None:
    def hurdle(texts: int) -> None:
        raise KeyError("a bug")

    network.hurdle = hurdle
    streams = [engine.write(PROMPT, request(seed)) for seed in range(2)]
    for stream in streams:
        with pytest.raises(KeyError):
            next(stream)
    network.hurdle = lambda texts: None
    assert len(ids(engine.write(PROMPT, request()))) == 12


@pytest.mark.parametrize(("texts", "slots"), [(0.5, 1), (11.5, 11), (1000, 16)])
def test_the_cache_takes_a_share_of_the_card(tmp_path: Path, texts: float, slots: int) -> None:
    of_a_text = POSITIONS * 2 * LAYERS * WIDTH * 4
    write_tiny_gpt2(tmp_path)
    device = Device("cpu", "test processor", int(texts * of_a_text / CACHE_SHARE), "float32", 2)
    engine = causal_lm.load(tmp_path, device)._engine
    assert engine.slots == slots
    ids(engine.write(PROMPT, request(tokens=1)))
    assert engine._cache is not None
    kept = sum(tensor.nbytes for pair in engine._cache._kept.values() for tensor in pair)
    assert kept == slots * of_a_text


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    temperature=st.floats(0.05, 5),
    top_k=st.integers(0, 12),
    top_p=st.floats(0.01, 1),
)
def test_draws_fall_where_transformers_warpers_put_the_probability(
    seed: int, temperature: float, top_k: int, top_p: float
) -> None:
    logits = torch.randn(1, 10, generator=torch.Generator().manual_seed(seed)) * 3
    scores = logits
    unread = torch.zeros(1, 1, dtype=torch.long)
    for warp in (TemperatureLogitsWarper(temperature), TopKLogitsWarper(top_k or 10), TopPLogitsWarper(top_p)):
        scores = warp(unread, scores)
    expected = scores.softmax(-1)[0]
    count = 2000
    asked = replace(request(), temperature=temperature, top_k=top_k, top_p=top_p)
    drawn = draw(logits.expand(count, 10), [asked] * count, [place / count for place in range(count)])
    seen = torch.bincount(drawn, minlength=10) / count
    assert (seen - expected).abs().max() < 2.5 / count + 1e-3


def test_rows_of_different_wishes_do_not_disturb_each_other() -> None:
    logits = torch.randn(5, 40, generator=torch.Generator().manual_seed(3))
    wishes = [replace(request(), temperature=t, top_k=k, top_p=p) for t, k, p in _WISHES]
    chances = [0.1, 0.5, 0.9, 0.999999, 0.0]
    together = draw(logits, wishes, chances).tolist()
    alone = [int(draw(logits[[row]], [wishes[row]], [chances[row]])) for row in range(5)]
    assert together == alone
    assert together[0] == int(logits[0].argmax())


_WISHES = [(0.0, 0, 1.0), (1.0, 5, 1.0), (2.0, 0, 0.5), (0.7, 40, 1.0), (1.0, 3, 0.9)]
