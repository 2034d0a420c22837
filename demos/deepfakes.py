"""DeepFakes: which picture is real? A quiz for people, and a detector, p(real | image), that plays along."""

import json
import random
import statistics
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any
from urllib.parse import quote

import gradio as gr
from PIL import Image

from demos import recorded, status
from demos.answering import Answer, answers
from demos.ballot import BallotBox
from demos.door.visitor import address_of
from demos.event_details import detail
from demos.model_card import device_name, model_strip, strip
from demos.page import HowItWorks, Page, answer, frame, question
from demos.quiz import SIDES, PairGuess, Play, Side, Turn, accuracy, new_play, number_of
from demos.quiz_manifest import PICTURES, Half, Pair, read_manifest
from demos.quiz_views import class_table, verdict
from demos.runner import Runner, Update
from demos.services import Services
from demos.theme import THEME_FOLDER
from demos.visitor_state import visitor_state
from models.detection import Detector, Guess
from models.errors import BadInputError
from models.states import LoadProgress, MadeBy
from models.tasks import Task
from models.units import seconds

OPENING_PAIR = "moose"
"""The same for everybody, so that a hall can begin together."""
CLASS_REFRESH_SECONDS = 5

PAGE = Page(
    slug="deepfakes",
    title="DeepFakes",
    family="images",
    task=Task.DETECTION,
    formula="p(real | image)",
    sentence="One of the two pictures is real, a model made the other. Pick the real one: arrow keys or a tap.",
    how=HowItWorks(
        sentences="Most generated pictures here are photographs shrunk to a sixteenth of their pixels and enlarged "
        "again by Real-ESRGAN: the camera saw the outlines, the fine texture is invented. The detector is a linear "
        "classifier on CLIP's view of a picture; it has learnt from other generators than ours, and it errs, as people "
        "do. There are no faces: a real one would belong to somebody, so nothing can be uploaded and no face can be "
        "swapped here. In the European Union, Article 50 of the AI Act obliges whoever publishes a deepfake to say "
        "that it was artificially generated or manipulated.",
        formula=r"p(\text{real} \mid x) = 1 - \sigma\!\left(a \, (w^\top \phi_{\text{CLIP}}(x) + b) + c\right)",
        paper="[Ojha et al. 2023](https://arxiv.org/abs/2302.10174), "
        "CLIP: [Radford et al. 2021](https://arxiv.org/abs/2103.00020).",
        code="""
from pathlib import Path
from PIL import Image
from models.catalog import CATALOG
from models.registry import Registry
from models.store import WeightStore

registry = Registry(CATALOG, store=WeightStore(Path("weights")))
with registry.lease("clip-probe") as lease:
    guess = lease.backend.guess(Image.open("picture.webp").convert("RGB"))
print(f"p(real | image) = {guess.real:.2f}")      # a guess, not a proof
""",
    ),
)

_TEMPLATE = """
<div class="quiz-stage" tabindex="-1">
  <div class="quiz-head"><span class="quiz-question"></span> <span class="quiz-count"></span></div>
  <div class="quiz-pair">
    <button type="button" class="quiz-left"><img alt=""><span></span></button>
    <button type="button" class="quiz-right"><img alt=""><span></span></button>
  </div>
  <button type="button" class="quiz-next" disabled>Next pair (N)</button>
</div>
"""


@dataclass(frozen=True)
class Guessed:
    """The detector's guesses of the two pictures of a pair, and the seconds they took together."""

    made_by: MadeBy
    left: Guess
    right: Guess
    took: float


@cache
def quiz_pairs() -> tuple[Pair, ...]:
    """The pairs of the quiz."""
    return read_manifest()


def recorded_guesses(opening: recorded.Recorded) -> list[PairGuess]:
    """What the detector thought of each pair when the tab was recorded."""
    return [PairGuess(**opening.facts["guesses"][pair.id]) for pair in quiz_pairs()]


def halves(turn: Turn) -> dict[Side, Half]:
    """What stands on each side."""
    pair = quiz_pairs()[turn.pair]
    return {side: pair.real if side == turn.real else pair.generated for side in SIDES}


def view_of(play: Play) -> str:
    """The value of the two pictures. Which side is real is in it only once the visitor has answered."""
    pair = quiz_pairs()[play.turn.pair]
    shown: dict[str, Any] = {
        "turn": play.answered + (play.picked is None),
        "subject": pair.subject,
        "question": pair.question,
        "difficulty": pair.difficulty,
    }
    shown |= {side: _address(half) for side, half in halves(play.turn).items()}
    if play.picked is not None:
        shown["answer"] = {"picked": play.picked, "real": play.turn.real}
    return json.dumps(shown)


def guess_pair(services: Services, model: str, turn: Turn) -> Generator[LoadProgress | Guessed, None, None]:
    """Lets the detector look at both pictures now."""

    def ask(detector: Detector) -> Iterator[dict[Side, Guess]]:
        yield {side: detector.guess(open_picture(half)) for side, half in halves(turn).items()}

    for step in answers(services, Task.DETECTION, model, ask):
        if isinstance(step, Answer):
            yield Guessed(step.made_by, step.value["left"], step.value["right"], step.took)
        elif isinstance(step, LoadProgress):
            yield step


def open_picture(half: Half) -> Image.Image:
    """The picture in RGB."""
    return Image.open(PICTURES / half.file).convert("RGB")


def words_for(guessed: Guessed) -> str:
    """The guesses in words."""
    side = "left" if guessed.left.real > guessed.right.real else "right"
    return (
        f"p(real | left) = {guessed.left.real:.2f}, p(real | right) = {guessed.right.real:.2f}: "
        f"it would pick the {side} one ({seconds(guessed.took)})"
    )


def build(services: Services) -> None:
    """Draws the tab."""
    registry = services.registry
    pairs = quiz_pairs()
    gr.set_static_paths([PICTURES])
    opening = recorded.load(PAGE.slug)
    guesses = recorded_guesses(opening)
    ballots = BallotBox(len(pairs))
    first = Turn(number_of(pairs, OPENING_PAIR), random.choice(SIDES))
    start = Play((first,))

    def verdict_of(play: Play) -> str:
        return verdict(play, pairs[play.turn.pair], guesses[play.turn.pair], accuracy(guesses), len(pairs))

    with frame(PAGE):
        # None until the first answer: the page's description must not carry an unanswered turn.
        game = visitor_state(None)
        # The secret goes out with the page: it hides nothing, but a token outlives a restart only if it stays the same.
        ballot = gr.BrowserState("", storage_key="gallery-ballot", secret="gallery-ballot")
        with gr.Row(elem_classes="cards"):
            with question():
                view = gr.HTML(
                    view_of(start),
                    html_template=_TEMPLATE,
                    js_on_load=(THEME_FOLDER / "quiz.js").read_text(encoding="utf-8"),
                    apply_default_css=False,
                    elem_classes="quiz-view",
                )
            with answer():
                explanation = gr.HTML(verdict_of(start), elem_classes="quiz-verdict")
                runner = Runner(PAGE, "Ask the detector")
                card_strip = model_strip(opening.strip(registry))
        with gr.Accordion("How is the class doing?", open=False, elem_classes="card class-panel") as panel:
            standings = gr.HTML("")
            timer = gr.Timer(CLASS_REFRESH_SECONDS, active=False)

    def current(play: Play | None) -> Play:
        return play or new_play(len(pairs), first)

    def pick(play: Play | None, token: Any, event: gr.EventData, request: gr.Request) -> Any:
        before = current(play)
        try:
            after = before.pick(detail(event, "side"))
        except BadInputError as error:
            return {runner.status: status.problem(str(error))}
        shown = {game: after, view: view_of(after), explanation: verdict_of(after)}
        if after is before:
            return shown
        address = address_of(request)
        return shown | {ballot: ballots.vote(token, address, after.turn.pair, after.picked == after.turn.real)}

    def go_on(play: Play | None) -> Any:
        after = current(play).next()
        # What the detector has said belongs to the pair before.
        return after, view_of(after), verdict_of(after), status.done("")

    def ask(play: Play | None) -> Generator[Update, None, None]:
        turn = current(play).turn
        for step in guess_pair(services, opening.model, turn):
            if isinstance(step, Guessed):
                yield {card_strip: strip(step.made_by.spec, device=device_name(step.made_by.device), took=step.took)}
                yield words_for(step)
            else:
                yield str(step)

    def class_now() -> str:
        return class_table(pairs, ballots.standings(), guesses)

    at_once: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    view.apply(pick, [game, ballot], [game, ballot, view, explanation, runner.status], **at_once)
    view.retry(go_on, game, [game, view, explanation, runner.status], **at_once)
    runner.on([runner.run.click], ask, [game], [card_strip])
    runner.wire_stop()
    panel.expand(lambda: (class_now(), gr.Timer(active=True)), None, [standings, timer], **at_once)
    panel.collapse(lambda: gr.Timer(active=False), None, timer, **at_once)
    timer.tick(class_now, None, standings, **at_once)


def record(services: Services) -> recorded.Recorded:
    """Lets the detector judge every picture of the quiz."""
    choice = services.registry.choose(PAGE.task)
    assert choice.spec is not None, choice.reasons
    pairs, guesses, times = quiz_pairs(), [], []
    for number in range(len(pairs)):
        *_, guessed = guess_pair(services, choice.spec.id, Turn(number, "left"))
        assert isinstance(guessed, Guessed)
        guesses.append(PairGuess(real=round(guessed.left.real, 4), generated=round(guessed.right.real, 4)))
        times.append(guessed.took)
        made_by = guessed.made_by
    right_pairs, right_pictures = accuracy(guesses)
    return recorded.save(
        PAGE.slug,
        {},
        made_by=made_by,
        seed=None,
        seconds=statistics.median(times),
        settings={"pairs": len(pairs)},
        facts={
            "guesses": {pair.id: asdict(guess) for pair, guess in zip(pairs, guesses, strict=True)},
            "right pairs": right_pairs,
            "right pictures": right_pictures,
        },
    )


def _address(half: Half) -> str:
    """Where the page finds the picture."""
    return f"gradio_api/file={quote(str(PICTURES / half.file))}"


if __name__ == "__main__":
    from demos.gallery import run_alone

    run_alone(PAGE)
