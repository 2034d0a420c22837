"""Machine translation: p(English | Chinese). How sure the model was of each word, and three ways to choose them."""

import html
from collections.abc import Generator
from pathlib import Path
from typing import Any

import gradio as gr

from demos import recorded
from demos.endpoints import endpoint
from demos.model_card import device_name, model_strip, strip
from demos.model_picker import best_model, model_input, model_picker
from demos.output_filter import hides_something, note_for
from demos.page import answer, frame, question
from demos.ranges import one_of
from demos.runner import Runner, Update
from demos.seed import seed_input
from demos.services import Services
from demos.token_view import Continuation, read_lines, to_lines, token_view
from demos.translating import (
    DECODINGS,
    DIRECTIONS,
    LONGEST_REFERENCE,
    MAX_CHARACTERS,
    Compared,
    Translated,
    belonging,
    compare,
    comparison_table,
    facts_of,
    make_request,
    scores_in_words,
    sentence_pairs,
    title_of,
    translate,
)
from demos.translation_page import PAGE as PAGE
from demos.translation_views import attention_map, attention_update, decoding_table
from demos.writing import MAX_TEMPERATURE
from models.states import LoadProgress
from models.tasks import Token, TranslationRequest, text_of
from models.units import seconds

MAX_BRANCH_TOKENS = 400
TEMPERATURE = TranslationRequest.temperature

Updates = Generator[Update, None, None]

# Directions, and lines of assets/translation/sentences.jsonl.
EXAMPLES = (("zh-en", 1), ("zh-en", 7), ("en-zh", 14), ("de-en", 16))


# A person's translation belongs to the text that it was given for.
_SOURCE = r"(direction, text) => `${direction} ${text}`.replace(/\s+/g, ' ').trim()"
_KEEP = f"(direction, text, source, reference) => (source === ({_SOURCE})(direction, text) ? reference : '')"


def build(services: Services) -> None:
    """Draws the tab."""
    registry = services.registry
    opening = recorded.load(PAGE.slug)
    opening_pair = sentence_pairs("zh", "en")[EXAMPLES[0][1]]

    with frame(PAGE):
        with gr.Row(elem_classes="cards"):
            with question():
                direction = gr.Dropdown(
                    [(title_of(name), name) for name in DIRECTIONS],
                    value=DIRECTIONS[0],
                    label="Direction",
                    container=False,
                    elem_classes="direction",
                )
                text = gr.Textbox(
                    opening_pair.source,
                    label=f"Your text (up to {MAX_CHARACTERS} characters)",
                    lines=2,
                    max_lines=6,
                    max_length=MAX_CHARACTERS,
                )
                examples = gr.Dataset(
                    label="Examples: one click runs them",
                    components=[gr.Textbox(render=False)],
                    samples=[[_example(number)[1]] for number in range(len(EXAMPLES))],
                    type="index",
                    elem_classes="text-examples",
                )
                runner = Runner(PAGE, "Translate")
                with gr.Accordion("Advanced", open=False, elem_classes="advanced"):
                    reference = gr.Textbox(
                        opening_pair.target,
                        label="A person's translation, to score against (may be empty)",
                        lines=1,
                        max_length=LONGEST_REFERENCE,
                    )
                    source = gr.Textbox(f"{DIRECTIONS[0]} {opening_pair.source}", visible="hidden", label="Its text")
                    decoding = gr.Radio(
                        [(name.capitalize(), name) for name in DECODINGS],
                        value="greedy",
                        label="Decoding",
                        info="Beam search keeps the four best beginnings; it takes about ten times as long.",
                    )
                    temperature = gr.Slider(0, MAX_TEMPERATURE, TEMPERATURE, step=0.05, label="Temperature of sampling")
                    seed = seed_input(opening.seed or 0, info="For sampling: another seed draws another translation.")
                    picker = model_picker(registry, PAGE.task)
            with answer():
                view = token_view(_read(opening, "translation.jsonl"))
                scores = gr.HTML(_line(opening.facts["scores"]), elem_classes="surprise")
                heat_map = attention_map()
        card_strip = model_strip(opening.strip(registry))
        with gr.Column(elem_classes="card comparison-card"):
            gr.HTML(
                "<h3>Three ways to choose the words, and the way back</h3><p class='status'>Greedy, beam search and "
                "sampling on the same text, translated back where the model can: a changed meaning shows.</p>"
            )
            comparison_runner = Runner(PAGE, "Compare all three")
            table = decoding_table(_read(opening, "comparison.json"))

    def show(request: TranslationRequest, reference: str, model: str, kept: tuple[Token, ...] = ()) -> Updates:
        facts = facts_of(request, model) | {"branched_at": len(kept) - 1 if kept else None}
        last = None
        for step in translate(services, request, model, before=text_of(kept)):
            if isinstance(step, LoadProgress):
                yield str(step)
                continue
            if last is None:
                yield "translating"
            last = step
            yield {view: _lines(request, (*kept, *step.translation.tokens), facts)}
        assert last is not None, "the finished translation comes last"
        tokens = (*kept, *last.translation.tokens)
        yield {
            scores: _line(scores_in_words(tokens, reference, request.target)),
            heat_map: attention_update(tokens, last.translation),
            card_strip: strip(last.made_by.spec, device=device_name(last.made_by.device), took=last.took),
        }
        yield f"{len(last.translation.tokens)} tokens in {seconds(last.took)}{note_for(last.text)}"

    def run(
        text: str,
        direction: str,
        decoding: str,
        temperature: float,
        seed: float,
        reference: str,
        source: str,
        model: str,
    ) -> Updates:
        request = make_request(text, direction, decoding, temperature, seed)
        yield from show(request, belonging(reference, source, request), model)

    def run_example(index: int, decoding: str, temperature: float, seed: float, model: str) -> Updates:
        direction_name, words, target = _example(index)
        its_source = f"{direction_name} {words}"
        yield {direction: direction_name, text: words, reference: target, source: its_source}
        yield from run(words, direction_name, decoding, temperature, seed, target, its_source, model)

    def run_branch(lines: str, decoding: str, temperature: float, seed: float, reference: str, source: str) -> Updates:
        begun = read_lines(lines, max_tokens=MAX_BRANCH_TOKENS)
        forced = tuple(token.id for token in begun.tokens)
        direction_name = str(begun.facts.get("direction"))
        request = make_request(begun.prompt, direction_name, decoding, temperature, seed, forced=forced)
        # The ids of the tokens mean something to the model that wrote them, and to no other.
        yield from show(request, belonging(reference, source, request), begun.model, begun.tokens)

    def run_comparison(
        text: str, direction: str, temperature: float, seed: float, reference: str, source: str, model: str
    ) -> Updates:
        request = make_request(text, direction, "greedy", temperature, seed)
        reference = belonging(reference, source, request)
        for step in compare(services, request, model):
            if isinstance(step, str):
                yield step
            else:
                yield {table: comparison_table(step, reference)}

    drawing = [decoding, temperature, seed]
    shown = [view, scores, heat_map, card_strip]
    given = [direction, text, reference, source]
    runner.on([runner.run.click], run, [text, direction, *drawing, reference, source, picker], shown)
    runner.on([examples.click], run_example, [examples, *drawing, picker], [*given, *shown])
    runner.on([view.submit], run_branch, [view, *drawing, reference, source], shown)
    runner.wire_stop()
    reference.change(None, [direction, text], source, js=_SOURCE, api_visibility="private")
    gr.on(
        [text.change, direction.change],
        None,
        [direction, text, source, reference],
        reference,
        js=_KEEP,
        api_visibility="private",
    )
    comparison_runner.on(
        [comparison_runner.run.click],
        run_comparison,
        [text, direction, temperature, seed, reference, source, picker],
        [table],
    )
    comparison_runner.wire_stop()

    def translate_text(
        text: str, model: str, direction: str, decoding: str, temperature: float, seed: float
    ) -> tuple[str, dict[str, Any]]:
        """Translates a text (at most 300 characters).

        `direction` is zh-en, en-zh, de-en, fr-en or es-en; `decoding` is greedy, beam or sampling (at `temperature`;
        another `seed` draws another translation). Returns the translation, and the model, the seed, the seconds it
        took, the number of tokens, their mean log-probability, and whether the host's filter has hidden a word. The
        text is AI-generated and may be wrong.
        """
        request = make_request(text, direction, decoding, temperature, seed)
        translated = _finished(services, request, model)
        return translated.text, {
            **facts_of(request, translated.made_by.spec.id),
            "seconds": round(translated.took, 3),
            "tokens": len(translated.translation.tokens),
            "logprob_per_token": translated.logprob_per_token,
            "filtered": hides_something(translated.text),
            "licence": translated.made_by.spec.licence,
            "notice": "AI-generated",
        }

    endpoint(
        PAGE,
        "translate",
        translate_text,
        [
            gr.Textbox(label="text", render=False),
            model_input(best_model(registry, PAGE.task)),
            gr.Textbox(DIRECTIONS[0], label="direction", render=False),
            gr.Textbox(DECODINGS[0], label="decoding", render=False),
            gr.Number(TEMPERATURE, label="temperature", render=False),
            gr.Number(TranslationRequest.seed, label="seed", render=False),
        ],
        gr.Textbox(label="translation", render=False),
    )


def _example(number: int) -> tuple[str, str, str]:
    """Direction, source and reference of an example."""
    direction, line = one_of(EXAMPLES, number)
    source, target = direction.split("-")
    pair = sentence_pairs(source, target)[line]
    return direction, pair.source, pair.target


def _lines(request: TranslationRequest, tokens: tuple[Token, ...], facts: dict[str, Any]) -> str:
    return to_lines(Continuation(f"{request.text}\n", tokens, facts))


def _line(words: str) -> str:
    return f"<p>{html.escape(words)}</p>"


def _finished(services: Services, request: TranslationRequest, model: str) -> Translated:
    *_, last = translate(services, request, model)
    assert isinstance(last, Translated)
    return last


def _read(opening: recorded.Recorded, name: str) -> str:
    return Path(opening.file(name)).read_text(encoding="utf-8")


def _last_comparison(services: Services, request: TranslationRequest, model: str) -> tuple[Compared, ...]:
    return [step for step in compare(services, request, model) if not isinstance(step, str)][-1]


def record(services: Services) -> recorded.Recorded:
    """Makes the opening result: the first example, greedy, and the comparison of all decodings."""
    direction, text, reference = _example(0)
    request = make_request(text, direction, "greedy", TEMPERATURE, 0)
    model = best_model(services.registry, PAGE.task)
    compared = _last_comparison(services, request, model)
    translated = compared[0].translated
    facts = facts_of(request, model)
    tokens = translated.translation.tokens
    return recorded.save(
        PAGE.slug,
        {
            "translation.jsonl": _lines(request, tokens, facts).encode(),
            "comparison.json": comparison_table(compared, reference).encode(),
        },
        made_by=translated.made_by,
        seed=request.seed,
        seconds=translated.took,
        settings={"text": text, **facts},
        facts={"scores": scores_in_words(tokens, reference, request.target), "translation": translated.text},
    )


if __name__ == "__main__":
    from demos.gallery import run_alone

    run_alone(PAGE)
