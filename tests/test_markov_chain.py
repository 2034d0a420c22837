"""The word Markov chain, on small texts and on the novels it ships with. A few seconds."""

import lzma
import re
import threading
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import BadInputError
from models.markov_chain import MAX_LIVE_CHARACTERS, MAX_ORDER, Copying, MarkovChain, MarkovToken, load, tokenise
from models.specs.language import AUSTEN_NOVELS
from models.store import WeightStore
from models.tasks import TextRequest, Token, text_of
from models.token_sampling import draw, likeliest, reshaped
from tests.conftest import CPU

CATS = "The cat sat. The cat sat. The cat ran. A dog sat. A cat slept; the dog ate the cat."
UNIVERSAL = "It is a truth universally acknowledged,"


@pytest.fixture(scope="module")
def novels(store: WeightStore) -> Path:
    return store.fetch(AUSTEN_NOVELS)


@pytest.fixture(scope="module")
def chain(novels: Path) -> MarkovChain:
    return load(novels, CPU)


def written(chain: MarkovChain, prompt: str, count: int = 40, **settings: float) -> list[MarkovToken]:
    request = TextRequest(prompt, max_new_tokens=count, **{"temperature": 1, "top_p": 1, "top_k": 0, **settings})  # type: ignore[arg-type]
    return list(chain.generate(request))


def first(chain: MarkovChain, prompt: str, **settings: float) -> MarkovToken:
    return written(chain, prompt, 1, **settings)[0]


def test_probabilities_are_the_relative_frequencies_after_the_context() -> None:
    token = first(MarkovChain.from_text(CATS, 2), "the cat")
    assert {other.text: other.probability for other in token.alternatives} == {
        " sat": 0.5,
        " ran": 0.25,
        ".": 0.25,
    }
    assert (token.order, token.seen, token.continuations) == (2, 4, 3)


@pytest.mark.parametrize("order", range(1, MAX_ORDER + 1))
@pytest.mark.parametrize("prompt", [UNIVERSAL, "zzz", "students have to", "她"])
def test_probabilities_sum_to_one(chain: MarkovChain, order: int, prompt: str) -> None:
    request = TextRequest(prompt, max_new_tokens=5, alternatives=100_000)
    for token in chain.of_order(order).generate(request):
        assert sum(other.probability for other in token.alternatives) == pytest.approx(1)
        assert token.probability == next(o.probability for o in token.alternatives if o.id == token.id)
        assert len(token.alternatives) == token.continuations


def test_frequencies_agree_with_plain_counting(novels: Path, chain: MarkovChain) -> None:
    tokens = tokenise(_text(novels))
    following = Counter(after for before, after in pairwise(tokens) if before.strip().lower() == "emma")
    found = first(chain.of_order(1), "Emma").alternatives
    assert [other.probability for other in found] == pytest.approx(
        [count / following.total() for _, count in following.most_common(10)]
    )


def test_looks_back_as_far_as_its_order() -> None:
    # The two sentences can only be told apart by their first words, five back from the last.
    text = "Ann put it on the table. Bob put it on the floor. " * 3
    chain = MarkovChain.from_text(text)
    for order, choices in ((1, 2), (4, 2), (5, 1)):
        token = first(chain.of_order(order), "Bob put it on the", temperature=0)
        assert (token.order, token.continuations) == (order, choices)
    assert first(chain.of_order(5), "Bob put it on the").text == " floor"


def test_backs_off_to_the_longest_context_that_goes_on() -> None:
    chain = MarkovChain.from_text(CATS, 3)
    assert first(chain, "my dear old cat").order == 1
    assert first(chain, "see a cat").order == 2
    assert first(chain, "xyzzy").order == 0
    assert first(chain, "xyzzy").continuations == chain.vocabulary
    # An unknown word hides what is before it.
    assert first(chain, "the cat xyzzy").order == 0


def test_contexts_ignore_case_but_tell_opening_from_closing_quotes() -> None:
    chain = MarkovChain.from_text('"Yes," said Ann. "No," said Bob.', 1)
    assert first(chain, "ANN").text == "."
    assert {other.text for other in first(chain, 'Bob. "').alternatives} == {"Yes", "No"}
    assert {other.text for other in first(chain, 'yes,"').alternatives} == {" said"}


def test_forced_tokens_are_part_of_the_context() -> None:
    chain = MarkovChain.from_text(CATS, 2)
    sat = next(other for other in first(chain, "the cat").alternatives if other.text == " sat")
    (token, *_) = chain.generate(TextRequest("the cat", forced=(sat.id,)))
    assert (token.text, token.probability) == (".", 1)
    with pytest.raises(BadInputError, match="start again"):
        next(chain.generate(TextRequest("the cat", forced=(chain.vocabulary,))))


def test_greedy_takes_the_likeliest_and_a_seed_repeats_itself(chain: MarkovChain) -> None:
    assert all(token.id == token.alternatives[0].id for token in written(chain, UNIVERSAL, temperature=0))
    assert written(chain, UNIVERSAL, seed=3) == written(chain, UNIVERSAL, seed=3)
    assert written(chain, UNIVERSAL, seed=3) != written(chain, UNIVERSAL, seed=4)


def test_top_k_keeps_to_the_likeliest(chain: MarkovChain) -> None:
    for token in written(chain.of_order(1), UNIVERSAL, top_k=2):
        assert token.id in {other.id for other in token.alternatives[:2]}


def test_high_orders_recite_and_low_ones_do_not(chain: MarkovChain) -> None:
    shares = [
        chain.of_order(order).copying(written(chain.of_order(order), UNIVERSAL, 200, seed=1)).share
        for order in range(1, MAX_ORDER + 1)
    ]
    assert shares == sorted(shares)
    assert shares[0] < 0.1
    assert shares[-1] > 0.95


def test_copying_finds_the_longest_run() -> None:
    chain = MarkovChain.from_text("a b c d e f g. a x c d y. b y", 5)
    token = {other.text: other for other in first(chain, "?", alternatives=100).alternatives}

    def copying(text: str, length: int) -> Copying:
        return chain.copying(
            [Token(t.id, t.raw, t.probability) for t in map(token.get, tokenise(text)[1:]) if t], length
        )

    # Of the eight runs of three, the text does not have ". b c" alone.
    assert copying("? b c d y. b c d e f", 3) == Copying(share=7 / 8, longest=5, length=3)
    assert copying("? b c", 6) == Copying(share=0.0, longest=2, length=6)
    assert copying("?", 6) == Copying(share=0.0, longest=0, length=6)


def test_reads_well(chain: MarkovChain) -> None:
    text = UNIVERSAL + text_of(list(written(chain.of_order(5), UNIVERSAL, 60)))
    assert text.startswith("It is a truth universally acknowledged, that a single man in possession of a good fortune,")
    assert not re.search(r" [ ,.;]", text)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=60))
def test_tokens_joined_are_the_text(text: str) -> None:
    assert "".join(tokenise(text)).split() == text.split()
    assert all(token.strip() for token in tokenise(text))


def test_chinese_characters_are_words() -> None:
    chain = MarkovChain.from_text("床前明月光。疑是地上霜。", 1)
    assert first(chain, "明").text == "月"


@pytest.mark.parametrize(("text", "order"), [("", 1), ("One two.", 2), ("One two three four.", 4)])
def test_short_texts_get_one_sentence(text: str, order: int) -> None:
    with pytest.raises(BadInputError, match="add some text or choose a lower order"):
        MarkovChain.from_text(text, order)


@pytest.mark.parametrize("order", [0, 6])
def test_other_orders_get_one_sentence(order: int) -> None:
    with pytest.raises(BadInputError, match="1 to 5"):
        MarkovChain.from_text(CATS, order)


def test_learns_live(novels: Path) -> None:
    text = _text(novels)[:MAX_LIVE_CHARACTERS]
    began = time.process_time()
    chain = MarkovChain.from_text(text, 5)
    assert time.process_time() - began < 1
    assert chain.words > 30_000


def test_many_students_at_once_get_the_same_as_alone(chain: MarkovChain) -> None:
    alone = [written(chain, UNIVERSAL, seed=seed) for seed in range(4)]
    together: dict[int, list[MarkovToken]] = {}
    threads = [
        threading.Thread(target=lambda seed=seed: together.update({seed: written(chain, UNIVERSAL, seed=seed)}))
        for seed in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[seed] for seed in range(4)] == alone


def test_drawing_follows_temperature_top_k_and_top_p() -> None:
    probabilities = np.array([0.1, 0.4, 0.3, 0.2, 0.0])

    def shape(**settings: float) -> list[float]:
        request = TextRequest("x", **{"temperature": 1, "top_p": 1, "top_k": 0, **settings})  # type: ignore[arg-type]
        return [round(float(share), 4) for share in reshaped(probabilities, request)]

    assert shape() == [0.1, 0.4, 0.3, 0.2, 0]
    assert shape(temperature=0) == [0, 1, 0, 0, 0]
    assert shape(temperature=0.5) == [round(p * p / 0.3, 4) for p in probabilities]
    assert shape(top_k=2) == [0, round(4 / 7, 4), round(3 / 7, 4), 0, 0]
    assert shape(top_p=0.7) == [0, round(4 / 7, 4), round(3 / 7, 4), 0, 0]
    assert shape(top_p=0.71) == [0, round(4 / 9, 4), round(3 / 9, 4), round(2 / 9, 4), 0]
    assert shape(top_p=0.01, temperature=2) == [0, 1, 0, 0, 0]
    assert likeliest(probabilities, 10) == [1, 2, 3, 0]
    generator = np.random.default_rng(0)
    drawn = Counter(draw(probabilities, TextRequest("x", temperature=1, top_p=1), generator) for _ in range(5000))
    assert [drawn[index] / 5000 for index in range(5)] == pytest.approx(probabilities, abs=0.03)


def _text(novels: Path) -> str:
    return lzma.decompress((novels / "learnt.txt.xz").read_bytes()).decode()
