"""Asking a model to translate: the request that a visitor's values make, the growing sentence, and how good it is."""

import json
import math
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, get_args

from demos.answering import Answer, answers
from demos.output_filter import note_for
from demos.ranges import number_from, whole_number_from
from demos.seed import MAX_SEED
from demos.services import Services
from demos.writing import MAX_TEMPERATURE, SHOW_EVERY_SECONDS
from models.backends.prompted_translator import LANGUAGES, translator_on
from models.errors import BadInputError
from models.specs.hub_language import ONLY_DIRECTION
from models.states import LoadProgress, MadeBy
from models.tasks import Decoding, Task, Token, Translation, TranslationRequest, text_of
from models.text_input import clean_text, optional_text
from models.units import seconds

MAX_CHARACTERS = 300
LONGEST_REFERENCE = 2 * MAX_CHARACTERS
DECODINGS: tuple[Decoding, ...] = get_args(Decoding)
DIRECTIONS = ("zh-en", "en-zh", "de-en", "fr-en", "es-en")
"""Those in which the best model on a CPU is good enough, by `python -m tests.benchmarks.translation`: chrF from 55 into
English and from 30 into Chinese, whose words are shorter. English to German, French and Spanish failed."""
_SENTENCES = Path(__file__).parent.parent / "assets" / "translation" / "sentences.jsonl"


@dataclass(frozen=True)
class Pair:
    """A sentence and its translation by a person."""

    source: str
    target: str


@dataclass(frozen=True)
class Translated:
    """What a model has translated so far, and the seconds it took."""

    made_by: MadeBy
    translation: Translation
    took: float

    @property
    def text(self) -> str:
        return text_of(self.translation.tokens).strip()

    @property
    def logprob_per_token(self) -> float | None:
        """Rounded natural logarithm of the probability of a token, on average; None if there is none."""
        logprob = logprob_per_token(self.translation.tokens)
        return None if logprob is None else round(logprob, 3)


@dataclass(frozen=True)
class Compared:
    """What one decoding gave, and what that means in the first language again (None while or where that is unknown)."""

    decoding: Decoding
    translated: Translated
    back: str | None = None


@cache
def sentence_pairs(source: str, target: str) -> tuple[Pair, ...]:
    """Our own test sentences in a direction (languages as ISO 639-1): 60 between Chinese and English, 24 in others."""
    rows = [json.loads(line) for line in _SENTENCES.read_text(encoding="utf-8").splitlines()]
    return tuple(Pair(row[source], row[target]) for row in rows if source in row and target in row)


def title_of(direction: str) -> str:
    """ "zh-en" as "Chinese to English"."""
    return " to ".join(LANGUAGES[language] for language in direction.split("-"))


def knows(model: str, direction: str) -> bool:
    """Whether the model of that id translates in `direction`, and the tab offers it."""
    return direction in DIRECTIONS and ONLY_DIRECTION.get(model, direction) == direction


def make_request(
    text: str | None,
    direction: str | None,
    decoding: str | None,
    temperature: float | None,
    seed: float | None,
    *,
    forced: tuple[int, ...] = (),
) -> TranslationRequest:
    """The request that a visitor's values make. Raises `BadInputError` for an empty or too long text, for a direction
    or a decoding that is not offered and for numbers out of their range."""
    if direction not in DIRECTIONS:
        raise BadInputError(f"The direction must be one of {', '.join(DIRECTIONS)}; please choose one.")
    if decoding not in DECODINGS:
        raise BadInputError(f"The decoding must be one of {', '.join(DECODINGS)}; please choose one.")
    source, target = direction.split("-")
    return TranslationRequest(
        clean_text(text, max_characters=MAX_CHARACTERS),
        source,
        target,
        next(known for known in DECODINGS if known == decoding),
        number_from("The temperature", temperature, 0, MAX_TEMPERATURE),
        whole_number_from("The seed", seed, 0, MAX_SEED),
        forced,
    )


def translate(
    services: Services, request: TranslationRequest, model: str, *, before: str = ""
) -> Generator[LoadProgress | Translated, None, None]:
    """Lets one model translate: progress first, then the growing sentence several times a second, finished last.
    `before` is the text of the forced tokens."""
    if model in ONLY_DIRECTION and not knows(model, f"{request.source}-{request.target}"):
        only = title_of(ONLY_DIRECTION[model])
        raise BadInputError(f"This model translates from {only} only; please choose that direction or another model.")

    def ask(backend: Any) -> Iterator[Translation]:
        last, last_shown = Translation(()), time.perf_counter()

        def so_far(*, finished: bool = False) -> Translation:
            return replace(last, tokens=services.output_filter.tokens(last.tokens, finished=finished, before=before))

        for last in translator_on(backend).translate(request):  # noqa: B007
            if time.perf_counter() - last_shown >= SHOW_EVERY_SECONDS:
                last_shown = time.perf_counter()
                yield so_far()
        yield so_far(finished=True)

    for step in answers(services, Task.TRANSLATION, model, ask):
        if isinstance(step, Answer):
            yield Translated(step.made_by, step.value, step.took)
        elif isinstance(step, LoadProgress):
            yield step


def compare(
    services: Services, request: TranslationRequest, model: str
) -> Generator[str | tuple[Compared, ...], None, None]:
    """Translates by every decoding, and each result back: words on how far it is, and all results after each step."""
    results: list[Compared] = []
    way_back = knows(model, f"{request.target}-{request.source}")
    for decoding in DECODINGS:
        yield f"{decoding}: translating"
        for step in translate(services, replace(request, decoding=decoding), model):
            if isinstance(step, LoadProgress):
                yield str(step)
        assert isinstance(step, Translated), "the finished translation comes last"
        results.append(Compared(decoding, step))
        yield tuple(results)
        if way_back and step.text:
            yield f"{decoding}: translating back"
            back = replace(request, text=step.text, source=request.target, target=request.source)
            *_, returned = translate(services, back, model)
            assert isinstance(returned, Translated)
            results[-1] = replace(results[-1], back=returned.text)
            yield tuple(results)
    took = sum(result.translated.took for result in results)
    note = note_for("".join(result.translated.text + (result.back or "") for result in results))
    yield f"three translations in {seconds(took)}{note}"


def comparison_table(results: Sequence[Compared], reference: str | None) -> str:
    """The results as JSON for assets/theme/decoding_table.js: texts alone, for a person to read."""
    columns = ["Decoding", "Translation", "Translated back", "log p per token", "Time"]
    reference = (reference or "").strip()
    rows = []
    for result in results:
        logprob = result.translated.logprob_per_token
        rows.append(
            [
                result.decoding.capitalize(),
                result.translated.text,
                result.back or "",
                "" if logprob is None else f"{logprob:.2f}".replace("-", "\u2212"),
                seconds(result.translated.took),
                *([f"{chrf([result.translated.text], [reference]):.0f}"] if reference else []),
            ]
        )
    return json.dumps({"columns": [*columns, *(["chrF"] if reference else [])], "rows": rows}, ensure_ascii=False)


def belonging(reference: str | None, source: str | None, request: TranslationRequest) -> str:
    """`reference` if it is a translation of the text of `request`; empty if it is one of another text. `source` says of
    which it is: the direction, then the text. Raises `BadInputError` for a reference that is too long to score."""
    asked = f"{request.source}-{request.target} {request.text}"
    if (source or "")[: 2 * len(asked)].split() != asked.split():
        return ""
    return optional_text(reference, max_characters=LONGEST_REFERENCE)


def scores_in_words(tokens: Sequence[Token], reference: str | None, target: str) -> str:
    """One line: how sure the model was and, where a person's translation is given, how close to it this comes."""
    logprob = logprob_per_token(tokens)
    if logprob is None:
        return "The model translated this to nothing. Try another decoding or a longer text."
    sure = f"Mean token probability {math.exp(logprob):.0%}"
    reference, text = (reference or "").strip(), text_of(tuple(tokens)).strip()
    if not reference:
        return f"{sure}. Give a person's translation (Advanced) for a score."
    return (
        f"{sure}; chrF {chrf([text], [reference]):.0f}, BLEU {bleu([text], [reference], target):.0f} against a person"
    )


def logprob_per_token(tokens: Sequence[Token]) -> float | None:
    """Natural logarithm of the probability of `tokens`, divided by their number: what beam search compares."""
    return sum(token.logprob for token in tokens) / len(tokens) if tokens else None


def chrf(translations: Sequence[str], references: Sequence[str]) -> float:
    """chrF of all sentences together, 0 to 100: shared character n-grams (Popovic 2015)."""
    import sacrebleu

    return float(sacrebleu.corpus_chrf(list(translations), [list(references)]).score)


def bleu(translations: Sequence[str], references: Sequence[str], target: str) -> float:
    """BLEU of all sentences together, 0 to 100: shared word sequences (Papineni et al. 2002; Post 2018). `target` is
    the language; a single sentence is smoothed, and says little."""
    import sacrebleu

    tokenizer = "zh" if target == "zh" else "13a"
    if len(translations) == 1:
        return float(
            sacrebleu.sentence_bleu(translations[0], [references[0]], tokenize=tokenizer, smooth_method="exp").score
        )
    return float(sacrebleu.corpus_bleu(list(translations), [list(references)], tokenize=tokenizer).score)


def facts_of(request: TranslationRequest, model: str) -> dict[str, Any]:
    """What made a translation, as it travels with it into the downloads."""
    return {
        "model": model,
        "direction": f"{request.source}-{request.target}",
        "decoding": request.decoding,
        "temperature": request.temperature if request.decoding == "sampling" else None,
        "seed": request.seed,
    }
