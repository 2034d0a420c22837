"""WaveNet: its network, the two ways of sampling, its sound, its tab. Takes about 15 seconds."""

import wave
from pathlib import Path

import numpy as np
import pytest
import torch
from gradio_client import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page, expect

from demos.sampled_sound import look_inside, race, read_asked
from demos.services import Services
from demos.wavenet_page import PAGE
from models.backends.wavenet import SampledWaveNet
from models.backends.wavenet_network import WaveNet
from models.errors import BadInputError
from models.training.wavenet_figures import bits_by_depth
from models.training.wavenet_sound import Sound
from models.wavenet import (
    BANDS,
    DILATIONS,
    HOP,
    LEVELS,
    MU,
    SAMPLE_RATE,
    SILENT_LEVEL,
    WaveNetRequest,
    log_mel,
    receptive_field,
    to_levels,
    to_samples,
)
from tests import browser

TINY = (1, 2, 4, 8)
"""Dilations: 16 samples are seen."""
MEL = np.random.default_rng(0).normal(size=(4, BANDS)).astype(np.float32)


@pytest.fixture(scope="module")
def network() -> WaveNet:
    torch.manual_seed(0)
    network = WaveNet(TINY, channels=8, skip_channels=16, condition_channels=8).eval()
    for parameter in (network.bias, network.depth_bias, network.no_condition):
        torch.nn.init.normal_(parameter, std=0.5)
    torch.nn.init.normal_(network.output.weight)
    return network


@pytest.fixture(scope="module")
def sampler(network: WaveNet) -> SampledWaveNet:
    return SampledWaveNet({name: tensor.numpy() for name, tensor in network.state_dict().items()}, TINY)


def levels_of(sampler: SampledWaveNet, request: WaveNetRequest) -> np.ndarray:
    return np.concatenate(list(sampler.generate(request)))


def logits_of(network: WaveNet, levels: torch.Tensor, depth: int = len(TINY)) -> torch.Tensor:
    with torch.no_grad():
        logits: torch.Tensor = network(levels[None], torch.from_numpy(MEL)[None], torch.tensor([depth]))[0]
    return logits


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_the_next_sample_sees_its_receptive_field_and_nothing_else(network: WaveNet, depth: int) -> None:
    levels = torch.randint(LEVELS, (4 * HOP,), generator=torch.Generator().manual_seed(0))
    changed = levels.clone()
    changed[200] = (changed[200] + 100) % LEVELS
    differs = (logits_of(network, levels, depth) != logits_of(network, changed, depth)).any(1).nonzero().flatten()
    assert differs.tolist() == list(range(201, 201 + receptive_field(TINY[:depth])))


def test_the_shipped_network_sees_a_quarter_of_a_second() -> None:
    assert receptive_field(DILATIONS) == 2047


@pytest.mark.parametrize("mel", [None, MEL])
@pytest.mark.parametrize("depth", [1, 3, 4])
def test_fast_and_slow_sampling_draw_the_same(sampler: SampledWaveNet, mel: np.ndarray | None, depth: int) -> None:
    request = WaveNetRequest(4, mel, seed=3, depth=depth)
    fast = levels_of(sampler, request)
    assert len(set(fast.tolist())) > 20
    assert np.array_equal(fast, np.concatenate(list(sampler.generate_slowly(request))))
    later = np.concatenate(list(sampler.generate_slowly(request, start=fast[:100])))
    assert np.array_equal(fast[100:], later)


@pytest.mark.parametrize("mel", [None, MEL])
def test_numpy_foresees_what_torch_does(network: WaveNet, sampler: SampledWaveNet, mel: np.ndarray | None) -> None:
    levels = np.random.default_rng(1).integers(0, LEVELS, 4 * HOP, np.uint8)
    with torch.no_grad():
        logits = network(
            torch.from_numpy(levels).long()[None],
            None if mel is None else torch.from_numpy(mel)[None],
            torch.tensor([len(TINY)]),
        )[0]
    expected = logits.softmax(-1).numpy()
    np.testing.assert_allclose(sampler.foresee(levels, mel, 0, 4 * HOP), expected, atol=1e-5)
    np.testing.assert_allclose(sampler.foresee(levels, mel, 250, 20), expected[250:270], atol=1e-5)


def test_the_spectrogram_can_be_withheld_from_single_examples(network: WaveNet) -> None:
    levels = torch.zeros(2, 4 * HOP, dtype=torch.long)
    mel, depth = torch.from_numpy(MEL).expand(2, -1, -1), torch.tensor([4, 4])
    with torch.no_grad():
        mixed = network(levels, mel, depth, torch.tensor([True, False]))
        told, alone = network(levels, mel, depth), network(levels, None, depth)
    torch.testing.assert_close(mixed, torch.stack([told[0], alone[1]]))
    assert not torch.allclose(mixed[0], mixed[1], atol=1e-3)


def test_bits_are_those_of_the_network_at_each_depth(network: WaveNet) -> None:
    generator = np.random.default_rng(0)
    sound = Sound(
        generator.integers(0, LEVELS, 400 * HOP, np.uint8), generator.normal(size=(400, BANDS)).astype(np.float32)
    )
    bits = bits_by_depth(network, sound, conditioned=True, seconds=2)
    with torch.no_grad():
        levels = torch.from_numpy(sound.levels[: 200 * HOP]).long()[None]
        logits = network(levels, torch.from_numpy(sound.mel[:200])[None], torch.tensor([2]))[0, 30 * HOP :]
    expected = torch.nn.functional.cross_entropy(logits, levels[0, 30 * HOP :]) / np.log(2)
    assert bits[1] == pytest.approx(float(expected), rel=1e-4)


def test_mu_law_keeps_its_own_values_and_is_finest_near_silence() -> None:
    levels = np.arange(LEVELS, dtype=np.uint8)
    assert np.array_equal(to_levels(to_samples(levels)), levels)
    assert to_samples(to_levels(np.zeros(1, np.float32)))[0] == 0
    assert to_levels(np.array([-5, 5], np.float32)).tolist() == [0, 255]
    quiet, loud = (np.abs(to_samples(to_levels(x)) - x).max() for x in np.array([[0.01], [0.9]], np.float32))
    assert quiet < 0.001 < loud < 0.03


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=50))
@settings(max_examples=100, deadline=None)
def test_mu_law_is_off_by_half_a_step_at_most(values: list[float]) -> None:
    samples = np.array(values, np.float32)
    levels = to_levels(samples)
    half_step = 0.022 * (np.abs(samples) + 1 / MU)
    # Level 128 is silence, which lies at one end of its step.
    most = np.where(levels == SILENT_LEVEL, 0.0445 / MU, half_step)
    assert (np.abs(to_samples(levels) - samples) <= most).all()


def test_a_tone_is_loudest_in_its_own_bands_while_it_sounds() -> None:
    tone = np.zeros(4000, np.float32)
    tone[2000:] = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(2000) / SAMPLE_RATE)
    mel = log_mel(tone)
    assert mel.shape == (50, BANDS)
    assert mel[:20].max() == mel.min()
    high = log_mel(np.sin(2 * np.pi * 3000 * np.arange(4000) / SAMPLE_RATE).astype(np.float32))
    assert mel[40].argmax() < high[25].argmax()


def test_same_seed_same_sound_in_any_chunks(sampler: SampledWaveNet) -> None:
    first = levels_of(sampler, WaveNetRequest(4, seed=5))
    again = np.concatenate(list(sampler.generate(WaveNetRequest(4, seed=5), chunk=33)))
    assert np.array_equal(first, again)
    assert len(first) == 4 * HOP
    assert not np.array_equal(first, levels_of(sampler, WaveNetRequest(4, seed=6)))


def test_temperature_zero_takes_the_likeliest_and_a_high_one_anything(sampler: SampledWaveNet) -> None:
    cold = [levels_of(sampler, WaveNetRequest(4, temperature=0, seed=seed)) for seed in (1, 2)]
    assert np.array_equal(cold[0], cold[1])
    likeliest = sampler.foresee(cold[0], None, 0, 4 * HOP).argmax(1)
    assert (likeliest == cold[0]).mean() > 0.98
    hot = levels_of(sampler, WaveNetRequest(4, temperature=10, seed=1))
    assert len(set(hot.tolist())) > len(set(cold[0].tolist()))


@pytest.mark.parametrize(
    "request_",
    [
        WaveNetRequest(0),
        WaveNetRequest(4, MEL[:3]),
        WaveNetRequest(4, temperature=-1),
        WaveNetRequest(4, temperature=float("nan")),
        WaveNetRequest(4, seed=-1),
        WaveNetRequest(4, depth=0),
        WaveNetRequest(4, depth=5),
    ],
)
def test_what_makes_no_sense_gets_a_sentence(sampler: SampledWaveNet, request_: WaveNetRequest) -> None:
    with pytest.raises(BadInputError, match=r"\.$"):
        next(iter(sampler.generate(request_)))


@pytest.mark.parametrize("place", [0, 100, 319, 10**6])
def test_one_can_look_anywhere(sampler: SampledWaveNet, place: int) -> None:
    levels = levels_of(sampler, WaveNetRequest(4, seed=1))
    window = look_inside(sampler, levels, None, place, 4)
    assert window.count("[") >= 3


@pytest.mark.parametrize("wrong", [{"seconds": 0}, {"seconds": 60}, {"temperature": 2}, {"depth": 0}, {"seed": -1}])
def test_wrong_settings_get_a_sentence(wrong: dict[str, float]) -> None:
    numbers = {"seconds": 1.0, "temperature": 1.0, "depth": 20.0, "seed": 0.0} | wrong
    with pytest.raises(BadInputError, match="must be"):
        read_asked("", **numbers)


def test_the_race_finds_queues_faster_and_equal(store_network: SampledWaveNet) -> None:
    *_, told = race(store_network, read_asked("", 1, 1, 20, 0), 10)
    assert isinstance(told, dict)
    assert told["samples"] == told["equal"] == 10
    assert told["fast"] > 20 * told["slow"]


@pytest.fixture
def store_network(services: Services) -> SampledWaveNet:
    with services.registry.lease("wavenet") as lease:
        backend: SampledWaveNet = lease.backend
        return backend


def duration_of(path: str) -> float:
    with wave.open(path) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, SAMPLE_RATE)
        return float(sound.getnframes() / SAMPLE_RATE)


def test_endpoint_babbles_and_follows_a_sentence(client: Client) -> None:
    path, facts = client.predict(0.2, 1.0, 3, api_name="/wavenet")
    assert duration_of(path) == facts["duration"] == pytest.approx(0.2)
    assert (facts["model"], facts["seed"], facts["receptive_field"]) == ("wavenet", 3, 2047)
    assert facts["samples_per_second"] > 100
    assert b"AI-generated" in Path(path).read_bytes()[:400]
    path, facts = client.predict(0.2, 1.0, 3, "Hello.", 5, api_name="/wavenet")
    assert duration_of(path) == pytest.approx(0.2)
    assert (facts["text"], facts["receptive_field"]) == ("Hello.", 32)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((60, 1, 0), "duration must be"),
        ((0.2, 9, 0), "temperature must be"),
        ((0.2, 1, -1), "seed must be"),
        ((0.2, 1, 0, "word " * 50), "the limit is 100"),
        ((0.2, 1, 0, "", 99), "blocks must be"),
        ((0.2, 1, 0, "", 20, "bicubic"), "sample by sample"),
    ],
)
def test_endpoint_says_what_is_wrong(client: Client, arguments: tuple[object, ...], sentence: str) -> None:
    with pytest.raises(Exception, match=sentence):
        client.predict(*arguments, api_name="/wavenet")


def test_a_student_draws_a_sound_and_looks_inside(page: Page, gallery: str) -> None:
    browser.open_tab(page, gallery, PAGE)
    strip = page.locator(".block.model-strip:visible")
    expect(strip).to_contain_text("recorded")
    box = strip.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 800
    page.locator("input[type=number]:visible").first.fill("0.5")
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(page.locator(".status-line:visible").first).to_contain_text("samples drawn", timeout=60_000)
    expect(strip).not_to_contain_text("recorded")
    page.wait_for_function("Math.abs(document.querySelector('.audio-player audio').duration - 0.5) < 0.001")

    words = page.locator(".stack-words")
    expect(words).to_contain_text("2,047 samples (256 ms)")
    before = words.text_content()
    page.get_by_role("slider", name="Sample by sample").evaluate(
        "slider => { slider.value = 40; slider.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    expect(words).not_to_have_text(before or "")
    bars = page.locator(".stack-chances rect")
    assert bars.count() == LEVELS
    foreseen = bars.evaluate_all("bars => bars.map(bar => bar.getAttribute('height')).join()")
    blocks = page.get_by_role("slider", name="Blocks heard", exact=True)
    blocks.evaluate(
        "slider => { slider.value = 3; for (const name of ['input', 'change'])"
        " slider.dispatchEvent(new Event(name, { bubbles: true })); }"
    )
    expect(words).to_contain_text("3 blocks see the last 8 samples (1.00 ms)")
    page.wait_for_function(
        "before => [...document.querySelectorAll('.stack-chances rect')]"
        ".map(bar => bar.getAttribute('height')).join() !== before",
        arg=foreseen,
    )
