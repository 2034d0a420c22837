"""Code completion: p(middle | prefix, suffix). A model writes what is missing at the cursor; people judge it."""

import random
from collections.abc import Generator
from pathlib import Path
from typing import Any

import gradio as gr

from demos import recorded
from demos.code_examples import EXAMPLES
from demos.coding import CURSOR, LANGUAGES, MAX_CHARACTERS, Gap, clean_code
from demos.draft_view import DraftLines, draft_view, head_line
from demos.drafting import (
    MAX_DRAFTS,
    MAX_NEW_TOKENS,
    Drafts,
    facts_of,
    gap_in,
    judgement,
    make_code_request,
    seeds_for,
    words_for,
    write_drafts,
)
from demos.endpoints import endpoint
from demos.event_details import detail
from demos.model_card import device_name, model_strip, strip
from demos.model_picker import best_model, model_input, model_picker
from demos.output_filter import hides_something
from demos.page import HowItWorks, Page, answer, frame, question
from demos.ranges import one_of
from demos.runner import Runner, Update
from demos.seed import seed_input
from demos.services import Services
from demos.writing import MAX_TEMPERATURE
from models.errors import BadInputError
from models.fill_in_middle import CodeRequest, in_words
from models.states import LoadProgress
from models.tasks import Task

NEW_TOKENS = 160
TEMPERATURE = 0.4
DRAFTS = 2
OPENING_SEED = 1

Updates = Generator[Update, None, None]

PAGE = Page(
    slug="code-completion",
    title="Code completion",
    family="language",
    task=Task.CODE_COMPLETION,
    formula="p(middle | prefix, suffix)",
    sentence="The model writes what is missing: at the end of the code, or in a gap between two pieces of it.",
    how=HowItWorks(
        sentences="A language model only ever goes on at the end of its text, so it cannot see what comes after a gap. "
        "In training, part of the files were therefore cut in three and put in another order: prefix, suffix, middle. "
        "Special tokens, which no file contains, say which part begins; at `<|fim_middle|>` the model writes the "
        "missing part, and ends it with `<|endoftext|>` where the suffix fits on. If you type such a token yourself it "
        "is sent as ordinary characters.\n\nAt the end of a file a model would write one definition after another: we "
        "stop it before the next line at the left margin. In a gap a small model often misses the end: we stop it "
        "where it leaves the block of the cursor or repeats the suffix. The answer is the likeliest text, not a tested "
        "one: nothing here is ever executed, and for Python a parser says whether it is well-formed.",
        formula=r"p(m \mid p, s) = \prod_t p(m_t \mid \texttt{<fim\_prefix>}\, p\, \texttt{<fim\_suffix>}\, s\, "
        r"\texttt{<fim\_middle>}\, m_{<t})",
        paper="Fill-in-the-middle: [Bavarian et al. 2022](https://arxiv.org/abs/2207.14255). The model here: "
        "Qwen2.5-Coder, [Hui et al. 2024](https://arxiv.org/abs/2409.12186).",
        code="""
from pathlib import Path
from models.catalog import CATALOG
from models.fill_in_middle import CodeRequest
from models.registry import Registry
from models.store import WeightStore

registry = Registry(CATALOG, store=WeightStore(Path("weights")))
request = CodeRequest(
    "def area(radius):\\n    ", suffix="\\n    return result\\n", temperature=0
)
with registry.lease("qwen2.5-coder-0.5b") as lease:
    for token in lease.backend.generate(request):
        print(token.text, end="")
""",
    ),
    at_once=24,
)


def build(services: Services) -> None:
    """Draws the tab."""
    registry = services.registry
    opening = recorded.load(PAGE.slug)
    opening_lines = Path(opening.file("drafts.jsonl")).read_text(encoding="utf-8")

    with frame(PAGE):
        with gr.Row(elem_classes="cards"):
            with question():
                with gr.Column(elem_classes="code-editor", min_width=200):
                    language = gr.Dropdown(
                        list(LANGUAGES),
                        value=EXAMPLES[0].language,
                        label="Language",
                        show_label=False,
                        container=False,
                        filterable=False,
                        elem_classes="code-language",
                    )
                    editor = gr.Code(
                        EXAMPLES[0].code,
                        language="python",
                        label=f"Your code, {CURSOR} marks a gap",
                        lines=8,
                        buttons=[],
                    )
                examples = gr.Dataset(
                    label="Examples: one click runs them",
                    components=[gr.Textbox(render=False)],
                    samples=[[example.title] for example in EXAMPLES],
                    type="index",
                    elem_classes="text-examples",
                )
                runner = Runner(PAGE, "Complete")
                with gr.Accordion("Advanced", open=False, elem_classes="advanced"):
                    drafts = gr.Slider(
                        1,
                        MAX_DRAFTS,
                        DRAFTS,
                        step=1,
                        label="Drafts",
                        info="Written one after the other, to choose from.",
                    )
                    temperature = gr.Slider(
                        0,
                        MAX_TEMPERATURE,
                        TEMPERATURE,
                        step=0.05,
                        label="Temperature",
                        info="0 for the likeliest token every time: then all drafts would be the same.",
                    )
                    length = gr.Slider(10, MAX_NEW_TOKENS, NEW_TOKENS, step=1, label="New tokens, at most")
                    seed = seed_input(
                        opening.seed or 0,
                        info="The same seed gives the same drafts, unless rounding tips a close draw.",
                    )
                    picker = model_picker(registry, PAGE.task)
            with answer():
                view = draft_view(opening_lines)
        card_strip = model_strip(opening.strip(registry))

    def run(code: str, model: str, language: str, *settings: float) -> Updates:
        check_language(language)
        drafts, *values = settings
        gap = gap_in(code)
        request = make_code_request(gap, *values)
        yield from show(request, gap, model, language, seeds_for(request, drafts))

    def show(request: CodeRequest, gap: Gap, model: str, language: str, seeds: tuple[int, ...]) -> Updates:
        facts = facts_of(request, model, language)
        # Only ever appended to: Gradio then sends what is new, not the whole text.
        lines = head_line(gap, in_words(request), facts, drafts=len(seeds))
        growing = DraftLines(gap, language)
        yield {view: lines}
        written: Drafts | None = None
        for step in write_drafts(services, request, model, language, seeds):
            if isinstance(step, LoadProgress):
                yield str(step)
                continue
            begun = written is not None and any(draft.tokens for draft in written.drafts)
            written = step
            new = growing.new(step.drafts)
            lines += new
            if new:
                yield {view: lines}
            if not begun:
                yield "writing" if new else "reading your code"
        assert written is not None, "the finished drafts come last"
        made_by = written.made_by
        yield {card_strip: strip(made_by.spec, device=device_name(made_by.device), took=written.took)}
        yield words_for(written)

    def run_again(code: str, model: str, language: str, *settings: float) -> Updates:
        new_seed = random.randrange(1_000_000)
        yield {seed: new_seed}
        yield from run(code, model, language, *settings[:-1], new_seed)

    def run_example(index: int, model: str, *settings: float) -> Updates:
        example = one_of(EXAMPLES, index)
        yield {editor: gr.update(value=example.code, language=LANGUAGES[example.language]), language: example.language}
        yield from run(example.code, model, example.language, *settings)

    settings = [drafts, length, temperature, seed]
    runner.on([runner.run.click], run, [editor, picker, language, *settings], [view, card_strip])
    runner.on([view.retry], run_again, [editor, picker, language, *settings], [seed, view, card_strip])
    runner.on([examples.click], run_example, [examples, picker, *settings], [editor, language, view, card_strip])
    runner.wire_stop()

    language.input(
        lambda name: gr.update(language=LANGUAGES.get(str(name), "python")),
        language,
        editor,
        queue=False,
        api_visibility="private",
    )

    def accept(event: gr.EventData) -> Any:
        # It comes from the visitor's browser and goes back to it, yet nothing endless shall.
        return gr.update(value=str(detail(event, "code") or "")[: 4 * MAX_CHARACTERS])

    view.apply(accept, None, editor, queue=False, show_progress="hidden", api_visibility="private")

    def complete_code(
        prefix: str, suffix: str, max_new_tokens: float, temperature: float, seed: float, model: str, language: str
    ) -> tuple[str, dict[str, Any]]:
        """Writes the code that is missing between a prefix and a suffix, together at most 4,000 characters; without a
        suffix it completes the definition at the end. The language is Python, JavaScript, C, C++, HTML or SQL.

        Returns the completion alone, and the model, the seed, the seconds it took, the number of tokens, the sum of
        their log-probabilities, and whether prefix, completion and suffix together parse (null if that was not
        checked: only Python is). The code is AI-generated and may be wrong; nothing executes it. The same seed gives
        the same code, up to rounding when several requests are computed together. `filtered` says whether the host's
        filter has hidden a word.
        """
        check_language(language)
        gap = _gap_between(prefix, suffix)
        request = make_code_request(gap, max_new_tokens, temperature, seed)
        *_, written = write_drafts(services, request, model, language, (request.seed,))
        assert isinstance(written, Drafts)
        (draft,) = written.drafts
        return draft.text, {
            **facts_of(request, written.made_by.spec.id, language),
            "seconds": round(written.took, 3),
            "tokens": len(draft.tokens),
            "logprob": round(draft.logprob, 4),
            "parses": judgement(draft, gap, language)["parses"],
            "filtered": hides_something(draft.text),
            "licence": written.made_by.spec.licence,
            "notice": "AI-generated",
        }

    endpoint(
        PAGE,
        "complete_code",
        complete_code,
        [
            gr.Textbox(label="prefix", render=False),
            gr.Textbox("", label="suffix", render=False),
            gr.Number(NEW_TOKENS, label="max_new_tokens", render=False),
            gr.Number(0, label="temperature", render=False),
            gr.Number(0, label="seed", render=False),
            model_input(best_model(registry, PAGE.task)),
            gr.Textbox("Python", label="language", render=False),
        ],
        gr.Textbox(label="completion", render=False),
    )


def check_language(language: object) -> None:
    """Raises `BadInputError` unless it is one of those that are offered."""
    if not isinstance(language, str) or language not in LANGUAGES:
        raise BadInputError(f"The language must be one of {', '.join(LANGUAGES)}; please correct it.")


def _gap_between(prefix: str | None, suffix: str | None) -> Gap:
    """The gap between two pieces of code, each cleaned; the marker has no meaning here."""
    before, after = (text if isinstance(text, str) else "" for text in (prefix, suffix))
    clean_code(before + after)
    return Gap(*(clean_code(text) if text.strip() else text for text in (before, after)))


def record(services: Services) -> recorded.Recorded:
    """Makes the opening result: the lecture's own function, with the settings that the tab opens with."""
    example = EXAMPLES[0]
    gap = gap_in(example.code)
    request = make_code_request(gap, NEW_TOKENS, TEMPERATURE, OPENING_SEED)
    model = best_model(services.registry, PAGE.task)
    seeds = seeds_for(request, DRAFTS)
    *_, written = write_drafts(services, request, model, example.language, seeds)
    assert isinstance(written, Drafts)
    facts = facts_of(request, model, example.language)
    lines = head_line(gap, in_words(request), facts, drafts=len(seeds))
    lines += DraftLines(gap, example.language).new(written.drafts)
    return recorded.save(
        PAGE.slug,
        {"drafts.jsonl": lines.encode()},
        made_by=written.made_by,
        seed=request.seed,
        seconds=written.took,
        settings={"code": example.code, "drafts": len(seeds), **facts},
        facts={"tokens": [len(draft.tokens) for draft in written.drafts]},
    )


if __name__ == "__main__":
    from demos.gallery import run_alone

    run_alone(PAGE)
