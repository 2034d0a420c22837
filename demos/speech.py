"""Speech: p(sound | text). A text is spoken sentence by sentence; its sound, spectrum and phonemes are shown."""

import secrets
import time
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr

from demos import recorded
from demos.audio_player import Cue, Playable, audio_player
from demos.endpoints import endpoint
from demos.model_card import device_name, model_strip, strip
from demos.model_picker import best_model, model_input, model_picker
from demos.page import answer, frame, question
from demos.ranges import one_of
from demos.runner import Runner, Update
from demos.seed import seed_input
from demos.services import Services
from demos.speech_page import PAGE
from demos.spoken import (
    MAX_CHARACTERS,
    PICTURE_SIZE,
    Spoken,
    compare,
    comparisons,
    delivery_of,
    facts_of,
    playable,
    plot_area,
    prepare_request,
    speak,
    spoken_whole,
    wav_file,
)
from models.errors import ModelError
from models.speakers import DELIVERIES, MAX_SPEED, MIN_SPEED, Delivery
from models.tasks import SpeechRequest

UPDATE_SECONDS = 0.25
"""New sentences are sent to the page together, at most this often; the first one at once."""

EXAMPLES = {
    "Welcome": "Welcome to deep generative models. Nobody is speaking: every sound you hear was computed from this "
    "text.",
    "A question": "Could you tell that nobody is speaking? Or did you think, for a moment, that there is a person?",
    "Numbers and dates": "On 23 November 2026 at 9:30, Dr. Smith paid $4.50 for 3 cups of coffee. That is 12% more "
    "than in 2021!",
    "Same letters, other sounds": "They were too close to the door to close it. The wind was too strong to wind the "
    "sail.",
    "A tongue twister": "She sells sea shells by the sea shore. The shells she sells are sea shells, I'm sure.",
    "WaveNet, 2016": "WaveNet wrote sound one sample at a time. Sixteen thousand network steps made a single second "
    "of speech. It was slow, and it was wonderful.",
}


def build(services: Services) -> None:
    """Draws the tab."""
    registry = services.registry
    opening = recorded.load(PAGE.slug)
    first = best_model(registry, PAGE.task)
    models = [spec.id for spec in registry.for_task(PAGE.task)]

    with frame(PAGE):
        with gr.Row(elem_classes="cards"):
            with question():
                text = gr.Textbox(
                    opening.settings["text"],
                    label=f"Text to speak: English, up to {MAX_CHARACTERS} characters",
                    lines=4,
                    max_lines=4,
                )
                examples = gr.Dataset(
                    label="Examples: one click speaks them",
                    components=[gr.Textbox(render=False)],
                    samples=[[sentence] for sentence in EXAMPLES.values()],
                    sample_labels=list(EXAMPLES),
                    type="index",
                    elem_classes="text-examples",
                )
                runner = Runner(PAGE, "Speak")
                with gr.Accordion("Advanced", open=False):
                    picker = model_picker(registry, PAGE.task)
                    # One for each model: a change of the model then never changes the voice of another.
                    voices = {model: _voice_input(DELIVERIES[model], visible=model == first) for model in models}
                    speed = gr.Slider(
                        MIN_SPEED,
                        MAX_SPEED,
                        1,
                        step=0.05,
                        label="Speed (1 is the speaker's own pace)",
                        buttons=["reset"],
                        visible=DELIVERIES[first].has_speed,
                    )
                    seed = seed_input(info=DELIVERIES[first].seed)
            with answer():
                player = audio_player(_opening_playable(opening), label="Sound of the text")
                card_strip = model_strip(opening.strip(registry))
        with gr.Column(elem_classes="card"):
            explained = gr.HTML(_comparison_in_words(DELIVERIES[first]))
            compared = comparisons(DELIVERIES[first])
            what = gr.Radio(compared, value=compared[0], show_label=False, container=False)
            comparison_runner = Runner(PAGE, "Compare")
            with gr.Row(elem_classes="compared"):
                players = [audio_player(label=f"Sound {number} of 3", classes="small") for number in (1, 2, 3)]

    def show(spoken: Spoken, run_name: str, *, complete: bool) -> dict[Any, Any]:
        spec, device = spoken.made_by.spec, device_name(spoken.made_by.device)
        return {
            player: playable(spoken, run_name, complete=complete).value(),
            card_strip: strip(spec, device=device, took=spoken.took),
        }

    def asked(text: str | None, speed: float | None, seed: float | None, model: str, *chosen: str) -> SpeechRequest:
        voice = dict(zip(voices, chosen, strict=True)).get(model, "")
        return prepare_request(text, voice, speed if delivery_of(model).has_speed else 1, seed)

    def run(
        text: str | None, speed: float | None, seed: float | None, model: str, *chosen: str
    ) -> Generator[Update, None, None]:
        request = asked(text, speed, seed, model, *chosen)
        run_name, last_shown = secrets.token_hex(4), 0.0
        spoken = None
        try:
            for step in speak(services, request, model):
                if not isinstance(step, Spoken):
                    yield str(step) if spoken is None else f"sentence {len(spoken.sentences) + 1}, {step}"
                    continue
                spoken = step
                if time.perf_counter() - last_shown >= UPDATE_SECONDS:
                    yield show(spoken, run_name, complete=False)
                    yield f"speaking sentence {len(spoken.sentences) + 1}"
                    last_shown = time.perf_counter()
        except ModelError:
            if spoken is not None:
                yield show(spoken, run_name, complete=True)
            raise
        assert spoken is not None, "a speaker says something or raises"
        yield show(spoken, run_name, complete=True)
        yield f"{len(spoken.sentences)} sentence{'s' if len(spoken.sentences) > 1 else ''} spoken."

    def run_example(index: int, *settings: Any) -> Generator[Update, None, None]:
        example = one_of(list(EXAMPLES.values()), index)
        yield {text: example}
        yield from run(example, *settings)

    def run_comparison(
        what: str, text: str | None, speed: float | None, seed: float | None, model: str, *chosen: str
    ) -> Generator[Update, None, None]:
        for step in compare(services, asked(text, speed, seed, model, *chosen), model, what):
            if isinstance(step, list):
                yield {small: one.value() for small, one in zip(players, step, strict=True)}
            else:
                yield str(step)
        yield "Press play under each, or click into a picture."

    def settings_of(model: str) -> tuple[Any, ...]:
        delivery = delivery_of(model)
        compared = comparisons(delivery)
        return (
            gr.update(visible=delivery.has_speed),
            gr.update(info=delivery.seed),
            _comparison_in_words(delivery),
            gr.update(choices=compared, value=compared[0]),
            *(gr.update(visible=name == model) for name in voices),
        )

    settings = [speed, seed, picker, *voices.values()]
    runner.on([runner.run.click], run, [text, *settings], [player, card_strip])
    runner.on([examples.click], run_example, [examples, *settings], [text, player, card_strip])
    runner.wire_stop()
    comparison_runner.on([comparison_runner.run.click], run_comparison, [what, text, *settings], players)
    comparison_runner.wire_stop()
    picker.change(
        settings_of,
        picker,
        [speed, seed, explained, what, *voices.values()],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )

    def speak_endpoint(
        text: str | None, voice: str, speed: float | None, seed: float | None, model: str
    ) -> tuple[str, dict[str, Any]]:
        """Speaks an English text of at most 600 characters in a voice, at a speed from 0.5 to 2.

        Voices: "heart" of hibari-heart, "lj" of vits-ljs, "v2/en_speaker_0" to "v2/en_speaker_9" of bark-small, which
        has no other speed than 1; empty is the model's own first voice. Returns the sound as WAV (mono; 24 kHz, of
        vits-ljs 22.05 kHz), and the model, the seed, the seconds of computing, the duration of the sound in seconds,
        the phonemes (IPA, empty if the model reads letters) of each sentence and when each begins and ends.
        """
        own = DELIVERIES[model].voice if model in DELIVERIES else ""
        spoken = spoken_whole(services, prepare_request(text, voice or own, speed, seed), model)
        return wav_file(spoken), facts_of(spoken)

    endpoint(
        PAGE,
        "speak",
        speak_endpoint,
        [
            gr.Textbox(EXAMPLES["Welcome"], label="text", render=False),
            gr.Textbox("", label="voice", render=False),
            gr.Number(1.0, label="speed", render=False),
            gr.Number(0, label="seed", render=False),
            model_input(first),
        ],
        gr.Audio(label="speech", render=False),
    )


def _voice_input(delivery: Delivery, *, visible: bool) -> gr.Dropdown:
    named = [(name, voice) for voice, name in delivery.voices.items()]
    return gr.Dropdown(named, value=delivery.voice, label="Voice", visible=visible)


def _comparison_in_words(delivery: Delivery) -> str:
    again = " Each speed is spoken anew, not played faster." if delivery.has_speed else ""
    return (
        f"<h3>What {'speed' if delivery.has_speed else 'voice'} and seed change</h3><p class='status'>The first "
        f"sentence of your text on one time axis.{again} {delivery.seed}</p>"
    )


def _opening_playable(opening: recorded.Recorded) -> Playable:
    facts = opening.facts
    return Playable(
        opening.file("speech.wav"),
        facts["words"],
        [Cue(**cue) for cue in facts["cues"]],
        light=opening.file("light.webp"),
        dark=opening.file("dark.webp"),
        plot=plot_area(PICTURE_SIZE),
        run="recorded",
    )


def record(services: Services) -> recorded.Recorded:
    """Makes the opening result: the first example, in the speaker's own pace."""
    model = services.registry.for_task(PAGE.task)[0].id
    request = SpeechRequest(next(iter(EXAMPLES.values())), DELIVERIES[model].voice)
    spoken_whole(services, request, model)  # the first run also pays for memory that later ones find ready
    spoken = spoken_whole(services, request, model)
    shown = playable(spoken, "recorded", complete=True)
    return recorded.save(
        PAGE.slug,
        {
            name: Path(path).read_bytes()
            for name, path in {"speech.wav": shown.sound, "light.webp": shown.light, "dark.webp": shown.dark}.items()
        },
        made_by=spoken.made_by,
        seed=request.seed,
        seconds=spoken.took,
        settings={"text": request.text, "voice": request.voice, "speed": request.speed},
        facts={"words": shown.words, "cues": [asdict(cue) for cue in shown.cues]},
    )


if __name__ == "__main__":
    from demos.gallery import run_alone

    run_alone(PAGE)
