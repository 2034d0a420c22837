"""The character LSTM with its real weights, and one short training. Some ten seconds."""

import lzma
import math
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from models.backends.character_lstm import CharacterLSTM, State, load
from models.errors import BadInputError
from models.specs.language import AUSTEN_NOVELS, CHARACTER_LSTM
from models.store import WeightStore
from models.tasks import TextRequest, Token, text_of
from models.token_sampling import Probabilities
from models.training.character_lstm import Settings, Training, train
from models.training.character_ngrams import bits_per_character
from models.training.texts import split
from tests.conftest import CPU

PROMPT = "Once upon a time"


@pytest.fixture(scope="module")
def writer(store: WeightStore) -> CharacterLSTM:
    return load(store.fetch(CHARACTER_LSTM), CPU)


@pytest.fixture(scope="module")
def texts(store: WeightStore) -> tuple[str, str]:
    """What the model has learnt from and what it has not."""
    folder = store.fetch(AUSTEN_NOVELS)
    learnt, held_out = (lzma.decompress((folder / file.name).read_bytes()).decode() for file in AUSTEN_NOVELS.files)
    return learnt, held_out


def written(writer: CharacterLSTM, prompt: str, count: int = 60, **settings: float) -> list[Token]:
    return list(writer.generate(TextRequest(prompt, max_new_tokens=count, **settings)))  # type: ignore[arg-type]


def test_foresees_the_unseen_text_better_than_counting_does(writer: CharacterLSTM, texts: tuple[str, str]) -> None:
    learnt, held_out = texts
    snippet = held_out[:5_000]
    two, five = (bits_per_character(learnt, snippet, order) for order in (2, 5))
    assert writer.bits_per_character(snippet) < 0.92 * five < five < two


def test_probabilities_sum_to_one_and_are_those_of_the_network(writer: CharacterLSTM) -> None:
    tokens = list(writer.generate(TextRequest(PROMPT, max_new_tokens=30, alternatives=1000)))
    for token in tokens:
        assert sum(other.probability for other in token.alternatives) == pytest.approx(1)
        assert len(token.alternatives) == len(writer.alphabet)
    # Read in one go, the text is as likely as it was letter by letter.
    text = PROMPT + text_of(tokens)
    bits = writer.bits_per_character(text) * len(text) - writer.bits_per_character(PROMPT) * len(PROMPT)
    assert -sum(math.log2(token.probability) for token in tokens) == pytest.approx(bits, rel=1e-3)


def test_tokens_are_characters(writer: CharacterLSTM) -> None:
    tokens = written(writer, PROMPT)
    assert len(tokens) == 60
    assert all(len(token.text) == 1 and token.text == writer.alphabet[token.id] for token in tokens)
    assert [len(token.alternatives) for token in tokens] == [10] * 60


def test_greedy_takes_the_likeliest_and_a_seed_repeats_itself(writer: CharacterLSTM) -> None:
    assert all(token.id == token.alternatives[0].id for token in written(writer, PROMPT, temperature=0))
    assert written(writer, PROMPT, seed=5) == written(writer, PROMPT, seed=5)
    assert text_of(written(writer, PROMPT, seed=5)) != text_of(written(writer, PROMPT, seed=6))


def test_reads_the_prompt(writer: CharacterLSTM) -> None:
    assert text_of(written(writer, "Elizabeth was sitting by hersel", 1, temperature=0)) == "f"
    assert text_of(written(writer, "Miss Bing", 3, temperature=0)) == "ley"


def test_forced_characters_continue_the_prompt(writer: CharacterLSTM) -> None:
    forced = tuple(writer.alphabet.index(character) for character in " there")
    assert written(writer, PROMPT + " there", seed=1) == list(
        writer.generate(TextRequest(PROMPT, forced, max_new_tokens=60, seed=1))
    )
    with pytest.raises(BadInputError, match="start again"):
        next(writer.generate(TextRequest(PROMPT, (len(writer.alphabet),))))


def test_writes_words(writer: CharacterLSTM, texts: tuple[str, str]) -> None:
    known = set(texts[0].lower().replace(",", " ").replace(".", " ").split())
    words = text_of(written(writer, PROMPT, 400, temperature=0.5)).lower().replace(",", " ").replace(".", " ").split()
    assert sum(word in known for word in words) > 0.9 * len(words)


def test_typographic_marks_and_accents_are_read_as_plain_ones(writer: CharacterLSTM) -> None:
    assert written(writer, "“It\u2019s a café—here…”") == written(writer, '"It\'s a cafe--here..."')


def test_a_stray_unknown_character_is_skipped_and_a_foreign_text_refused(writer: CharacterLSTM) -> None:
    assert written(writer, "To get an A+ in deep generative models,") == written(
        writer, "To get an A in deep generative models,"
    )
    with pytest.raises(BadInputError, match="has never seen '深'"):
        next(writer.generate(TextRequest("A 深度生成模型")))


def test_many_students_at_once_get_the_same_as_alone(writer: CharacterLSTM) -> None:
    prompts = ("Emma was", "Mr. Darcy had", "The sea", "A carriage came")
    alone = {prompt: written(writer, prompt) for prompt in prompts}
    together: dict[str, list[Token]] = {}
    threads = [
        threading.Thread(target=lambda prompt=prompt: together.update({prompt: written(writer, prompt)}))
        for prompt in prompts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


def test_nothing_is_computed_before_it_is_asked_for(writer: CharacterLSTM, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[State] = []
    ask = writer._next

    def counted(state: State) -> Probabilities:
        steps.append(state)
        return ask(state)

    monkeypatch.setattr(writer, "_next", counted)
    text = writer.generate(TextRequest(PROMPT, max_new_tokens=1000))
    for _ in range(3):
        next(text)
    assert isinstance(text, Iterator)
    text.close()  # type: ignore[attr-defined]
    assert len(steps) == 3


def test_ngram_bits_on_texts_one_can_reckon() -> None:
    # Half a and half b by count; smoothing mixes a little of the even distribution in, which is the same here.
    assert bits_per_character("ab" * 500, "ab" * 50, 0) == pytest.approx(1)
    assert bits_per_character("ab" * 500, "ab" * 50, 1) < 0.01
    # (100 + 2 * 1/2) / (100 + 2) for a seen pair's context of 100 with one continuation: (c + t p) / (n + t), t = 1.
    assert bits_per_character("aab" * 2 + "a", "ab", 1) == pytest.approx(-math.log2((2 + 2 * (2 + 2 * 0.5) / 9) / 6))


def test_split_keeps_the_end_of_each_text_unseen() -> None:
    text = "\n".join(f"paragraph {number}" for number in range(100))
    learnt, held_out = split([text, text])
    assert learnt.count("paragraph 0\n") == held_out.count("paragraph 99") == 2
    assert not set(learnt.split("\n")) & set(held_out.split("\n"))


def small_training() -> Training:
    settings = Settings(minutes=1, streams=4, window=8, learning_rate=1e-2, embedding=8, hidden=16)
    return Training(settings, "\nto be or not to be, that is it. " * 12, "to be " * 40)


def test_training_learns_resumes_and_releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The learning rate follows the clock, so the clock must stand still for two runs to be the same.
    monkeypatch.setattr("models.training.character_lstm.time.monotonic", lambda: 0.0)
    whole = small_training()
    bits = [whole.step() for _ in range(100)]
    assert np.mean(bits[-5:]) < np.mean(bits[:5]) - 0.5

    broken = small_training()
    for _ in range(37):
        broken.step()
    train(broken, tmp_path, ending=lambda: True)
    resumed = small_training()
    resumed.load(tmp_path / "checkpoint.pt")
    assert [resumed.step() for _ in range(63)] == pytest.approx(bits[37:])

    released = load(tmp_path / "release", CPU)
    assert released.alphabet == broken.alphabet
    text = "\nto be or not"
    ids = torch.tensor([[broken.alphabet.index(character) for character in text]])
    with torch.inference_mode():
        logits, _ = broken.network.eval()(ids[:, :-1])
        trained = torch.nn.functional.cross_entropy(logits[0], ids[0, 1:]).item() / math.log(2)
    assert released.bits_per_character(text[1:]) == pytest.approx(trained, rel=1e-3)
