"""Audio super-resolution: resampling, the spline, the network, the endpoint and the tab. Real weights, ten seconds."""

import io
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from gradio_client import Client, handle_file
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from demos.audio_super_resolution import EXAMPLES, PAGE
from demos.examples import example
from demos.services import Services
from demos.sound_input import read_sound
from demos.widening import Widening, listening_value, widen
from models.audio import rms_dbfs
from models.audio_super_resolution import (
    CUT_HZ,
    HIGH_RATE,
    LOW_RATE,
    Widened,
    WidenRequest,
    high_band_decibels,
    log_spectral_distance,
    over_telephone,
    signal_to_noise,
)
from models.backends.cubic_spline import CubicSpline, interpolate
from models.backends.widening_network import NOISES, SEEN_HOP, WideningNetwork, spectrum, whitened
from models.errors import BadInputError
from models.resampling import resample
from models.tasks import Progress
from models.training.audio_super_resolution import energy_distance
from tests import browser

MODEL, SPLINE = "speech-4-to-16-khz", "cubic-spline"
VOICE = "speech-fresh-fish.flac"


def sine(hertz: float, rate: int, seconds: float = 1.0) -> NDArray[np.float32]:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def widened(services: Services, request: WidenRequest, model: str = MODEL) -> Widening:
    *_, last = widen(services, request, model)
    assert isinstance(last, Widening)
    return last


@pytest.mark.parametrize(("rate", "new_rate"), [(44_100, 16_000), (24_000, 16_000), (12_345, 4_000), (4_000, 16_000)])
def test_resampling_keeps_what_the_new_rate_can_hold(rate: int, new_rate: int) -> None:
    resampled = resample(sine(440, rate), rate, new_rate)
    assert len(resampled) == new_rate
    middle = slice(new_rate // 10, -new_rate // 10)
    assert np.abs(resampled - sine(440, new_rate))[middle].max() < 2e-3


def test_resampling_drops_what_the_new_rate_cannot_hold() -> None:
    assert rms_dbfs(resample(sine(2_500, 16_000), 16_000, 4_000)) < -50
    assert rms_dbfs(resample(sine(1_500, 16_000), 16_000, 4_000)) == pytest.approx(
        rms_dbfs(sine(1_500, 4_000)), abs=0.1
    )


def test_spline_goes_through_the_samples_and_smoothly_between_them() -> None:
    low = sine(300, LOW_RATE)
    high = interpolate(low, 4)
    assert len(high) == 4 * len(low)
    np.testing.assert_allclose(high[::4], low, atol=1e-6)
    assert np.abs(high - sine(300, HIGH_RATE))[100:-100].max() < 2e-3
    noise = np.random.default_rng(0).normal(0, 0.1, 400).astype(np.float32)
    np.testing.assert_allclose(interpolate(noise, 4)[::4], noise, atol=1e-6)


def test_distances_are_none_for_the_truth_and_grow_with_the_fault() -> None:
    truth = np.random.default_rng(0).normal(0, 0.1, HIGH_RATE).astype(np.float32)
    assert log_spectral_distance(truth, truth) == 0
    assert log_spectral_distance(truth, truth * np.float32(0.1)) == pytest.approx(
        2, abs=0.01
    )  # 20 dB: two powers of 10
    assert signal_to_noise(truth, np.zeros_like(truth)) == pytest.approx(0, abs=0.01)
    assert high_band_decibels(truth) == pytest.approx(10 * np.log10(0.75), abs=0.1)


def test_harmonics_reach_up_to_the_whole_band_at_one_loudness() -> None:
    low = torch.from_numpy(sine(200, HIGH_RATE))[None]
    voice = whitened(spectrum(low.abs(), 256, 64))[0, :, 20:-20].abs().square()
    assert voice.mean() == pytest.approx(1, abs=0.2)
    assert voice[100:].mean() > 0.3


def test_network_answers_with_as_many_samples_and_by_its_noise() -> None:
    torch.manual_seed(0)
    network = WideningNetwork(width=16)
    low = torch.from_numpy(sine(300, HIGH_RATE)[: 100 * SEEN_HOP])[None]
    z = torch.zeros(1, NOISES, 101)
    first, second = (network(low, torch.randn(low.shape), z) for _ in range(2))
    assert first.shape == low.shape
    assert not torch.equal(first, second)


def test_energy_distance_is_least_where_draws_are_as_loud_as_the_truth() -> None:
    truth = 0.05 * torch.randn(8, HIGH_RATE, generator=torch.Generator().manual_seed(1))

    def loss(loudness: float) -> float:
        generator = torch.Generator().manual_seed(0)
        return float(energy_distance(lambda low, noise, z: loudness * noise, truth, generator))

    # A squared error would be least for silence.
    assert loss(0.05) < min(loss(0.03), loss(0.08), loss(0.0))


@pytest.mark.parametrize(
    ("samples", "sentence"),
    [
        (np.zeros(LOW_RATE, np.float32), "only silence"),
        (np.full(LOW_RATE, np.nan, np.float32), "no numbers"),
        (sine(300, LOW_RATE, 0.2), "too short"),
        (np.zeros(0, np.float32), "too short"),
        (sine(300, LOW_RATE, 21), "too long"),
    ],
)
def test_sound_that_cannot_be_widened_gets_a_sentence(samples: NDArray[np.float32], sentence: str) -> None:
    with pytest.raises(BadInputError, match=sentence):
        WidenRequest(samples)


def written(path: Path, samples: NDArray[np.float32], rate: int) -> str:
    soundfile.write(path, samples, rate, subtype="FLOAT" if path.suffix == ".wav" else None)
    return str(path)


def test_any_rate_and_stereo_come_in_and_long_sounds_are_cut(tmp_path: Path) -> None:
    stereo = np.stack([sine(300, 44_100, 21), sine(300, 44_100, 21)], 1)
    heard = read_sound(written(tmp_path / "stereo.wav", stereo, 44_100))
    assert heard.cut
    assert heard.original is not None
    assert (len(heard.low), len(heard.original)) == (20 * LOW_RATE, 20 * HIGH_RATE)
    narrow = read_sound(written(tmp_path / "narrow.wav", sine(300, 8_000), 8_000))
    assert narrow.original is None
    assert len(narrow.low) == LOW_RATE


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [("no.wav", b"RIFF but no sound", "cannot be read"), ("empty.wav", b"", "cannot be read")],
)
def test_files_that_are_no_sound_get_a_sentence(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInputError, match=sentence):
        read_sound(str(tmp_path / name))


def test_missing_broken_and_slow_sounds_get_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="Record or choose"):
        read_sound(None)
    with pytest.raises(BadInputError, match="no numbers"):
        read_sound(written(tmp_path / "nan.wav", np.full(8_000, np.nan, np.float32), 16_000))
    with pytest.raises(BadInputError, match="2000 samples a second"):
        read_sound(written(tmp_path / "slow.wav", sine(300, 2_000), 2_000))


@pytest.mark.parametrize("name", ["voice.raw", "voice.exe", "voice"])
def test_a_sound_is_known_by_its_content_not_by_its_name(tmp_path: Path, name: str) -> None:
    sound = Path(written(tmp_path / "voice.wav", sine(300, 16_000), 16_000))
    (tmp_path / name).write_bytes(sound.read_bytes())
    assert len(read_sound(str(tmp_path / name)).low) == LOW_RATE
    (tmp_path / name).write_bytes(b"bare samples" * 999)
    with pytest.raises(BadInputError, match="cannot be read as sound"):
        read_sound(str(tmp_path / name))


def test_channels_beyond_reason_and_formats_that_few_use_get_a_sentence(tmp_path: Path) -> None:
    silence = np.zeros((8_000, 9), np.float32)
    with pytest.raises(BadInputError, match="9 channels; at most 8"):
        read_sound(written(tmp_path / "many.wav", silence, 16_000))
    assert len(read_sound(written(tmp_path / "surround.wav", silence[:, :8], 16_000)).low) == LOW_RATE // 2
    for name in ("rare.au", "rare.aiff", "rare.w64"):
        with pytest.raises(BadInputError, match="please use WAV, FLAC, OGG or MP3"):
            read_sound(written(tmp_path / name, sine(300, 16_000), 16_000))


def test_a_wav_is_read_as_far_as_it_goes_whatever_it_says_of_its_length(tmp_path: Path) -> None:
    path = Path(written(tmp_path / "voice.wav", sine(300, 16_000), 16_000))
    content = bytearray(path.read_bytes())
    place = content.index(b"data") + 4
    content[place : place + 4] = b"\xff\xff\xff\x7f"
    path.write_bytes(content)
    assert 0 < len(read_sound(str(path)).low) <= LOW_RATE + 10


def test_lower_band_is_kept_and_the_upper_one_depends_on_the_seed(services: Services) -> None:
    low = read_sound(example(VOICE)).low
    steps = list(widen(services, WidenRequest(low), MODEL))
    assert sum(isinstance(step, Progress) for step in steps) == 3  # two seconds each
    first, again, other = (widened(services, WidenRequest(low, seed)).samples for seed in (0, 0, 1))
    assert len(first) == 4 * len(low)
    np.testing.assert_array_equal(first, again)
    assert rms_dbfs(first - other) > rms_dbfs(first) - 40
    frequencies = np.fft.rfftfreq(len(first), 1 / HIGH_RATE)
    given, kept = (np.fft.rfft(sound)[frequencies < CUT_HZ] for sound in (resample(low, LOW_RATE, HIGH_RATE), first))
    assert np.linalg.norm(given - kept) < 1e-3 * np.linalg.norm(given)


@pytest.mark.parametrize("file", EXAMPLES.values())
def test_every_example_comes_nearer_to_the_truth_than_by_the_spline(services: Services, file: str) -> None:
    heard = read_sound(example(file))
    assert heard.original is not None
    ours, spline = (widened(services, WidenRequest(heard.low), model).samples for model in (MODEL, SPLINE))
    assert log_spectral_distance(heard.original, ours) < 0.85 * log_spectral_distance(heard.original, spline)
    # Neither muffled nor hissing: students listen.
    assert high_band_decibels(ours) == pytest.approx(high_band_decibels(heard.original), abs=6)


def test_parts_join_without_a_click(services: Services) -> None:
    low = np.random.default_rng(0).normal(0, 0.05, 5 * LOW_RATE).astype(np.float32)
    samples = widened(services, WidenRequest(low)).samples
    upper = samples - resample(over_telephone(samples, HIGH_RATE), LOW_RATE, HIGH_RATE)
    loudness = np.sqrt(np.mean(upper[: 5 * HIGH_RATE].reshape(-1, 400) ** 2, axis=1))
    join = 2 * HIGH_RATE // 400
    assert loudness[join - 1 : join + 2].max() < 2 * np.median(loudness)
    assert loudness[join - 1 : join + 2].min() > 0.4 * np.median(loudness)


def test_spline_is_a_model_like_the_others(services: Services) -> None:
    low = read_sound(example(VOICE)).low
    *_, last = CubicSpline().widen(WidenRequest(low))
    assert isinstance(last, Widened)
    np.testing.assert_array_equal(widened(services, WidenRequest(low), SPLINE).samples, last.samples)


def test_versions_are_equally_loud(services: Services) -> None:
    heard = read_sound(example(VOICE))
    tracks = listening_value(heard, [widened(services, WidenRequest(heard.low), name) for name in (SPLINE, MODEL)])[
        "tracks"
    ]
    loudness = []
    for track in tracks:
        samples, rate = soundfile.read(track["sound"]["path"], dtype="float32")
        assert rate == HIGH_RATE
        loudness.append(rms_dbfs(samples) + 20 * np.log10(track["volume"]))
    assert len(tracks) == 4
    assert max(loudness) - min(loudness) < 0.1
    assert all(0 < track["volume"] <= 1 for track in tracks)


def test_endpoint_beats_the_spline_and_tells_how_far_it_is(client: Client) -> None:
    paths, facts = zip(
        *(
            client.predict(handle_file(example(VOICE)), model, api_name="/audio_super_resolution")
            for model in (MODEL, SPLINE)
        ),
        strict=True,
    )
    content = Path(paths[0]).read_bytes()
    with wave.open(io.BytesIO(content)) as sound:
        assert (sound.getnchannels(), sound.getframerate()) == (1, HIGH_RATE)
        assert sound.getnframes() / HIGH_RATE == pytest.approx(facts[0]["duration"], abs=0.01)
    assert b"AI-generated" in content[:400]
    assert b"AI-generated" not in Path(paths[1]).read_bytes()
    assert (facts[0]["model"], facts[0]["seed"], facts[1]["seed"]) == (MODEL, 0, None)
    assert facts[0]["log_spectral_distance"] < 0.85 * facts[1]["log_spectral_distance"]
    with pytest.raises(Exception, match="cannot widen"):
        client.predict(handle_file(example(VOICE)), "bicubic", api_name="/audio_super_resolution")


def test_tab_plays_every_version_at_the_same_place(page: Page, gallery: str) -> None:
    browser.open_tab(page, gallery, PAGE)
    tracks = page.locator(".listening-tracks figure:visible")
    expect(tracks).to_have_count(4)
    expect(page.locator(".listening-picture img:visible")).to_have_count(4)
    strip = page.locator(".block.model-strip:visible")
    expect(strip).to_contain_text("recorded")
    box = strip.bounding_box()
    assert box is not None
    assert box["y"] < 800
    page.get_by_role("button", name="A person: five animals").click()
    expect(strip).not_to_contain_text("recorded")
    expect(page.locator(".distances:visible tbody tr")).to_have_count(3)
    duration = page.evaluate(
        "async () => { const audio = document.querySelector('.listening audio');"
        " while (!audio.duration) await new Promise(done => setTimeout(done, 50)); return audio.duration }"
    )
    assert duration == pytest.approx(5.27, abs=0.05)
    page.get_by_role("button", name="Play the chosen version").click()
    heard = "[...document.querySelectorAll('.listening audio')].findIndex(audio => !audio.muted && !audio.paused)"
    page.wait_for_function(f"{heard} === 2 && document.querySelectorAll('.listening audio')[2].currentTime > 0.3")
    tracks.nth(0).get_by_role("button").click()
    assert page.evaluate(heard) == 0
    assert page.evaluate("document.querySelectorAll('.listening audio')[0].currentTime") > 0.3
    page.keyboard.press("Escape")
    assert page.evaluate("[...document.querySelectorAll('.listening audio')].every(audio => audio.paused)")


def test_silence_gets_a_sentence_and_keeps_the_answer(page: Page, gallery: str, tmp_path: Path) -> None:
    browser.open_tab(page, gallery, PAGE)
    silence = written(tmp_path / "silence.wav", np.zeros(HIGH_RATE, np.float32), HIGH_RATE)
    page.locator(".sound-input:visible").get_by_label("Clear").click()
    page.locator(".sound-input:visible input[type=file]").set_input_files(silence)
    expect(page.locator(".sound-input:visible").get_by_label("Clear")).to_be_visible()
    page.get_by_role("button", name="Restore", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("only silence")
    expect(page.locator(".listening-tracks figure:visible")).to_have_count(4)
