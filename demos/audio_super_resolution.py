"""Audio super-resolution: p(high-resolution signal | low-resolution signal). What a telephone drops is invented."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import gradio as gr

from demos import recorded
from demos.endpoints import endpoint
from demos.examples import example
from demos.listening import Track, listening_test, tracks_value
from demos.model_card import device_name, model_strip, strip
from demos.model_picker import best_model, model_input, model_picker
from demos.page import HowItWorks, Page, answer, frame, question
from demos.ranges import one_of, whole_number_from
from demos.runner import Runner, Update
from demos.seed import MAX_SEED, seed_input
from demos.services import Services
from demos.sound_input import HeardSound, read_sound
from demos.widening import (
    SPLINE,
    Widening,
    distances,
    distances_html,
    facts_of,
    listening_value,
    wav_file,
    widen,
)
from models.audio_super_resolution import LONGEST, LOW_RATE, WidenRequest
from models.tasks import Task
from models.units import seconds

EXAMPLES = {
    "Fresh fish": "speech-fresh-fish.flac",
    "An s or an f?": "speech-telephone.flac",
    "Sea shells": "speech-sea-shells.flac",
    "A person: five animals": "speech-animals.flac",
}

PAGE = Page(
    slug="audio-super-resolution",
    title="Audio super-resolution",
    family="sound",
    task=Task.AUDIO_SUPER_RESOLUTION,
    formula="p(high-resolution signal | low-resolution signal)",
    sentence="The telephone drops all above 2 kHz; the model invents a likely upper band for the voice.",
    how=HowItWorks(
        sentences="Many sounds become the same one at 4 kHz, so there is no right answer, only likely ones. Kuleshov, "
        "Enam and Ermon trained a deep U-Net on the waveform with a squared error, which answers with the mean: a "
        "little muffled. Ours differs: a small network looks at the lower band and says how loudly to play, at each "
        "moment and frequency, two sounds that reach up to 8 kHz, the harmonics of the voice (the lower band, "
        "rectified) and white noise z. Its loss, the energy distance, wants draws as far from the truth as from each "
        "other, which only the true distribution gives. Below 2 kHz nothing is changed.",
        formula=r"\min_\theta \; \mathbb{E} \left[ 2 \, d(x, \hat{x}) - d(\hat{x}, \hat{x}') \right], \quad "
        r"\hat{x} = y + G_\theta(y, z), \;\; \hat{x}' = y + G_\theta(y, z'), \quad z, z' \sim \mathcal{N}(0, I)",
        paper="The task: [Kuleshov, Enam, Ermon 2017](https://arxiv.org/abs/1708.00853). The loss: "
        "[Gritsenko et al. 2020](https://arxiv.org/abs/2008.01160).",
        code="""
from pathlib import Path
import soundfile
from models.audio_super_resolution import HIGH_RATE, WidenRequest, over_telephone
from models.catalog import CATALOG
from models.registry import Registry
from models.store import WeightStore

registry = Registry(CATALOG, store=WeightStore(Path("weights")))
voice, rate = soundfile.read("voice.wav", dtype="float32")        # mono
with registry.lease("speech-4-to-16-khz") as lease:
    for step in lease.backend.widen(WidenRequest(over_telephone(voice, rate))):
        print(step)                                               # part 1 of 2, ...
soundfile.write("wide.wav", step.samples, HIGH_RATE)
""",
    ),
    at_once=2,
)


def build(services: Services) -> None:
    """Draws the tab."""
    registry = services.registry
    opening = recorded.load(PAGE.slug)

    with frame(PAGE), gr.Row(elem_classes="cards"):
        with question():
            sound = gr.Audio(
                example(opening.settings["example"]),
                label=f"A voice (microphone, or WAV, FLAC, OGG, MP3; the first {LONGEST:.0f} s)",
                sources=["upload", "microphone"],
                type="filepath",
                buttons=[],
                elem_classes="sound-input",
            )
            examples = gr.Dataset(
                label="Examples: one click runs them (the first three: a synthetic voice)",
                components=[gr.Textbox(render=False)],
                samples=[[file] for file in EXAMPLES.values()],
                sample_labels=list(EXAMPLES),
                type="index",
                elem_classes="text-examples",
            )
            runner = Runner(PAGE, "Restore")
            with gr.Accordion("Advanced", open=False):
                seed = seed_input(info="Another seed invents another upper band that fits as well.")
                picker = model_picker(registry, PAGE.task)
        with answer():
            listening = listening_test(_opening_value(opening), label="The same voice four times")
            table = gr.HTML(opening.facts["table"], elem_classes="scores distances")
            card_strip = model_strip(opening.strip(registry))

    def run(path: str | None, seed: float | None, model: str) -> Generator[Update, None, None]:
        heard = read_sound(path)
        request = prepare_request(heard, seed)
        results: list[Widening] = []
        for name in dict.fromkeys([SPLINE, model]):
            for step in widen(services, request, name):
                if isinstance(step, Widening):
                    results.append(step)
                else:
                    yield str(step)
        last = results[-1]
        yield {
            listening: listening_value(heard, results),
            table: distances_html(heard, results),
            card_strip: strip(last.made_by.spec, device=device_name(last.made_by.device), took=last.took),
        }
        shortened = f" Only the first {LONGEST:.0f} s were used." if heard.cut else ""
        done = f"{seconds(last.duration)} of sound restored in {seconds(last.took)}"
        yield f"{done}; all versions play equally loud.{shortened}"

    def run_example(index: int, seed: float | None, model: str) -> Generator[Update, None, None]:
        path = example(one_of(list(EXAMPLES.values()), index))
        yield {sound: path}
        yield from run(path, seed, model)

    shown = [listening, table, card_strip]
    runner.on([runner.run.click], run, [sound, seed, picker], shown)
    runner.on([examples.click], run_example, [examples, seed, picker], [sound, *shown])
    runner.wire_stop()

    def audio_super_resolution(audio: str | None, model: str) -> tuple[str, dict[str, Any]]:
        """Takes the first 20 seconds of a sound file (WAV, FLAC, OGG, MP3) down to 4 kHz and restores 16 kHz.

        Returns the restored sound as WAV (16 kHz, mono), and the model, the seed, the seconds of computing, the
        duration and, if the sound came with at least 16,000 samples a second, its distances from what it was.
        """
        heard = read_sound(audio)
        *_, result = widen(services, prepare_request(heard, 0), model)
        assert isinstance(result, Widening)
        measured = distances(heard.original, result.samples) if heard.original is not None else {}
        return wav_file(result), facts_of(result) | measured

    endpoint(
        PAGE,
        "audio_super_resolution",
        audio_super_resolution,
        [
            gr.Audio(label="audio", type="filepath", render=False),
            model_input(best_model(registry, PAGE.task)),
        ],
        gr.Audio(label="restored", render=False),
    )


def prepare_request(heard: HeardSound, seed: float | None) -> WidenRequest:
    """The request for a sound. Raises `BadInputError` for silence, a moment's sound and a seed that is none."""
    return WidenRequest(heard.low, whole_number_from("The seed", seed, 0, MAX_SEED))


def _opening_value(opening: recorded.Recorded) -> dict[str, Any]:
    facts = opening.facts
    tracks = [
        Track(**track | {name: opening.file(track[name]) for name in ("sound", "light", "dark")})
        for track in facts["tracks"]
    ]
    return tracks_value(tracks, run="recorded", chosen=facts["chosen"], seconds=facts["seconds"], cut_hz=LOW_RATE / 2)


def record(services: Services) -> recorded.Recorded:
    """Makes the opening result: the first example."""
    file = next(iter(EXAMPLES.values()))
    heard = read_sound(example(file))
    model = services.registry.for_task(PAGE.task)[0].id
    # The first run also pays for memory that later ones find ready.
    steps = [step for name in (model, SPLINE, model) for step in widen(services, prepare_request(heard, 0), name)]
    results = [step for step in steps if isinstance(step, Widening)][1:]
    value = listening_value(heard, results)
    files: dict[str, bytes] = {}
    tracks: list[dict[str, Any]] = []
    for number, track in enumerate(value["tracks"]):
        names = {"sound": f"{number}.wav", "light": f"{number}-light.webp", "dark": f"{number}-dark.webp"}
        files |= {name: Path(track[kind]["path"]).read_bytes() for kind, name in names.items()}
        tracks.append({"title": track["title"], "words": track["words"], "volume": track["volume"], **names})
    last = results[-1]
    return recorded.save(
        PAGE.slug,
        files,
        made_by=last.made_by,
        seed=last.request.seed,
        seconds=last.took,
        settings={"example": file},
        facts={
            "tracks": tracks,
            "chosen": value["chosen"],
            "seconds": value["seconds"],
            "table": distances_html(heard, results),
        },
    )


if __name__ == "__main__":
    from demos.gallery import run_alone

    run_alone(PAGE)
