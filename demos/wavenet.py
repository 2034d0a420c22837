"""WaveNet: p(xₜ | x₁ … xₜ₋₁). Sound is drawn sample by sample, and each sample can be looked at."""

import io
import json
import secrets
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from demos import recorded
from demos.answering import Answer, answered, answers
from demos.audio_player import Playable, audio_player
from demos.endpoints import endpoint
from demos.model_card import device_name, model_strip, strip
from demos.model_picker import best_model, model_input, model_picker
from demos.page import answer, frame, question
from demos.ranges import one_of
from demos.runner import Runner, Update
from demos.sample_stack import sample_stack
from demos.sampled_sound import (
    DEEPEST,
    HOTTEST,
    LONGEST,
    MAX_CHARACTERS,
    PICTURE_SIZE,
    Asked,
    Sampled,
    facts_of,
    look_inside,
    loudest_place,
    playable,
    race,
    read_asked,
    read_place,
    sample,
    sampled_whole,
    wav_file,
)
from demos.seed import seed_input
from demos.services import Services
from demos.spoken import plot_area
from demos.visitor_state import visitor_state
from demos.wavenet_page import PAGE
from models.states import LoadProgress

FOLLOW, BABBLE = "Follow a sentence", "Babble"
TEMPERATURES = {FOLLOW: 0.9, BABBLE: 1.0}
"""Followed more coolly a voice is cleaner; babble that is cooled falls silent, for silence is what is likeliest."""
UPDATE_SECONDS = 0.5
SLOW_SAMPLES = 100
EXAMPLES = {
    "Nobody is speaking": "Nobody is speaking. These are numbers.",
    "A truth": "It is a truth universally acknowledged.",
    "A question": "Do you hear a voice, or only noise?",
    "Babble": "",
}


def build(services: Services) -> None:
    """Draws the tab."""
    registry = services.registry
    opening = recorded.load(PAGE.slug)
    asked = Asked(**opening.settings)
    sound = np.load(opening.file("sound.npz"))

    with frame(PAGE):
        with gr.Row(elem_classes="cards"):
            with question():
                mode = gr.Radio([FOLLOW, BABBLE], value=FOLLOW, show_label=False, container=False)
                text = gr.Textbox(
                    asked.text, label=f"Sentence to follow: English, up to {MAX_CHARACTERS} characters", max_lines=2
                )
                examples = gr.Dataset(
                    label="Examples: one click draws them",
                    components=[gr.Textbox(render=False)],
                    samples=[[name] for name in EXAMPLES],
                    type="index",
                    elem_classes="text-examples",
                )
                with gr.Row():
                    seconds = gr.Slider(
                        0.5, LONGEST, asked.seconds, step=0.5, label="Seconds at most", min_width=150, buttons=[]
                    )
                    heat = gr.Slider(
                        0, HOTTEST, asked.temperature, step=0.05, label="Temperature", min_width=150, buttons=[]
                    )
                runner = Runner(PAGE, "Generate")
                with gr.Accordion("Advanced", open=False):
                    depth = gr.Slider(
                        1,
                        DEEPEST,
                        asked.depth,
                        step=1,
                        label="Blocks heard: 10 see 1,024 samples (128 ms), all see 2,047 (256 ms)",
                        buttons=["reset"],
                    )
                    seed = seed_input(asked.seed)
                    picker = model_picker(registry, PAGE.task)
            with answer():
                player = audio_player(_opening_playable(opening), label="Sound drawn sample by sample")
                card_strip = model_strip(opening.strip(registry))
        drawn = visitor_state((sound["levels"], sound["mel"].astype(np.float32)))
        with gr.Column(elem_classes="card"):
            gr.HTML(
                "<h3>Sample by sample</h3><p class='status'>Step through the sound. With fewer blocks the network "
                "remembers less, and what it foresees grows vague. "
                "From the eleventh on, a second stack begins again with neighbours.</p>"
            )
            stack = sample_stack(opening.facts["window"], depth=asked.depth, place=opening.facts["place"])
        with gr.Column(elem_classes="card"):
            gr.HTML(
                "<h3>Slow against fast</h3><p class='status'>The same network, the same seed: with queues a block "
                "remembers what it computed; without, everything that a sample depends on is computed again.</p>"
            )
            racer = Runner(PAGE, "Race")
            result = gr.HTML("", elem_classes="race-result")

    def shown_of(sampled: Sampled, run_name: str) -> dict[Any, Any]:
        spec, device = sampled.made_by.spec, device_name(sampled.made_by.device)
        return {
            player: playable(sampled, run_name).value(),
            card_strip: strip(spec, device=device, took=sampled.took),
        }

    def run(
        mode: str, text: str | None, seconds: float, temperature: float, depth: float, seed: float, model: str
    ) -> Generator[Update, None, None]:
        wanted = read_asked(text if mode == FOLLOW else "", seconds, temperature, depth, seed)
        if mode == FOLLOW and not wanted.text:
            yield "No sentence: it babbles."
        run_name, shown = secrets.token_hex(4), 0.0
        sampled = None
        for step in sample(services, wanted, model):
            if isinstance(step, LoadProgress):
                yield str(step)
                continue
            sampled = step
            if time.perf_counter() - shown >= UPDATE_SECONDS and not sampled.complete:
                yield shown_of(sampled, run_name)
                yield f"{len(sampled.levels):,} of {sampled.frames * 80:,} samples"
                shown = time.perf_counter()
        assert sampled is not None, "a network draws something or raises"
        place = loudest_place(sampled.levels)
        window = seen_inside(model, (sampled.levels, sampled.mel), place, wanted.depth)
        yield shown_of(sampled, run_name) | {
            drawn: (sampled.levels, sampled.mel),
            stack: gr.update(window=window),
        }
        yield f"{len(sampled.levels):,} samples drawn."

    def run_example(
        index: int, seconds: float, _temperature: float, depth: float, seed: float, model: str
    ) -> Generator[Update, None, None]:
        example = one_of(list(EXAMPLES.values()), index)
        chosen = FOLLOW if example else BABBLE
        yield {mode: chosen, heat: TEMPERATURES[chosen]} | ({text: example} if example else {})
        yield from run(chosen, example, seconds, TEMPERATURES[chosen], depth, seed, model)

    def run_race(temperature: float, depth: float, seed: float, model: str) -> Generator[Update, None, None]:
        wanted = read_asked("", 1, temperature, depth, seed)
        for step in answers(services, PAGE.task, model, lambda network: race(network, wanted, SLOW_SAMPLES)):
            if not isinstance(step, Answer):
                yield str(step)
                continue
            told = step.value
        yield {
            result: (
                f"<p><b>{told['fast']:,.0f}</b> samples a second with queues, <b>{told['slow']:,.0f}</b> without: "
                f"{told['fast'] / told['slow']:,.0f} times as many. {told['equal']} of {told['samples']} samples are "
                f"the same.</p>"
            )
        }
        yield "Race over."

    def seen_inside(model: str, drawn: tuple[Any, Any], place: int, blocks: int) -> str:
        return answered(services, PAGE.task, model, lambda network: look_inside(network, *drawn, place, blocks)).value

    def look(asked_for: str, drawn: tuple[Any, Any], model: str) -> Any:
        blocks, place = read_place(asked_for, len(drawn[0]))
        return gr.update(window=seen_inside(model, drawn, place, blocks))

    settings = [seconds, heat, depth, seed, picker]
    outputs = [mode, text, heat, player, card_strip, drawn, stack]
    runner.on([runner.run.click], run, [mode, text, *settings], outputs)
    runner.on([examples.click], run_example, [examples, *settings], outputs)
    runner.wire_stop()
    mode.input(
        None, mode, heat, js=f"mode => ({json.dumps(TEMPERATURES)})[mode]", queue=False, api_visibility="private"
    )
    racer.on([racer.run.click], run_race, [heat, depth, seed, picker], [result])
    racer.wire_stop()
    stack.change(
        look,
        [stack, drawn, picker],
        stack,
        show_progress="hidden",
        trigger_mode="always_last",
        api_visibility="private",
    )

    def wavenet_endpoint(
        seconds: float | None,
        temperature: float | None,
        seed: float | None,
        text: str | None,
        blocks: float | None,
        model: str,
    ) -> tuple[str, dict[str, Any]]:
        """Draws sound sample by sample: 0.1 to 5 seconds at temperature 0 to 1.5 through 1 to 20 blocks.

        It follows `text` (English, up to 100 characters, then at most so many seconds), or babbles if that is empty.
        Returns the sound as WAV (8 kHz, mono), and the model, the seed, the seconds of computing, the duration of the
        sound, samples per second and the receptive field in samples.
        """
        sampled = sampled_whole(services, read_asked(text, seconds, temperature, blocks, seed), model)
        return wav_file(sampled), facts_of(sampled)

    endpoint(
        PAGE,
        "wavenet",
        wavenet_endpoint,
        [
            gr.Number(1.0, label="seconds", render=False),
            gr.Number(1.0, label="temperature", render=False),
            gr.Number(0, label="seed", render=False),
            gr.Textbox("", label="text", render=False),
            gr.Number(DEEPEST, label="blocks", render=False),
            model_input(best_model(registry, PAGE.task)),
        ],
        gr.Audio(label="sound", render=False),
    )


def _opening_playable(opening: recorded.Recorded) -> Playable:
    return Playable(
        opening.file("wavenet.wav"),
        opening.facts["words"],
        light=opening.file("light.webp"),
        dark=opening.file("dark.webp"),
        plot=plot_area(PICTURE_SIZE),
        span=opening.facts["duration"],
        run="recorded",
    )


def record(services: Services) -> recorded.Recorded:
    """Makes the opening result: the first example."""
    model = services.registry.for_task(PAGE.task)[0].id
    asked = Asked(next(iter(EXAMPLES.values())), seed=2)
    sampled = sampled_whole(services, asked, model)
    assert sampled.mel is not None
    place = loudest_place(sampled.levels)
    window = answered(
        services,
        PAGE.task,
        model,
        lambda network: look_inside(network, sampled.levels, sampled.mel, place, asked.depth),
    ).value
    shown = playable(sampled, "recorded")
    sound = io.BytesIO()
    np.savez_compressed(sound, levels=sampled.levels, mel=sampled.mel.astype(np.float16))
    files = {"wavenet.wav": shown.sound, "light.webp": shown.light, "dark.webp": shown.dark}
    return recorded.save(
        PAGE.slug,
        {name: Path(path).read_bytes() for name, path in files.items()} | {"sound.npz": sound.getvalue()},
        made_by=sampled.made_by,
        seed=asked.seed,
        seconds=sampled.took,
        settings=vars(asked),
        facts={"words": shown.words, "duration": sampled.duration, "window": window, "place": place},
    )


if __name__ == "__main__":
    from demos.gallery import run_alone

    run_alone(PAGE)
