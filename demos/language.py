"""Language generation: p(next token | text). Every token shows how likely it was and what the model could have said."""

import html
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from demos import recorded
from demos.distribution import distribution_plot, next_tokens
from demos.door.visitor import visitor_of
from demos.endpoints import endpoint
from demos.eras import CHARACTERS, ORDER, RECORDED_FILE, continue_in_every_era, draw_eras
from demos.event_details import detail
from demos.language_page import PAGE as PAGE
from demos.model_card import device_name, model_strip, strip
from demos.model_picker import best_model, model_input, model_picker
from demos.output_filter import hides_something
from demos.page import answer, frame, question
from demos.ranges import one_of, whole_number_from
from demos.runner import Runner, Update
from demos.seed import seed_input
from demos.services import Services
from demos.token_view import Continuation, read_lines, to_lines, token_line, token_view
from demos.writing import (
    MAX_CHARACTERS,
    MAX_NEW_TOKENS,
    MAX_TEMPERATURE,
    MAX_TOP_K,
    Written,
    facts_of,
    make_request,
    perplexity,
    surprise_in_words,
    words_for,
    write,
)
from models.fair_line import VISITOR
from models.states import LoadProgress
from models.tasks import TextRequest, Token, text_of
from models.text_input import clean_text

MAX_BRANCH_TOKENS = 400
"""A text may grow to this by branching again and again."""
NEW_TOKENS = 40
OPENING_SEED = 7

Updates = Generator[Update, None, None]

EXAMPLES = (
    "To get an A+ in deep generative models, students have to",
    "The capital of France is",
    "The meaning of life is",
    "Once upon a time",
    "Roses are red, violets are blue,",
)


def build(services: Services) -> None:
    """Draws the tab."""
    registry = services.registry
    opening = recorded.load(PAGE.slug)

    with frame(PAGE):
        with gr.Row(elem_classes="cards"):
            with question():
                prompt = gr.Textbox(
                    EXAMPLES[0],
                    label=f"Your text (up to {MAX_CHARACTERS} characters)",
                    lines=2,
                    max_lines=8,
                    max_length=MAX_CHARACTERS,
                )
                examples = gr.Dataset(
                    label="Examples: one click runs them",
                    components=[gr.Textbox(render=False)],
                    samples=[[text] for text in EXAMPLES],
                    type="index",
                    elem_classes="text-examples",
                )
                runner = Runner(PAGE, "Continue")
                temperature = gr.Slider(
                    0,
                    MAX_TEMPERATURE,
                    TextRequest.temperature,
                    step=0.05,
                    label="Temperature (0 careful, 2 wild)",
                )
                with gr.Accordion("Advanced", open=False, elem_classes="advanced"):
                    top_p = gr.Slider(
                        0.05,
                        1,
                        TextRequest.top_p,
                        step=0.05,
                        label="Top-p",
                        info="Draws among the likeliest tokens that share this much probability.",
                    )
                    top_k = gr.Slider(
                        0,
                        MAX_TOP_K,
                        TextRequest.top_k,
                        step=1,
                        label="Top-k",
                        info="Draws among this many likeliest tokens; 0 for all of them.",
                    )
                    length = gr.Slider(1, MAX_NEW_TOKENS, NEW_TOKENS, step=1, label="New tokens, at most")
                    seed = seed_input(opening.seed or 0, info="The same seed gives the same text.")
                    picker = model_picker(registry, PAGE.task)
            with answer():
                view = token_view(_read(opening, "continuation.jsonl"))
                surprise = gr.HTML(_line(opening.facts["surprise"]), elem_classes="surprise")
        card_strip = model_strip(opening.strip(registry))
        with gr.Column(elem_classes="card"):
            gr.HTML("<h3>Temperature, top-k and top-p: what they do to the draw</h3>")
            plot = distribution_plot(
                _read(opening, "next_tokens.json"),
                temperature=TextRequest.temperature,
                top_k=TextRequest.top_k,
                top_p=TextRequest.top_p,
            )
        draw_eras(services, PAGE, opening, prompt, [temperature, top_p, top_k, seed])

    def show(request: TextRequest, model: str, kept: tuple[Token, ...] = ()) -> Updates:
        facts = facts_of(request, model) | {"branched_at": len(kept) - 1 if kept else None}
        lines = to_lines(Continuation(request.prompt, kept, facts))
        written = None
        for step in write(services, request, model, before=text_of(kept)):
            if isinstance(step, LoadProgress):
                yield str(step)
                continue
            if written is None:
                yield "writing"
            # Only ever appended to: Gradio then sends what is new, not the whole text.
            lines += "".join(token_line(token) for token in step.tokens[len(written.tokens) if written else 0 :])
            written = step
            yield {
                view: lines,
                surprise: _line(surprise_in_words([*kept, *written.tokens])),
            }
        assert written is not None, "the finished text comes last"
        made_by = written.made_by
        yield {card_strip: strip(made_by.spec, device=device_name(made_by.device), took=written.took)}
        if written.tokens:
            # What was asked for before the first of the new tokens, which is the one that the view selects.
            asked = replace(request, forced=request.forced[:-1])
            yield {plot: gr.update(distribution=next_tokens(services, asked, model, before=text_of(kept[:-1])))}
        yield words_for(written, request)

    def look(lines: str, event: gr.EventData, visitor: gr.Request) -> Any:
        VISITOR.set(visitor_of(visitor))
        begun = read_lines(lines, max_tokens=MAX_BRANCH_TOKENS + MAX_NEW_TOKENS)
        place = whole_number_from("The place of a token", detail(event, "index"), 0, len(begun.tokens))
        before = begun.tokens[:place]
        prompt = clean_text(begun.prompt, max_characters=MAX_CHARACTERS)
        request = TextRequest(prompt, tuple(token.id for token in before))
        return gr.update(distribution=next_tokens(services, request, begun.model, before=text_of(before)))

    def run(text: str, model: str, *settings: float) -> Updates:
        yield from show(make_request(text, *settings), model)

    def run_example(index: int, model: str, *settings: float) -> Updates:
        text = one_of(EXAMPLES, index)
        yield {prompt: text}
        yield from run(text, model, *settings)

    def run_branch(lines: str, *settings: float) -> Updates:
        begun = read_lines(lines, max_tokens=MAX_BRANCH_TOKENS)
        request = make_request(begun.prompt, *settings, forced=tuple(token.id for token in begun.tokens))
        # The ids of the tokens mean something to the model that wrote them, and to no other.
        yield from show(request, begun.model, begun.tokens)

    settings = [length, temperature, top_p, top_k, seed]
    shown = [view, surprise, card_strip, plot]
    runner.on([runner.run.click], run, [prompt, picker, *settings], shown)
    runner.on([examples.click], run_example, [examples, picker, *settings], [prompt, *shown])
    runner.on([view.submit], run_branch, [view, *settings], shown)
    runner.wire_stop()
    view.select(
        look,
        view,
        plot,
        show_progress="hidden",
        concurrency_id="next-tokens",
        concurrency_limit=8,
        trigger_mode="always_last",
        api_visibility="private",
    )
    # In the browser alone, both ways: the sliders of the tab and those of the plot are the same three numbers.
    sliders = [temperature, top_k, top_p]
    plot.input(None, plot, sliders, js="(value) => value.split(',').map(Number)", api_visibility="private")
    gr.on(
        [slider.change for slider in sliders],
        None,
        sliders,
        plot,
        js="(...values) => values.join(',')",
        show_progress="hidden",
        api_visibility="private",
    )

    def continue_text(
        prompt: str, max_new_tokens: float, temperature: float, top_p: float, seed: float, model: str
    ) -> tuple[str, dict[str, Any]]:
        """Continues a text (at most 500 characters) by up to 200 tokens.

        Returns the continuation without the prompt, and the model, the seed, the seconds it took, the number of tokens,
        the perplexity, and whether the host's filter has hidden a word. The text is AI-generated and may be wrong or
        offensive. The same seed gives the same text.
        """
        request = make_request(prompt, max_new_tokens, temperature, top_p, TextRequest.top_k, seed)
        *_, written = write(services, request, model)
        assert isinstance(written, Written)
        tokens = written.tokens
        return text_of(tokens), {
            **facts_of(request, written.made_by.spec.id),
            "seconds": round(written.took, 3),
            "tokens": len(tokens),
            "perplexity": round(perplexity(tokens), 2) if tokens else None,
            "filtered": hides_something(text_of(tokens)),
            "licence": written.made_by.spec.licence,
            "notice": "AI-generated",
        }

    endpoint(
        PAGE,
        "continue_text",
        continue_text,
        [
            gr.Textbox(label="prompt", render=False),
            gr.Number(NEW_TOKENS, label="max_new_tokens", render=False),
            gr.Number(TextRequest.temperature, label="temperature", render=False),
            gr.Number(TextRequest.top_p, label="top_p", render=False),
            gr.Number(TextRequest.seed, label="seed", render=False),
            model_input(best_model(registry, PAGE.task)),
        ],
        gr.Textbox(label="continuation", render=False),
    )


def _read(opening: recorded.Recorded, name: str) -> str:
    return Path(opening.file(name)).read_text(encoding="utf-8")


def _line(words: str) -> str:
    return f"<p>{html.escape(words)}</p>"


def record(services: Services) -> recorded.Recorded:
    """Makes the opening result: the lecture's own prompt, continued with the settings that the tab opens with."""
    request = TextRequest(EXAMPLES[0], max_new_tokens=NEW_TOKENS, seed=OPENING_SEED)
    model = best_model(services.registry, PAGE.task)
    *_, written = write(services, request, model)
    assert isinstance(written, Written)
    facts = facts_of(request, model)
    continuation = Continuation(request.prompt, written.tokens, facts)
    eras = "".join(
        lines for _, lines in continue_in_every_era(services, replace(request, max_new_tokens=CHARACTERS), ORDER, "")
    )
    return recorded.save(
        PAGE.slug,
        {
            "continuation.jsonl": to_lines(continuation).encode(),
            "next_tokens.json": next_tokens(services, request, model).encode(),
            RECORDED_FILE: eras.encode(),
        },
        made_by=written.made_by,
        seed=request.seed,
        seconds=written.took,
        settings={"prompt": request.prompt, **facts},
        facts={"surprise": surprise_in_words(written.tokens), "tokens": len(written.tokens)},
    )


if __name__ == "__main__":
    from demos.gallery import run_alone

    run_alone(PAGE)
