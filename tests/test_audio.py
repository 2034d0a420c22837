"""Loudness, spectrogram, WAV and the picture of a sound. The whole file takes about 2 seconds."""

import io
import struct
import wave
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageChops

from demos.audio_plots import draw_sound
from models.audio import SILENCE, encode_wav, pcm16, peak_dbfs, rms_dbfs, spectrogram

RATE = 24_000
Sound = np.ndarray[Any, np.dtype[np.float32]]


def sine(hertz: float, amplitude: float = 1.0, seconds: float = 1.0) -> Sound:
    moments = np.arange(int(seconds * RATE)) / RATE
    return (amplitude * np.sin(2 * np.pi * hertz * moments)).astype(np.float32)


def test_loudness_in_decibels_of_full_scale() -> None:
    assert rms_dbfs(np.ones(100, np.float32)) == pytest.approx(0)
    assert rms_dbfs(sine(440)) == pytest.approx(-3.01, abs=0.01)
    assert peak_dbfs(sine(440, 0.5)) == pytest.approx(-6.02, abs=0.01)
    for silence in (np.zeros(0, np.float32), np.zeros(10, np.float32), np.full(10, 1e-9, np.float32)):
        assert rms_dbfs(silence) == peak_dbfs(silence) == SILENCE


@pytest.mark.parametrize("hertz", [200, 1000, 4700, 11_000])
def test_a_sine_shows_at_its_frequency_with_its_level(hertz: float) -> None:
    picture = spectrogram(sine(hertz, 0.1), RATE)
    assert picture.seconds == 1
    assert picture.nyquist == RATE / 2
    middle = picture.decibels[:, picture.decibels.shape[1] // 2]
    frequencies = np.linspace(0, picture.nyquist, len(middle))
    assert abs(frequencies[middle.argmax()] - hertz) < RATE / 1024
    assert middle.max() == pytest.approx(-20, abs=1.5)  # a Hann window loses up to 1.4 dB between two bins
    assert np.median(middle) < -80


def test_a_click_shows_at_its_moment() -> None:
    click = np.zeros(RATE, np.float32)
    click[RATE // 4] = 1
    frames = spectrogram(click, RATE).decibels.max(axis=0)
    assert frames.argmax() * 256 == pytest.approx(RATE // 4, abs=256)


@pytest.mark.parametrize("length", [0, 1, 255, 256, 1025])
def test_short_sounds_have_a_spectrogram(length: int) -> None:
    decibels = spectrogram(np.zeros(length, np.float32), RATE).decibels
    assert decibels.shape == (513, length // 256 + 1)
    assert (decibels == SILENCE).all()


@given(arrays(np.float32, st.integers(0, 300), elements=st.floats(-4, 4, width=32)))
def test_a_wav_file_brings_the_samples_back(samples: Sound) -> None:
    with wave.open(io.BytesIO(encode_wav(samples, RATE, model="hibari-heart", seed=3))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        back = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32767
    loudest = max(1.0, float(np.abs(samples).max(initial=0)))
    assert back == pytest.approx(samples / loudest, abs=0.51 / 32767)


def chunks_of(riff: bytes) -> dict[bytes, bytes]:
    chunks, position = {}, 0
    while position < len(riff):
        name, size = struct.unpack_from("<4sI", riff, position)
        chunks[name] = riff[position + 8 : position + 8 + size]
        position += 8 + size + size % 2
    return chunks


def test_a_wav_file_says_where_it_came_from() -> None:
    file = encode_wav(sine(440), RATE, model="hibari-heart", seed=3, settings={"voice": "hèart", "speed": 1.25})
    riff = chunks_of(file)[b"RIFF"]
    assert len(riff) == len(file) - 8
    tags = chunks_of(chunks_of(riff[4:])[b"LIST"][4:])
    assert tags[b"ISFT"] == b"hibari-heart\0"
    assert tags[b"ICMT"] == b"AI-generated; model=hibari-heart; seed=3; voice=h?art; speed=1.25\0"


def test_sound_that_would_clip_is_turned_down_and_broken_sound_refused() -> None:
    assert pcm16(np.array([0.5, -2, 1], np.float32)).tolist() == [8192, -32767, 16384]
    for broken in (np.nan, np.inf):
        with pytest.raises(ValueError, match="NaN"):
            pcm16(np.array([0, broken], np.float32))


def test_the_picture_shows_pitch_and_time_where_they_are() -> None:
    # A low tone, then a high one: in the spectrogram (lower two thirds) the strongest point moves up and right.
    low, high = np.asarray(draw_sound([sine(2000, 0.4)], RATE)), np.asarray(draw_sound([sine(9000, 0.4)], RATE))
    darkest = [int(picture[260:690, 400:800].sum(axis=(1, 2)).argmin()) for picture in (low, high)]
    assert darkest[1] < darkest[0] - 150
    half = np.concatenate([np.zeros(RATE, np.float32), sine(2000, 0.4)])
    columns = np.asarray(draw_sound([half], RATE))[260:690, 200:1100].sum(axis=(0, 2))
    assert columns[:350].min() > columns[-350:].max()


def test_sentences_are_marked_and_a_single_one_is_not() -> None:
    whole, parts = draw_sound([sine(500)], RATE), draw_sound([sine(500, seconds=0.5)] * 2, RATE)
    assert whole.size == parts.size == (1200, 760)
    changed = ImageChops.difference(whole, parts).getbbox()
    assert changed is not None
    assert draw_sound([sine(500, seconds=0.25)], RATE).getpixel((0, 0)) == (255, 255, 255)


def test_light_and_dark_and_other_sizes() -> None:
    light, dark = (draw_sound([sine(500)], RATE, dark=dark).resize((1, 1)).convert("L") for dark in (False, True))
    assert light.getpixel((0, 0)) > 150 > 60 > dark.getpixel((0, 0))  # type: ignore[operator]
    assert draw_sound([sine(500)], RATE, size=(600, 400)).size == (600, 400)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 30_000), max_size=4), st.sampled_from([8000, 16_000, 24_000, 48_000]), st.booleans())
def test_any_sound_can_be_drawn(lengths: list[int], rate: int, dark: bool) -> None:
    picture = draw_sound([np.full(length, 0.7, np.float32) for length in lengths], rate, dark=dark)
    assert isinstance(picture, Image.Image)
    assert picture.mode == "RGB"
