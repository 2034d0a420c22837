"""What the DeepFakes tab says about an answer and about the class, as HTML."""

import html
from collections.abc import Sequence

from demos.ballot import Standings
from demos.quiz import PairGuess, Play
from demos.quiz_manifest import Half, Pair

_COUNTED = (
    "A browser counts once for each pair; kept are two numbers for each pair and, in memory only, random tokens and "
    "addresses, so that nobody votes for everybody."
)


def verdict(play: Play, pair: Pair, guess: PairGuess, right: tuple[int, int], pairs: int) -> str:
    """Score and streak and, once the turn is answered, what gave the generated picture away, the sources and what the
    detector thinks of it (recorded). `right` is from `demos.quiz.accuracy`."""
    score = (
        f"<p class='score'><span><b>{play.right}</b> of {play.answered} right</span>"
        f"<span>streak <b>{play.streak}</b>, best {play.best}</span></p>"
    )
    if play.picked is None:
        return (
            score + "<p class='status'>Look at fine texture: hair, leaves, letters, noise. Then pick the real one.</p>"
        )
    wrong_pairs, wrong_pictures = pairs - right[0], 2 * pairs - right[1]
    headline = "Right." if play.picked == play.turn.real else "Wrong: that one was generated."
    mine = {"left": guess.real, "right": guess.generated}
    if play.turn.real == "right":
        mine = {"left": guess.generated, "right": guess.real}
    return (
        f"{score}<p class='headline {'good' if play.picked == play.turn.real else 'bad'}' role='status'>{headline}</p>"
        f"<p><b>What gives the generated one away.</b> {html.escape(pair.signs)}</p>"
        f"<p class='detector'><b>The detector</b> <span class='badge'>recorded</span> gives the left one "
        f"{_percent(mine['left'])} to be real, the right one {_percent(mine['right'])}: "
        f"{'right' if guess.is_right else 'wrong'} here. It is fallible: over the whole quiz it errs on "
        f"{wrong_pairs} of {pairs} pairs and on {wrong_pictures} of {2 * pairs} single pictures.</p>"
        f"<details class='sources'><summary>Where the two come from</summary>Real: {_source(pair.real)}<br>"
        f"Generated: {_source(pair.generated)}</details>"
    )


def class_table(pairs: Sequence[Pair], standings: Standings, guesses: Sequence[PairGuess]) -> str:
    """Right answers of all visitors, in all and for each pair that anybody has answered, the hardest first; and which
    answers did not count."""
    right, answers = (sum(column) for column in zip(*standings.counts, strict=True))
    detector = sum(guess.is_right for guess in guesses)
    if not answers:
        return f"<p class='status'>Nobody has answered yet. {_COUNTED}</p>"
    rows = [
        (got / of, pair, got, of, guess)
        for pair, (got, of), guess in zip(pairs, standings.counts, guesses, strict=True)
        if of
    ]
    rows.sort(key=lambda row: row[0])
    body = "".join(
        f"<tr><td>{html.escape(pair.subject)} <span class='muted'>{pair.difficulty}</span></td>"
        f"<td class='bar'><i style='width:{share:.0%}'></i></td><td class='number'>{share:.0%}</td>"
        f"<td class='number'>{got} of {of}</td><td>{'right' if guess.is_right else 'wrong'}</td></tr>"
        for share, pair, got, of, guess in rows
    )
    return (
        f"<p class='class-score'><b>{right / answers:.0%}</b> of {answers} answers were right; the detector gets "
        f"<b>{detector / len(pairs):.0%}</b> of {len(pairs)} pairs (recorded).</p>"
        "<div class='table-scroll'><table class='facts'>"
        "<thead><tr><th>Pair</th><th></th><th class='number'>right</th>"
        f"<th class='number'>answers</th><th>detector</th></tr></thead><tbody>{body}</tbody></table></div>"
        f"<p class='status'>Answers since the server started. {_COUNTED} Not counted: {standings.repeated} repeated by "
        f"a browser, {standings.refused} beyond what one address may send.</p>"
    )


def _percent(probability: float) -> str:
    return f"{probability:.0%}"


def _source(half: Half) -> str:
    made = f"{half.model}" + (f", seed {half.seed}" if half.seed is not None else "") + "; " if half.model else ""
    return html.escape(f"{made}{half.credit} ({half.licence})")
