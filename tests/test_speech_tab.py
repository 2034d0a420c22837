"""The Speech tab: what its functions, its endpoint and its page do, on the real weights. Takes about half a minute."""

import time
import wave
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, expect

from demos.audio_player import Playable
from demos.audio_plots import draw_sound
from demos.seed import MAX_SEED
from demos.services import Services
from demos.speech import EXAMPLES
from demos.speech_page import PAGE
from demos.spoken import (
    COMPARED_SPEEDS,
    MAX_CHARACTERS,
    PICTURE_SIZE,
    SEEDS,
    SMALL_PICTURE_SIZE,
    SPEEDS,
    Spoken,
    compare,
    playable,
    plot_area,
    prepare_request,
    speak,
    spoken_whole,
    wav_file,
    words_for,
)
from models.audio import rms_dbfs
from models.devices import Device
from models.errors import BadInputError
from models.states import MadeBy
from models.tasks import SpeechRequest, SpokenSentence
from tests import browser

MODEL = "hibari-heart"
GOOD_ARGUMENTS: dict[str, object] = {"text": "Hello.", "voice": "heart", "speed": 1.0, "seed": 0, "model": MODEL}
TEXT = "Hello there. This is the second sentence. And a third!"


@pytest.fixture(autouse=True)
def served_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Files of tests without a server stay out of the user's folder."""
    if not {"client", "gallery"} & set(request.fixturenames):
        monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))


def samples_of(path: str) -> NDArray[np.int16]:
    with wave.open(path) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 24_000)
        return np.frombuffer(sound.readframes(sound.getnframes()), np.int16)


@given(text=st.text(max_size=3 * MAX_CHARACTERS))
@settings(max_examples=200, deadline=None)
def test_any_text_becomes_a_request_or_a_sentence(text: str) -> None:
    try:
        request = prepare_request(text, "heart", 1, 0)
    except BadInputError as error:
        assert str(error).endswith((".", "!"))  # noqa: PT017 - either outcome is right
    else:
        assert 0 < len(request.text) <= MAX_CHARACTERS


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_every_example_fits_and_is_spoken(services: Services, example: str) -> None:
    spoken = spoken_whole(services, prepare_request(example, "heart", 1, 0), MODEL)
    assert 3 < spoken.duration < 15
    assert " ".join(sentence.text for sentence in spoken.sentences) == example


@pytest.mark.parametrize("seed", [None, -1, 0.5, MAX_SEED + 1, float("nan"), float("inf"), "7"])
def test_wrong_seeds_get_a_sentence(seed: float | None) -> None:
    with pytest.raises(BadInputError, match="seed must be a"):
        prepare_request(TEXT, "heart", 1, seed)


@pytest.mark.parametrize("speed", [None, "fast", 0.0, -1.0, 2.5, float("nan"), float("inf")])
def test_wrong_speeds_get_a_sentence(services: Services, speed: float | None) -> None:
    with pytest.raises(BadInputError, match="speed must be"):
        spoken_whole(services, prepare_request(TEXT, "heart", speed, 0), MODEL)


def test_sentences_arrive_one_by_one_and_the_sound_only_grows(services: Services) -> None:
    steps = [step for step in speak(services, prepare_request(TEXT, "heart", 1, 0), MODEL) if isinstance(step, Spoken)]
    assert [len(step.sentences) for step in steps] == [1, 2, 3]
    for earlier, later in pairwise(steps):
        # The player goes on in the longer file where the shorter one has ended.
        assert np.array_equal(later.samples[: len(earlier.samples)], earlier.samples)
        assert earlier.took < later.took
    cues = steps[-1].cues
    assert cues[0].start == 0
    assert [cue.start for cue in cues[1:]] == [cue.end for cue in cues[:-1]]
    assert cues[-1].end == pytest.approx(steps[-1].duration, abs=0.001)


def test_same_seed_same_file_and_the_file_tells_where_it_comes_from(services: Services) -> None:
    first, again, other = (
        wav_file(spoken_whole(services, prepare_request(TEXT, "heart", 1.2, seed), MODEL)) for seed in (3, 3, 4)
    )
    assert Path(first).read_bytes() == Path(again).read_bytes()
    assert not np.array_equal(samples_of(first), samples_of(other))
    for tag in (b"AI-generated", b"hibari-heart", b"seed=3", b"speed=1.2", b"Apache-2.0"):
        assert tag in Path(first).read_bytes()[:400]


@pytest.mark.parametrize(
    ("took", "words"),
    [
        (0.05, "3.2 s of speech made in 0.05 s: 64 times faster than real time"),
        (1.6, "3.2 s of speech made in 1.6 s: 2.0 times faster than real time"),
        (6.4, "3.2 s of speech made in 6.4 s: 2.0 times slower than real time"),
    ],
)
def test_real_time_factor_in_words(services: Services, took: float, words: str) -> None:
    made_by = MadeBy(services.registry[MODEL], Device("cpu", "test processor", 1, "float32", 1))
    sentence = SpokenSentence("Hi.", "haj.", np.zeros(76_800, np.float32))
    assert words_for(Spoken(made_by, SpeechRequest("Hi.", "heart"), (sentence,), 24_000, took)) == words


@pytest.mark.parametrize("size", [PICTURE_SIZE, SMALL_PICTURE_SIZE])
def test_playhead_runs_along_the_time_axis_of_the_picture(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).normal(0, 0.2, 48_000).astype(np.float32)
    picture = np.asarray(draw_sound([noise], 24_000, size=size).convert("L")).astype(int)
    # Rows in the middle of the spectrogram: noise fills its whole width, beside it lies the white page.
    band = picture[round(size[1] * 0.6) : round(size[1] * 0.64)]
    filled = np.flatnonzero((band < 250).all(axis=0))
    left, right = plot_area(size)
    assert filled[0] == pytest.approx(left * size[0], abs=2)
    assert filled[-1] == pytest.approx(right * size[0], abs=2)


def test_first_sound_does_not_wait_for_the_picture(services: Services) -> None:
    spoken = spoken_whole(services, prepare_request(TEXT, "heart", 1, 0), MODEL)
    early, late = (playable(spoken, "a run", complete=complete) for complete in (False, True))
    assert set(early.value()) == set(late.value()) - {"light", "dark"}
    assert early.run == late.run
    assert early.play
    assert late.play
    with Image.open(late.light) as light, Image.open(late.dark) as dark:
        assert light.size == dark.size == PICTURE_SIZE
        assert np.asarray(light.convert("L")).mean() > 128 > np.asarray(dark.convert("L")).mean()


def test_three_speeds_share_a_time_axis(services: Services) -> None:
    *_, made = compare(services, prepare_request(TEXT, "heart", 1, 0), MODEL, SPEEDS)
    assert isinstance(made, list)
    durations = [len(samples_of(one.sound)) / 24_000 for one in made]
    assert durations == sorted(durations, reverse=True)
    assert {one.span for one in made} == {durations[0]}
    assert [one.words.split(":")[0] for one in made] == [f"Speed {speed:g}" for speed in COMPARED_SPEEDS]
    assert not any(one.play for one in made)


def test_two_seeds_differ_by_faint_noise_that_is_made_audible(services: Services) -> None:
    *_, made = compare(services, prepare_request(TEXT, "heart", 1, 5), MODEL, SEEDS)
    assert isinstance(made, list)
    first, second, difference = made
    assert [first.words, second.words] == ["Seed 5", "Seed 6"]
    speech, again, noise = (
        samples_of(one.sound).astype(np.float32) / np.float32(32_768) for one in (first, second, difference)
    )
    assert rms_dbfs(speech - again) < rms_dbfs(speech) - 30
    # Sound that would clip is turned down as a whole, so the amplified noise may be a little quieter than the speech.
    assert rms_dbfs(speech) - 6 < rms_dbfs(noise) <= rms_dbfs(speech) + 0.1
    assert "amplified by" in difference.words


def test_player_gets_addresses_of_files_and_plain_text() -> None:
    value = Playable("/folder/speech.wav", "words").value()
    assert value["sound"]["path"] == "/folder/speech.wav"
    assert value["sound"]["meta"] == {"_type": "gradio.FileData"}
    assert value["cues"] == []


def test_endpoint_returns_the_sound_and_its_facts(client: Client) -> None:
    path, facts = client.predict("Hello. Nobody is speaking.", "heart", 1.5, api_name="/speak")
    assert len(samples_of(path)) / 24_000 == pytest.approx(facts["duration"], abs=0.001)
    assert (facts["model"], facts["seed"], facts["voice"], facts["speed"]) == (MODEL, 0, "heart", 1.5)
    assert 0 < facts["seconds"] < 30
    assert facts["phonemes"][0].endswith("oʊ.")
    assert [sentence["text"] for sentence in facts["sentences"]] == ["Hello.", "Nobody is speaking."]


def test_endpoint_has_defaults(client: Client) -> None:
    path, facts = client.predict(api_name="/speak")
    assert facts["duration"] == pytest.approx(len(samples_of(path)) / 24_000, abs=0.001)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"text": ""}, "Type some text first"),
        ({"text": " \n\t "}, "Type some text first"),
        ({"text": "word " * 200}, "the limit is 600"),
        ({"text": "🙂🙂🙂"}, "write a few English words"),
        ({"voice": "napoleon"}, "no voice “napoleon”"),
        ({"speed": 9.0}, "speed must be a number from 0.5 to 2"),
        ({"speed": None}, "speed must be a number"),
        ({"seed": -3}, "seed must be a number"),
        ({"model": "bicubic"}, "cannot speak"),
        ({"model": "nobody"}, "There is no model 'nobody'"),
    ],
)
def test_endpoint_says_what_is_wrong(client: Client, arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(Exception, match=sentence):
        client.predict(*(GOOD_ARGUMENTS | arguments).values(), api_name="/speak")


def open_tab(page: Page, gallery: str) -> None:
    browser.open_tab(page, gallery, PAGE)
    expect(page.get_by_role("heading", name=PAGE.title, exact=False).first).to_be_visible()


def sound(page: Page, what: str, number: int = 0) -> object:
    return page.locator(".audio-player audio").nth(number).evaluate(f"audio => audio.{what}")


def test_tab_opens_on_a_recorded_sound_that_fits_the_screen(page: Page, gallery: str) -> None:
    open_tab(page, gallery)
    expect(page.locator(".player-canvas img:visible")).to_have_count(1)
    strip = page.locator(".block.model-strip:visible")
    expect(strip).to_contain_text("recorded")
    box = strip.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 800
    assert sound(page, "paused")
    page.locator(".player-sentences button").nth(1).click()
    page.wait_for_function("document.querySelector('.audio-player audio').currentTime > 3")
    expect(page.locator(".player-sentences .current")).to_contain_text("Nobody is speaking")
    page.keyboard.press("Escape")
    assert sound(page, "paused")


def test_speak_plays_through_all_sentences_without_another_click(page: Page, gallery: str) -> None:
    open_tab(page, gallery)
    page.get_by_label("Text to speak").fill("Yes. Oh no. <b>Three</b> ${1+1}.")
    page.get_by_role("button", name="Speak", exact=True).click()
    page.wait_for_function("document.querySelector('.audio-player audio').ended && !document.querySelector('.stale')")
    sentences = page.locator(".player-sentences li")
    expect(sentences).to_have_count(3)
    expect(sentences.nth(2)).to_contain_text("<b>Three</b> ${1+1}.")
    last = page.locator(".player-cues i").last.evaluate(
        "cue => parseFloat(cue.style.left) + parseFloat(cue.style.width)"
    )
    assert last == pytest.approx(100, abs=0.1)
    expect(page.locator(".player figcaption").first).to_contain_text("than real time")
    expect(page.locator(".block.model-strip:visible")).not_to_contain_text("recorded")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").first.click()
    assert b"AI-generated" in download.value.path().read_bytes()[:400]


def test_escape_stops_the_work_and_silences_the_sound(
    page: Page, gallery: str, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoken: list[str] = []
    with services.registry.lease(MODEL) as lease:
        speaker = lease.backend
    quick = speaker.speak

    def slowly(request: SpeechRequest) -> Iterator[SpokenSentence]:
        for sentence in quick(request):
            spoken.append(sentence.text)
            yield sentence
            time.sleep(0.5)

    monkeypatch.setattr(speaker, "speak", slowly)
    open_tab(page, gallery)
    status = page.locator(".status-line:visible").first
    page.get_by_label("Text to speak").fill("A sentence that takes a while to say, and then again. " * 11)
    page.get_by_role("button", name="Speak", exact=True).click()
    page.wait_for_function("document.querySelector('.audio-player audio').currentTime > 0.1")
    expect(status).to_contain_text("speaking sentence")
    page.keyboard.press("Escape")
    assert sound(page, "paused")
    expect(status).to_contain_text("Stopped.")
    expect(page.locator(".stop-button:visible").first).to_be_disabled()
    time.sleep(1.2)
    said = len(spoken)
    time.sleep(1.2)
    assert said == len(spoken) < 11
    assert sound(page, "paused")

    monkeypatch.undo()
    page.get_by_role("button", name="A tongue twister").click()
    expect(status).to_have_text("2 sentences spoken.")


def test_example_is_spoken_with_one_click(page: Page, gallery: str) -> None:
    open_tab(page, gallery)
    page.get_by_role("button", name="A question").click()
    expect(page.get_by_label("Text to speak")).to_have_value(EXAMPLES["A question"])
    page.wait_for_function("document.querySelector('.audio-player audio').currentTime > 0.3")
    expect(page.locator(".player-sentences li").first).to_contain_text("Could you tell")


def test_nothing_to_say_gets_a_sentence_and_keeps_the_sound(page: Page, gallery: str) -> None:
    open_tab(page, gallery)
    before = sound(page, "src")
    page.get_by_label("Text to speak").fill("🙂")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("write a few English words")
    expect(page.get_by_label("Text to speak")).to_have_value("🙂")
    assert sound(page, "src") == before


def test_new_seed_is_thrown_and_three_sounds_are_compared(page: Page, gallery: str) -> None:
    open_tab(page, gallery)
    page.get_by_role("button", name="Advanced").click()
    page.get_by_role("button", name="New seed").click()
    seed_field = page.get_by_label("Seed").locator("visible=true").first
    expect(seed_field).not_to_have_value("0")
    seed = int(seed_field.input_value())
    page.get_by_label(SEEDS).check()
    page.get_by_role("button", name="Compare").click()
    captions = page.locator(".small figcaption:visible")
    expect(captions).to_have_count(3)
    expect(captions.nth(1)).to_have_text(f"Seed {seed + 1}")
