"""The speakers of the hub, end to end: tiny ones of the real classes, fetched from the stand-in hub by the specs of the
catalog, run through the registry and through the Speech tab. They make noise, so what is tested are properties of it.
"""
# ruff: noqa: RUF001 (phonemes look like letters)

import threading
import wave
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
import torch
from gradio_client import Client
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from demos import speech
from demos.model_picker import best_model
from demos.services import Services
from demos.settings import read_settings
from demos.spoken import MAX_CHARACTERS, SPEEDS, THREE_SEEDS, VOICES, compare, comparisons
from models.backends import bark
from models.backends.english_phonemes import EnglishReader
from models.backends.vits import espeak_spelling
from models.catalog import CATALOG
from models.errors import BadInputError, ModelError, OutOfMemoryError
from models.gpu_seconds import MOST, gpu_seconds
from models.registry import Registry
from models.speakers import DELIVERIES
from models.specs.hub_speech import HUB_SPEECH
from models.specs.speech import SPEECH
from models.store import WeightStore
from models.tasks import Progress, SpeechRequest, SpokenSentence, Task
from tests.conftest import CPU
from tests.evil_pickle import Evil
from tests.tiny_hub import tiny_registry, written
from tests.tiny_speech import VITS_SYMBOLS, write_tiny_bark, write_tiny_pickled_bark, write_tiny_vits

VITS, BARK, LARGE_BARK = (spec.id for spec in HUB_SPEECH)
HIBARI = SPEECH[0].id
WRITERS: dict[str, Callable[[Path], None]] = {
    VITS: write_tiny_vits,
    BARK: write_tiny_bark,
    LARGE_BARK: write_tiny_pickled_bark,
}
TEXT = "Hello there. This is a test."


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """The real specs, allowed wherever tests run because their weights are tiny here."""
    folders = written(WRITERS, tmp_path_factory, pickled="pytorch_model.bin")
    with tiny_registry(HUB_SPEECH, folders, tmp_path_factory) as (registry, hub):
        yield registry
        # The large Bark is not there as safetensors.
        assert {request.path.split("/")[2] for request in hub.downloads("pytorch_model.bin")} == {"bark"}


@pytest.fixture(scope="module")
def reader() -> EnglishReader:
    return EnglishReader()


def speaker(registry: Registry, model: str) -> Any:
    for _ in registry.prepare(model):
        pass
    with registry.lease(model) as lease:
        return lease.backend


def said(registry: Registry, model: str, text: str = TEXT, **changes: Any) -> list[SpokenSentence]:
    request = SpeechRequest(text, **({"voice": DELIVERIES[model].voice} | changes))
    return [step for step in speaker(registry, model).speak(request) if isinstance(step, SpokenSentence)]


def sound(registry: Registry, model: str, text: str = TEXT, **changes: Any) -> NDArray[np.float32]:
    return np.concatenate([sentence.samples for sentence in said(registry, model, text, **changes)])


@pytest.mark.parametrize("model", [VITS, BARK, LARGE_BARK])
def test_each_sentence_is_sound_with_its_text(registry: Registry, model: str) -> None:
    spoken = said(registry, model)
    assert [sentence.text for sentence in spoken] == ["Hello there.", "This is a test."]
    for sentence in spoken:
        assert sentence.samples.dtype == np.float32
        assert sentence.samples.ndim == 1
        assert len(sentence.samples) > 1000
        assert np.abs(sentence.samples).max() <= 1
        assert sentence.samples.std() > 0.001
    assert speaker(registry, model).sample_rate == {VITS: 22_050}.get(model, 24_000)


@pytest.mark.parametrize("model", [VITS, BARK])
def test_a_seed_gives_one_sound_whatever_else_is_drawn(registry: Registry, model: str) -> None:
    first = sound(registry, model, "Hi.", seed=1)
    torch.rand(7)
    state = torch.random.get_rng_state()
    again, other = (sound(registry, model, "Hi.", seed=seed) for seed in (1, 2))
    assert torch.equal(torch.random.get_rng_state(), state), "nobody else's random numbers change"
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_two_threads_do_not_disturb_each_other(registry: Registry) -> None:
    alone = [sound(registry, VITS, seed=seed) for seed in (1, 2)]
    together: dict[int, NDArray[np.float32]] = {}
    start = threading.Barrier(2)

    def speak(seed: int) -> None:
        start.wait(timeout=10)
        together[seed] = sound(registry, VITS, seed=seed)

    threads = [threading.Thread(target=speak, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(together[seed], alone[seed - 1]) for seed in (1, 2))


def test_speed_and_voice(registry: Registry) -> None:
    slow, normal, fast = (len(sound(registry, VITS, speed=speed)) for speed in (0.5, 1.0, 2.0))
    assert slow > 1.5 * normal
    assert normal > 1.3 * fast
    with pytest.raises(BadInputError, match="at a pace of its own: leave the speed at 1"):
        said(registry, BARK, speed=1.5)
    assert not np.array_equal(sound(registry, BARK, "Hi."), sound(registry, BARK, "Hi.", voice="v2/en_speaker_9"))
    with pytest.raises(BadInputError, match=r"no voice “heart” here: choose v2/en_speaker_6, v2/en_speaker_0"):
        said(registry, BARK, voice="heart")


@pytest.mark.parametrize("model", [VITS, BARK])
@pytest.mark.parametrize("text", ["...", "🙂🙂", "“”", "?!"])
def test_nothing_to_say_gets_a_sentence(registry: Registry, model: str, text: str) -> None:
    with pytest.raises(BadInputError, match=r"^Nothing to say: .*\.$"):
        said(registry, model, text)


def test_a_long_sentence_comes_in_parts(registry: Registry) -> None:
    text = "The model draws another token, " * 14 + "at last."
    for model, most in ((BARK, bark.MAX_CHARACTERS), (VITS, 400)):
        parts = [part for part, _ in speaker(registry, model)._read(text)]
        assert len(parts) > 1
        assert all(len(part) <= most for part in parts)
        assert "".join("".join(parts).split()) == "".join(text.split())


def test_bark_tells_how_far_it_is_and_stops_within_a_step(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = speaker(registry, BARK)
    *told, last = backend.speak(SpeechRequest("Hello there.", DELIVERIES[BARK].voice))
    assert isinstance(last, SpokenSentence)
    meanings, sounds = ([step for step in told if step.what == what] for what in ("meaning: token", "sound: token"))
    assert [step.done for step in meanings] == list(range(1, len(meanings) + 1))
    assert [step.done for step in sounds] == list(range(1, len(sounds) + 1))
    assert len(meanings) + len(sounds) == len(told)
    assert all(step.done <= step.total for step in told)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the second stage began")

    monkeypatch.setattr(backend._network.coarse_acoustics, "generate", never)
    work = backend.speak(SpeechRequest("Hello there.", DELIVERIES[BARK].voice))
    assert [str(step) for step in islice(work, 2)] == ["meaning: token 1 of 12", "meaning: token 2 of 12"]
    work.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "watched"]


def test_the_first_sentence_does_not_wait_for_the_second(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = speaker(registry, VITS)
    made: list[str] = []

    def counted(text: str, *_: object) -> torch.Tensor:
        made.append(text)
        return torch.zeros(3)

    monkeypatch.setattr(backend, "_sound", counted)
    work = backend.speak(SpeechRequest(TEXT, "lj"))
    assert next(work).text == "Hello there."
    work.close()
    assert made == ["Hello there."]


@pytest.mark.parametrize("model", [VITS, BARK])
@pytest.mark.parametrize("samples", [[0.1, float("nan")], [float("inf")], []])
def test_no_sound_never_leaves_the_model(
    registry: Registry, model: str, samples: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaker(registry, model), "_sound", lambda *_: torch.tensor(samples))
    with pytest.raises(ModelError, match="made no sound of this"):
        said(registry, model)


def test_too_loud_a_sound_is_turned_down(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        speaker(registry, VITS), "_sound", lambda *_: torch.tensor([0.0, -4.0, 2.0], dtype=torch.bfloat16)
    )
    assert said(registry, VITS, "Hi.")[0].samples.tolist() == [0.0, -1.0, 0.5]


@pytest.mark.parametrize("failures", [1, 2])
def test_out_of_memory_makes_room_and_tries_once_more(
    registry: Registry, failures: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = speaker(registry, VITS)
    made_room: list[bool] = []
    left = iter(range(failures))

    def short_of_memory(*_: object) -> torch.Tensor:
        if next(left, None) is not None:
            raise torch.OutOfMemoryError
        return torch.ones(3)

    monkeypatch.setattr(backend, "make_room", lambda: made_room.append(True))
    monkeypatch.setattr(backend, "_sound", short_of_memory)
    if failures == 1:
        assert sound(registry, VITS, "Hi.").tolist() == [1, 1, 1]
    else:
        with pytest.raises(OutOfMemoryError, match="write shorter"):
            said(registry, VITS, "Hi.")
    assert made_room == [True]


def test_bark_computes_in_the_format_of_the_device_and_decodes_in_float32(tmp_path: Path) -> None:
    write_tiny_bark(tmp_path)
    backend = bark.load(tmp_path, replace(CPU, precision="bfloat16"))
    formats = {name: next(part.parameters()).dtype for name, part in backend._network.named_children()}
    assert formats.pop("codec_model") == torch.float32
    assert set(formats.values()) == {torch.bfloat16}
    *_, last = backend.speak(SpeechRequest("Hi.", "v2/en_speaker_6"))
    assert isinstance(last, SpokenSentence)


def test_a_card_is_asked_for_long_enough_to_speak_the_longest_text() -> None:
    assert gpu_seconds(SpeechRequest("x" * MAX_CHARACTERS, "v2/en_speaker_6")) in range(80, MOST)


def test_a_pickled_voice_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "v_semantic_prompt.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        bark._prompts(tmp_path, "v", CPU)


@pytest.mark.parametrize(
    ("text", "espeak"),
    [
        ("She sells sea shells by the sea shore.", "ʃiː sˈɛlz sˈiː ʃˈɛlz baɪ ðə sˈiː ʃˈɔːɹ."),
        ("He heard the first word.", "hiː hˈɜːd ðə fˈɜːst wˈɜːd."),
        ("You like cats better in the car.", "juː lˈaɪk kˈæts bˈɛɾɚɹ ɪn ðə kˈɑːɹ."),
        ("The judge chose a happy boy.", "ðə dʒˈʌdʒ tʃˈoʊz ɐ hˈæpi bˈɔɪ."),
    ],
)
def test_phonemes_are_spelt_as_espeak_does(reader: EnglishReader, text: str, espeak: str) -> None:
    """What espeak-ng 1.52 writes, but for words that it joins ("in the" as one)."""
    ((_, symbols),) = reader.read(text)
    assert espeak_spelling(symbols) == espeak


def test_vits_knows_every_symbol_of_the_examples(registry: Registry, reader: EnglishReader) -> None:
    for text in speech.EXAMPLES.values():
        spelt = [espeak_spelling(symbols) for _, symbols in reader.read(text)]
        assert set("".join(spelt)) <= set(VITS_SYMBOLS)
        assert [phonemes for _, phonemes in speaker(registry, VITS)._read(text)] == spelt


def test_hibari_stays_the_first_choice_and_every_speaker_is_described(tmp_path: Path) -> None:
    speakers = {spec.id for spec in CATALOG if Task.SPEECH in spec.tasks}
    assert set(DELIVERIES) == speakers
    for devices in ((CPU,), (replace(CPU, kind="cuda", memory=10**11), CPU)):
        for offline in (False, True):
            registry = Registry(CATALOG, store=WeightStore(tmp_path, offline=offline), devices=devices)
            assert best_model(registry, Task.SPEECH) == HIBARI


def test_what_can_be_compared(
    registry: Registry, services: Services, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    assert comparisons(DELIVERIES[VITS]) == [SPEEDS, THREE_SEEDS]
    assert comparisons(DELIVERIES[BARK]) == [THREE_SEEDS, VOICES]
    small = Services(registry, services.settings)
    *steps, made = compare(small, SpeechRequest(TEXT, DELIVERIES[BARK].voice, seed=3), BARK, VOICES)
    assert any(isinstance(step, Progress) for step in steps)
    assert isinstance(made, list)
    assert [one.words.split(":")[0] for one in made] == [f"Speaker {number}, English" for number in (6, 0, 1)]
    assert len({Path(one.sound).read_bytes() for one in made}) == 3
    *_, made = compare(small, SpeechRequest(TEXT, "lj", seed=3), VITS, THREE_SEEDS)
    assert isinstance(made, list)
    assert [one.words.split(":")[0] for one in made] == ["Seed 3", "Seed 4", "Seed 5"]
    assert len({one.span for one in made}) == 1


@pytest.fixture(scope="module")
def address(registry: Registry, services: Services) -> Iterator[str]:
    """The tab, with these models beside hibari."""
    registry.add(*SPEECH)
    with gr.Blocks() as page:
        speech.build(Services(registry, read_settings(["--port", "0"])))
    _, url, _ = page.queue().launch(prevent_thread_lock=True, quiet=True)
    yield url
    page.close()


def test_pickled_weights_run_no_code(tmp_path: Path) -> None:
    write_tiny_pickled_bark(tmp_path)
    torch.save({"weight": Evil(tmp_path / "run")}, tmp_path / "pytorch_model.bin")
    with pytest.raises(Exception, match=r"weights_only|Weights only"):
        bark.load(tmp_path, CPU)
    assert not (tmp_path / "run").exists()


def test_the_endpoint_knows_the_voices_of_each_model(address: str) -> None:
    client = Client(address, verbose=False)
    path, facts = client.predict(TEXT, "", 2.0, 7, VITS, api_name="/speak")
    assert (facts["model"], facts["voice"], facts["speed"], facts["seed"]) == (VITS, "lj", 2.0, 7)
    assert facts["phonemes"] == ["həlˈoʊ ðˈɛɹ.", "ðɪs ɪz ɐ tˈɛst."]
    with wave.open(path) as file:
        assert file.getframerate() == 22_050
        assert file.getnframes() / 22_050 == pytest.approx(facts["duration"], abs=0.001)
    _, facts = client.predict(TEXT, "v2/en_speaker_3", 1, 1, BARK, api_name="/speak")
    assert (facts["model"], facts["voice"], facts["phonemes"]) == (BARK, "v2/en_speaker_3", ["", ""])
    _, facts = client.predict(TEXT, api_name="/speak")
    assert (facts["model"], facts["voice"]) == (HIBARI, "heart")
    for arguments, sentence in (
        ((TEXT, "heart", 1, 0, VITS), "no voice “heart” here: choose lj"),
        ((TEXT, "", 0.5, 0, BARK), "leave the speed at 1"),
        (("...", "", 1, 0, BARK), "Nothing to say"),
    ):
        with pytest.raises(Exception, match=sentence):
            client.predict(*arguments, api_name="/speak")


def test_the_settings_follow_the_model(address: str, page: Page) -> None:
    page.goto(address)
    page.get_by_role("button", name="Advanced").click()
    voice, speed = page.get_by_label("Voice", exact=True).locator("visible=true"), page.get_by_label("Speed").first
    expect(voice).to_have_value("Heart, American English")
    picker = page.get_by_label("Model", exact=True)
    picker.select_option(BARK)
    expect(voice).to_have_value("Speaker 6, English")
    expect(speed).to_be_hidden()
    expect(page.get_by_text("at times other words")).to_have_count(2)
    expect(page.get_by_label(VOICES)).to_be_visible()
    page.get_by_label("Text to speak").fill("Hello there.")
    page.get_by_role("button", name="Speak", exact=True).click()
    expect(page.locator(".status-line:visible").first).to_have_text("1 sentence spoken.")
    expect(page.locator(".player-sentences").first.locator("span")).to_have_text(["Hello there."])
    picker.select_option(VITS)
    expect(voice).to_have_value("LJ, American English")
    expect(speed).to_be_visible()
    page.get_by_role("button", name="Speak", exact=True).click()
    expect(page.locator(".player-sentences").first.locator("span")).to_have_text(["Hello there.", "həlˈoʊ ðˈɛɹ."])
    picker.select_option(HIBARI)
    expect(voice).to_have_value("Heart, American English")
