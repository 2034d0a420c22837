"""The same prompt continued by language models of four eras, one after the other, side by side.

The value of the view is JSON Lines that are only ever appended to: a line with the prompt and the eras, then, each with
the number of its era, tokens, and what there is to say when one is finished or cannot run (see assets/theme/eras.js).
"""

import json
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Any

import gradio as gr

from demos.answering import Answer, answers
from demos.output_filter import note_for
from demos.page import Page
from demos.ranges import whole_number_from
from demos.recorded import Recorded
from demos.runner import Runner, Update
from demos.services import Services
from demos.status import sentence_for
from demos.theme import THEME_FOLDER
from demos.token_view import candidate_fields
from demos.writing import growing, make_request
from models.errors import BadInputError
from models.markov_chain import MAX_LIVE_CHARACTERS, MAX_ORDER, MarkovChain
from models.tasks import Task, TextRequest, Token, text_of
from models.text_input import clean_text
from models.units import seconds

CHARACTERS = 200
"""So much each model writes: a token is a letter for one and a word for the other."""
ORDER = 2
RECORDED_FILE = "eras.jsonl"
_MARKOV = "markov-chain"

Updates = Generator[Update, None, None]


@dataclass(frozen=True)
class Era:
    """A column: a model of the catalog, the year of its idea, and what its tokens are."""

    model: str
    year: str
    title: str
    tokens: str


ERAS = (
    Era(_MARKOV, "1913, 1948", "Markov chain", "words"),
    Era("character-lstm", "1997", "Character LSTM", "letters"),
    Era("smollm2-135m", "2024, today", "SmolLM2-135M", "word pieces"),
    Era("qwen2.5-coder-0.5b", "2024, today", "Qwen2.5-Coder-0.5B", "word pieces"),
)

_HEADING = f"""
<h3>The same prompt across the eras</h3>
<p class='eras-words'>About {CHARACTERS} characters each, from counting words to transformers, with the settings above.
They cut text into different tokens, so their perplexities per token cannot be compared; bits per character,
their surprise at their own text, can. Colours as above.</p>
"""


def draw_eras(
    services: Services, page: Page, opening: Recorded, prompt: gr.Textbox, settings: Sequence[gr.components.Component]
) -> None:
    """Draws the card. `settings` are temperature, top-p, top-k and seed of the tab."""
    lines = Path(opening.file(RECORDED_FILE)).read_text(encoding="utf-8")
    # The first line is the head, an object.
    lines = f'{{"recorded":{json.dumps(opening.date)},{lines[1:]}'
    with gr.Column(elem_classes="card eras-card"):
        gr.HTML(_HEADING)
        with gr.Row(elem_classes="eras-controls"):
            with gr.Column(min_width=280):
                runner = Runner(page, "Write in every era")
            with gr.Column(min_width=280):
                order = gr.Slider(1, MAX_ORDER, ORDER, step=1, label="Order of the Markov chain: words it looks back")
                with gr.Accordion("Let the Markov chain learn your own text", open=False, elem_classes="own-text"):
                    own = gr.Textbox(
                        label=f"Your text (up to {MAX_LIVE_CHARACTERS:,} characters); empty for Jane Austen's novels",
                        lines=4,
                        max_lines=8,
                        max_length=MAX_LIVE_CHARACTERS,
                    )
        view = eras_view(lines)

    def run(text: str, order: float, own: str, *values: float) -> Updates:
        request = era_request(text, *values)
        words_back = whole_number_from("The order", order, 1, MAX_ORDER)
        lines = ""
        for words, new in continue_in_every_era(services, request, words_back, own):
            lines += new
            if new:
                yield {view: lines}
            if words:
                yield words

    runner.on([runner.run.click], run, [prompt, order, own, *settings], [view])
    runner.wire_stop()


def eras_view(value: str) -> gr.HTML:
    """Draws the columns; `value` is made of the lines of `continue_in_every_era`."""
    scripts = ("tokens.js", "eras.js")
    return gr.HTML(
        value,
        html_template="<p class='eras-recorded'></p><div class='eras token-view'></div>",
        js_on_load="\n".join((THEME_FOLDER / script).read_text(encoding="utf-8") for script in scripts),
        apply_default_css=False,
    )


def era_request(prompt: str | None, temperature: float, top_p: float, top_k: float, seed: float) -> TextRequest:
    """The request that all models get. Raises `BadInputError` for values out of their range."""
    return make_request(prompt, CHARACTERS, temperature, top_p, top_k, seed)


def continue_in_every_era(
    services: Services, request: TextRequest, order: int, own: str | None
) -> Generator[tuple[str, str], None, None]:
    """Lets each model in turn continue the prompt: words for the status line, and lines to be added to the view (either
    may be empty). `own` is the text that the Markov chain shall learn, if not the one of the gallery. A model that
    cannot run says why in its column; the others run all the same."""
    head = {"prompt": request.prompt, "eras": [[era.year, era.title, era.tokens] for era in ERAS]}
    yield "starting", _line(head)
    for number, era in enumerate(ERAS):
        try:
            for words, new in _continue(services, request, era, order, own or ""):
                yield words and f"{era.title}: {words}", "".join(_line({"era": number} | line) for line in new)
        except Exception as error:  # noqa: BLE001 - the column shows a sentence for every fault, and the next one runs
            yield "", _line({"era": number, "problem": sentence_for(error)})
    yield "every era has written", ""


def _continue(
    services: Services, request: TextRequest, era: Era, order: int, own: str
) -> Generator[tuple[str, list[dict[str, Any]]], None, None]:
    if era.model == _MARKOV and own.strip():
        yield "learning your text", []
        chain = MarkovChain.from_text(clean_text(own, max_characters=MAX_LIVE_CHARACTERS), order)
        yield from _write(services, request, chain, f"It has learnt your text: {_learnt(chain)}.")
        return
    if era.model not in services.registry:
        raise BadInputError("This model is not part of this gallery.")

    def ask(backend: Any) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        model = backend.of_order(order) if era.model == _MARKOV else backend
        note = f"It has learnt Jane Austen's novels: {_learnt(model)}." if era.model == _MARKOV else ""
        return _write(services, request, model, note)

    for step in answers(services, Task.LANGUAGE, era.model, ask):
        yield step.value if isinstance(step, Answer) else (str(step), [])


def _write(
    services: Services, request: TextRequest, model: Any, note: str
) -> Generator[tuple[str, list[dict[str, Any]]], None, None]:
    yield "writing", []
    tokens: tuple[Token, ...] = ()
    said: list[Token] = []
    stream = _first_characters(model.generate(request), said)
    for shown, took in growing(stream, services.output_filter, request.prompt):  # noqa: B007
        new = shown[len(tokens) :]
        tokens = shown
        if new:
            yield (
                "",
                [
                    {
                        "token": candidate_fields(token),
                        "alternatives": [candidate_fields(one) for one in token.alternatives[:5]],
                    }
                    for token in new
                ],
            )
    rate = len(said) / max(took, 1e-9)
    facts = [f"{len(said)} tokens in {seconds(took)}, {rate:,.0f} per second{note_for(text_of(tokens))}"]
    if said:
        facts.append(f"{bits_per_character(said):.1f} bits per character")
    if isinstance(model, MarkovChain):
        facts += [note, _copied(model, said)]
    yield "", [{"facts": facts}]


def _first_characters(stream: Any, said: list[Token]) -> Iterator[Token]:
    """The tokens of the first `CHARACTERS` characters, also put into `said`."""
    count = 0
    try:
        for token in stream:
            said.append(token)
            yield token
            count += len(token.text)
            if count >= CHARACTERS:
                return
    finally:
        stream.close()


def bits_per_character(tokens: Sequence[Token]) -> float:
    """How surprised a model was by its own text (at least one token), in bits for each character of it."""
    return -sum(token.logprob for token in tokens) / log(2) / max(len(text_of(tuple(tokens))), 1)


def _learnt(chain: MarkovChain) -> str:
    return f"{chain.words:,} words and marks, {chain.vocabulary:,} different"


def _copied(chain: MarkovChain, said: Sequence[Token]) -> str:
    copying = chain.copying(said)
    return (
        f"{copying.share:.0%} of its runs of {copying.length} words are copied from there; "
        f"the longest copy has {copying.longest}."
    )


def _line(content: dict[str, Any]) -> str:
    # "<" is written as \u003c: what a model says can then never open a tag, wherever this text may end up.
    return json.dumps(content, separators=(",", ":")).replace("<", "\\u003c") + "\n"
