"""Prints how near audio super-resolution comes: `python -m models.training.audio_super_resolution_figures`.

On sentences by Hibari that it never heard, and on people whose voices and languages it never heard. Beside the log
spectral distance and the signal-to-noise ratio stands how much more energy there is above 2 kHz than in the truth.
"""

import argparse
from pathlib import Path

import numpy as np

from models.audio_super_resolution import (
    HIGH_RATE,
    LOW_RATE,
    SHORTEST,
    Sound,
    Widened,
    Widener,
    WidenRequest,
    high_band_decibels,
    log_spectral_distance,
    over_telephone,
    signal_to_noise,
)
from models.backends.audio_super_resolution import load
from models.backends.cubic_spline import CubicSpline
from models.devices import available_devices
from models.resampling import resample
from models.training.spoken_sentences import SpokenSentences, prepared, prepared_captions


def widened(widener: Widener, truth: Sound) -> Sound:
    """What a model makes of the lower band of `truth`."""
    *_, last = widener.widen(WidenRequest(over_telephone(truth, HIGH_RATE)))
    assert isinstance(last, Widened)
    return last.samples


def print_figures(name: str, sentences: SpokenSentences, widener: Widener, count: int) -> None:
    """One line for each way, over the first `count` sentences that are long enough."""
    truths = [sentences[number] for number in range(len(sentences))]
    truths = [truth[: len(truth) // 4 * 4] for truth in truths if len(truth) > 2 * SHORTEST * HIGH_RATE][:count]
    guesses = {
        "low-pass": [resample(over_telephone(truth, HIGH_RATE), LOW_RATE, HIGH_RATE) for truth in truths],
        "cubic spline": [widened(CubicSpline(), truth) for truth in truths],
        "ours": [widened(widener, truth) for truth in truths],
    }
    for way, sounds in guesses.items():
        pairs = list(zip(truths, sounds, strict=True))
        distance = np.mean([log_spectral_distance(truth, guess) for truth, guess in pairs])
        noise = np.mean([signal_to_noise(truth, guess) for truth, guess in pairs])
        louder = np.median([high_band_decibels(guess) - high_band_decibels(truth) for truth, guess in pairs])
        figures = f"LSD {distance:.2f}, SNR {noise:.1f} dB, above 2 kHz {louder:+.1f} dB"
        print(f"{name}, {len(truths)} sentences, {way}: {figures}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/gallery-training", help="speech")
    parser.add_argument("--weights", type=Path, default=Path("models/weights/audio-super-resolution"))
    parser.add_argument("--count", type=int, default=60, help="of the sentences of each kind")
    arguments = parser.parse_args()
    widener = load(arguments.weights, available_devices()[-1])
    print_figures("Hibari, held out", prepared(arguments.cache).held_out, widener, arguments.count)
    print_figures("people never heard", prepared_captions(arguments.cache).held_out, widener, arguments.count)


if __name__ == "__main__":
    main()
