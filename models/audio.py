"""Sound as numbers: how loud it is, what it sounds like to the eye, and a WAV file that says where it came from.

Sound is mono float32 in [-1, 1] at a sample rate in Hz. Numpy only.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SILENCE = -100.0
"""Decibels that stand for silence: just below the quietest sound that 16 bits can hold (-96 dBFS)."""


def rms_dbfs(samples: NDArray[np.float32]) -> float:
    """Average loudness in dBFS: 0 is a square wave at full scale, -3 a sine, speech near -27. At least `SILENCE`."""
    return _decibels(float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))) if samples.size else SILENCE


def peak_dbfs(samples: NDArray[np.float32]) -> float:
    """The largest swing in dBFS: above 0 it would clip. Never below `SILENCE`."""
    return _decibels(float(np.abs(samples).max())) if samples.size else SILENCE


def _decibels(amplitude: float) -> float:
    return max(SILENCE, 20 * float(np.log10(amplitude))) if amplitude > 0 else SILENCE


@dataclass(frozen=True)
class Spectrogram:
    """How loud each frequency is at each moment."""

    decibels: NDArray[np.float32]
    """Shape [frequencies, frames], from 0 Hz up; 0 dB is a sine at full scale, nothing is below `SILENCE`."""
    seconds: float
    """What the frames span."""
    nyquist: float
    """Frequency of the last row in Hz."""


def spectrogram(samples: NDArray[np.float32], sample_rate: int, *, window: int = 1024, hop: int = 256) -> Spectrogram:
    """Log-magnitude short-time Fourier transform with a Hann window of `window` samples, every `hop` samples.

    At 24 kHz the defaults are 43 ms and 11 ms: pitch and syllables both show. Frame k is centred on sample k * hop.
    """
    padded = np.pad(np.asarray(samples, np.float32), (window // 2, window // 2 + hop))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[: len(samples) + 1 : hop]
    hann = np.hanning(window + 1)[:-1].astype(np.float32)
    magnitude = np.abs(np.fft.rfft(frames * hann, axis=1)) / (hann.sum() / 2)
    decibels = np.maximum(20 * np.log10(np.maximum(magnitude, 1e-30)), SILENCE)
    return Spectrogram(decibels.T.astype(np.float32), len(samples) / sample_rate, sample_rate / 2)


def pcm16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """Sixteen-bit samples. Sound that would clip is turned down as a whole instead. Raises `ValueError` on NaN."""
    if not np.isfinite(samples).all():
        raise ValueError("sound with NaN or infinite samples")
    loudest = max(1.0, float(np.abs(samples).max(initial=0)))
    return np.round(np.asarray(samples, np.float64) * (32767 / loudest)).astype(np.int16)


def encode_wav(
    samples: NDArray[np.float32],
    sample_rate: int,
    *,
    model: str,
    seed: int | None = None,
    settings: Mapping[str, str | float] | None = None,
) -> bytes:
    """A 16-bit mono WAV file whose RIFF INFO tags tell the model (ISFT) and that it is AI-generated, how (ICMT)."""
    made = {"model": model} | ({} if seed is None else {"seed": seed}) | dict(settings or {})
    comment = "AI-generated; " + "; ".join(f"{name}={value}" for name, value in made.items())
    info = b"INFO" + _text_chunk(b"ISFT", model) + _text_chunk(b"ICMT", comment)
    pcm, mono, bytes_per_sample = 1, 1, 2
    layout = struct.pack(
        "<HHIIHH", pcm, mono, sample_rate, sample_rate * bytes_per_sample, bytes_per_sample, 8 * bytes_per_sample
    )
    sound = pcm16(samples).astype("<i2").tobytes()
    return _chunk(b"RIFF", b"WAVE" + _chunk(b"fmt ", layout) + _chunk(b"LIST", info) + _chunk(b"data", sound))


def _text_chunk(name: bytes, text: str) -> bytes:
    # RIFF names no character set for its tags, so only ASCII is read alike everywhere.
    return _chunk(name, text.encode("ascii", "replace") + b"\0")


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
