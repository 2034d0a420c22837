"""Audio super-resolution for the page: a sound goes through the telephone, models widen it, all of it is compared."""

import html
import secrets
import wave
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image

from demos.answering import Answer, answers
from demos.audio_plots import heat_map
from demos.listening import Track, tracks_value
from demos.pictures import keep_bytes
from demos.services import Services
from demos.sound_input import HeardSound
from models.audio import encode_wav, pcm16, rms_dbfs, spectrogram
from models.audio_super_resolution import (
    HIGH_RATE,
    LOW_RATE,
    Sound,
    Widened,
    Widener,
    WidenRequest,
    high_band_decibels,
    log_spectral_distance,
    signal_to_noise,
)
from models.resampling import resample
from models.states import LoadProgress, MadeBy
from models.tasks import Progress, Task
from models.units import seconds

SPLINE = "cubic-spline"
PICTURE_SIZE = (640, 240)


@dataclass(frozen=True)
class Widening:
    """What a model made of a sound."""

    made_by: MadeBy
    request: WidenRequest
    samples: Sound
    took: float
    """Seconds of computing."""

    @property
    def duration(self) -> float:
        """Seconds of sound."""
        return len(self.samples) / HIGH_RATE


def widen(
    services: Services, request: WidenRequest, model: str
) -> Generator[LoadProgress | Progress | Widening, None, None]:
    """Has a model widen a sound: progress first, the result last."""

    def ask(widener: Widener) -> Iterator[Progress | Widened]:
        return widener.widen(request)

    for step in answers(services, Task.AUDIO_SUPER_RESOLUTION, model, ask):
        if isinstance(step, Answer):
            yield Widening(step.made_by, request, step.value.samples, step.took)
        else:
            yield step


def wav_file(widening: Widening) -> str:
    """Path of the sound as a WAV file that tells where it comes from, if a learnt model made it."""
    spec = widening.made_by.spec
    if not spec.parameters:
        return _plain_wav(widening.samples, f"{spec.id}.wav")
    made: dict[str, str | float] = {"licence": spec.licence, "kept": "below 2 kHz", "generated": "above 2 kHz"}
    content = encode_wav(widening.samples, HIGH_RATE, model=spec.id, seed=widening.request.seed, settings=made)
    return keep_bytes(content, f"{spec.id}.wav")


def facts_of(widening: Widening) -> dict[str, Any]:
    """What the endpoint tells about a result."""
    spec = widening.made_by.spec
    return {
        "model": spec.id,
        "seed": widening.request.seed if spec.parameters else None,
        "seconds": round(widening.took, 3),
        "duration": round(widening.duration, 3),
        "sample_rate": HIGH_RATE,
        "licence": spec.licence,
    }


def distances(truth: Sound, guess: Sound) -> dict[str, float]:
    """How far a guess is from the truth."""
    louder = high_band_decibels(guess) - high_band_decibels(truth)
    return {
        "log_spectral_distance": round(log_spectral_distance(truth, guess), 2),
        "signal_to_noise_db": round(signal_to_noise(truth, guess), 1),
        "above_2_khz_db": round(max(-99.0, louder), 1),
    }


def listening_value(heard: HeardSound, results: list[Widening], run: str = "") -> dict[str, Any]:
    """The listening test over the original where it is known, what the telephone passes on, and each of `results`.

    All are as loud as the quietest, and one scale of colours serves all spectrograms.
    """
    sounds = {"4 kHz: the telephone": ("cut at 2 kHz", resample(heard.low, LOW_RATE, HIGH_RATE), "")}
    for widening in results:
        words = f"in {seconds(widening.took)}"
        sounds[widening.made_by.spec.title] = (words, widening.samples, wav_file(widening))
    if heard.original is not None:
        sounds["The original"] = ("the truth", heard.original, "")
    loudness = {title: rms_dbfs(samples) for title, (_, samples, _) in sounds.items()}
    quietest = min(loudness.values())
    spectra = {title: spectrogram(samples, HIGH_RATE, window=512, hop=128) for title, (_, samples, _) in sounds.items()}
    loudest = max(float(spectrum.decibels.max()) for spectrum in spectra.values())
    tracks = []
    for title, (words, samples, file) in sounds.items():
        light, dark = (
            _webp(heat_map(spectra[title].decibels, PICTURE_SIZE, loudest=loudest, dark=dark)) for dark in (False, True)
        )
        sound = file or _plain_wav(samples, f"{title.split(':')[0].replace(' ', '-').lower()}.wav")
        tracks.append(Track(title, words, sound, light, dark, 10 ** ((quietest - loudness[title]) / 20)))
    length = len(heard.low) / LOW_RATE
    chosen = len(results)  # the last of them
    return tracks_value(tracks, run=run or secrets.token_hex(4), chosen=chosen, seconds=length, cut_hz=LOW_RATE / 2)


def distances_html(heard: HeardSound, results: list[Widening]) -> str:
    """A row for each sound: how far it is from the original. A sentence where there is none."""
    if heard.original is None:
        return "<p>This sound came with under 16,000 samples a second: what is missing in it is not known.</p>"
    guesses = {"4 kHz: the telephone": resample(heard.low, LOW_RATE, HIGH_RATE)}
    guesses |= {widening.made_by.spec.title: widening.samples for widening in results}
    rows = ""
    for title, guess in guesses.items():
        measured = distances(heard.original, guess)
        above = measured["above_2_khz_db"]
        energy = f"{round(above):+d} dB" if above > -40 else "none"
        rows += (
            f"<tr><td>{html.escape(title)}</td><td>{measured['log_spectral_distance']:.2f}</td>"
            f"<td>{measured['signal_to_noise_db']:.1f} dB</td><td>{energy}</td></tr>"
        )
    return (
        "<table class='facts compact'><thead><tr><th></th><th>LSD ↓</th><th>SNR ↑</th>"
        f"<th>Energy above 2 kHz, to the truth</th></tr></thead><tbody>{rows}</tbody></table>"
        "<p>LSD, the log-spectral distance, compares spectrograms, as ears do; SNR compares samples, and no invented "
        "hiss is the true one.</p>"
    )


def _plain_wav(samples: Sound, name: str) -> str:
    """A WAV file of a sound that no learnt model made."""
    content = BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(HIGH_RATE)
        file.writeframes(pcm16(samples).astype("<i2").tobytes())
    return keep_bytes(content.getvalue(), name)


def _webp(picture: Image.Image) -> str:
    content = BytesIO()
    picture.save(content, "WEBP", quality=85, method=2)
    return keep_bytes(content.getvalue(), "spectrogram.webp")
