"""How fast speech is: `python -m tests.benchmarks.speech`. Takes about a minute.

The real-time factor is seconds of work per second of sound: 0.01 is a hundred times faster than the voice speaks. Ours
and hibari called directly take turns in one process, in either order, and the median of the rounds counts. espeak-ng,
the classical formant synthesiser, is timed with the start of its process, as that is how one asks it.
"""

import io
import shutil
import subprocess
import time
import wave
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import hibari

from models.backends.hibari_speech import load
from models.devices import available_devices
from models.tasks import SpeechRequest

PARAGRAPH = (
    "Deep generative models learn the distribution of the data. They can then draw new samples from it. "
    "A variational autoencoder encodes every picture as a cloud of points. An adversarial network plays a game with "
    "itself. A diffusion model removes noise, one small step after another. And a language model only ever predicts "
    "the next word! Is the voice that you are listening to the recording of a person? It is not: every sound "
    "was made by a small neural network, sentence by sentence, while you were listening."
)
ROUNDS = 9
STUDENTS = 8


def seconds_of(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def main() -> None:
    device = available_devices()[-1]
    begin = time.perf_counter()
    speaker = load(Path(hibari.__file__).parent, device)
    load_seconds = time.perf_counter() - begin
    directly = hibari.Hibari()
    request = SpeechRequest(PARAGRAPH, "heart")
    audio = len(directly(PARAGRAPH, seed=0)) / hibari.SAMPLE_RATE

    def ours(_: int = 0) -> None:
        for _sentence in speaker.speak(request):
            pass

    def theirs(_: int = 0) -> None:
        directly(PARAGRAPH, seed=0)

    def first_sentence() -> None:
        next(speaker.speak(request))

    def at_once(speak: Callable[[int], None]) -> None:
        with ThreadPoolExecutor(STUDENTS) as pool:
            list(pool.map(speak, range(STUDENTS)))

    jobs: dict[str, Callable[[], object]] = {
        "ours": ours,
        "theirs": theirs,
        "first": first_sentence,
        "ours at once": lambda: at_once(ours),
        "theirs at once": lambda: at_once(theirs),
    }
    at_once(ours)
    rounds: dict[str, list[float]] = {name: [] for name in jobs}
    for number in range(ROUNDS):
        for name, job in sorted(jobs.items(), reverse=bool(number % 2)):
            rounds[name].append(seconds_of(job))
    time_of = {name: median(times) for name, times in rounds.items()}

    print(f"{device.name}, {device.threads} cores; a paragraph of {audio:.1f} s; loaded in {load_seconds:.2f} s\n")
    print(f"{'':44}{'ours':>10}{'hibari':>10}{'ours / hibari':>16}")
    for label, name, sound in (("1 request", "", audio), (f"{STUDENTS} at once", " at once", STUDENTS * audio)):
        mine, other = time_of["ours" + name] / sound, time_of["theirs" + name] / sound
        print(f"{'real-time factor, ' + label:44}{mine:>10.4f}{other:>10.4f}{mine / other:>16.2f}")
    first, whole = 1000 * time_of["first"], 1000 * time_of["theirs"]
    print(f"{'ms to the first sound (hibari: all at once)':44}{first:>10.0f}{whole:>10.0f}{first / whole:>16.2f}")
    print_espeak(time_of["ours"] / audio)


def print_espeak(our_factor: float) -> None:
    program = shutil.which("espeak-ng")
    if program is None:
        print("espeak-ng is not installed: no comparison with a classical synthesiser")
        return
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        spoken = subprocess.run([program, "--stdout", PARAGRAPH], capture_output=True, check=True).stdout
        times.append(time.perf_counter() - begin)
    with wave.open(io.BytesIO(spoken)) as header:
        # Written to a pipe, its header cannot know the length: what follows the 44 bytes is the sound.
        audio = (len(spoken) - 44) / (header.getsampwidth() * header.getframerate())
    factor = median(times) / audio
    print(f"\n{'':44}{'ours':>10}{'espeak-ng':>10}{'ours / espeak':>16}")
    print(f"{'real-time factor, 1 request':44}{our_factor:>10.4f}{factor:>10.4f}{our_factor / factor:>16.2f}")


if __name__ == "__main__":
    main()
