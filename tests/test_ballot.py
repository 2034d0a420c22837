"""The votes of the class: who counts, how often, and what is remembered of it."""

import re
import threading

import pytest

from demos import ballot
from demos.ballot import NEW_BROWSERS_A_MINUTE, NEW_BROWSERS_AT_ONCE, VOTES_OF_A_PAIR, BallotBox
from tests.visitor import Visitor


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def answers(box: BallotBox) -> int:
    return sum(of for _, of in box.standings().counts)


def test_a_browser_counts_once_for_each_pair() -> None:
    box = BallotBox(2)
    token = box.vote("", "a", 0, True)
    assert box.vote(token, "a", 0, False) == token
    assert box.vote(token, "b", 1, False) == token, "whichever address it comes from"
    assert box.standings().counts == ((1, 1), (0, 1))
    assert (box.standings().repeated, box.standings().refused) == (1, 0)


@pytest.mark.parametrize("token", [None, 1, [], {}, {"a": []}, "made up", "x" * 100_000, float("nan")])
def test_a_token_that_the_server_did_not_draw_is_none(token: object) -> None:
    box = BallotBox(1)
    given = box.vote(token, "a", 0, True)
    assert given != token
    assert box.vote(given, "a", 0, True) == given
    assert answers(box) == 1


def test_an_address_gets_new_browsers_at_the_rate_of_a_hall() -> None:
    clock = Clock()
    box = BallotBox(1, clock)
    for _ in range(150):
        box.vote("", "a", 0, True)
    assert (answers(box), box.standings().refused) == (NEW_BROWSERS_AT_ONCE, 150 - NEW_BROWSERS_AT_ONCE)
    assert box.vote("", "b", 0, False), "others are not held up"
    clock.now += 60
    for _ in range(150):
        box.vote("", "a", 0, True)
    assert answers(box) == NEW_BROWSERS_AT_ONCE + 1 + min(NEW_BROWSERS_A_MINUTE, NEW_BROWSERS_AT_ONCE)


def test_an_address_votes_for_a_pair_as_often_as_a_hall() -> None:
    clock = Clock()
    box = BallotBox(2, clock)
    tokens = []
    for _ in range(VOTES_OF_A_PAIR + 5):
        clock.now += 60
        tokens.append(box.vote("", "a", 0, True))
    assert (answers(box), box.standings().refused) == (VOTES_OF_A_PAIR, 5)
    assert box.vote(tokens[-1], "a", 1, True) == tokens[-1]
    assert answers(box) == VOTES_OF_A_PAIR + 1, "the other pair has its own ceiling"


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ballot, "REMEMBERED_BROWSERS", 10)
    monkeypatch.setattr(ballot, "REMEMBERED_ADDRESSES", 5)
    box = BallotBox(1)
    mine = box.vote("", "mine", 0, True)
    for number in range(9):
        box.vote("", f"{number}", 0, True)
    assert box.vote(mine, "mine", 0, True) == mine, "whoever comes again is kept"
    for number in range(30):
        box.vote("", f"{number}", 0, True)
    assert (len(box._answered), len(box._addresses)) == (10, 5)
    assert box.vote(mine, "mine", 0, True) != mine


def test_every_thread_is_counted() -> None:
    box = BallotBox(500)
    token = box.vote("", "a", 0, True)

    def answer() -> None:
        for pair in range(1, 500):
            box.vote(token, "a", pair, pair % 2 == 0)

    threads = [threading.Thread(target=answer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers(box) == 500
    assert box.standings().repeated == 7 * 499


# On the page


def counted(visitor: Visitor) -> int:
    table = visitor.now("class_now", []).text
    found = re.search(r"of (\d+) answers", table)
    return int(found[1]) if found else 0


def test_invented_sessions_do_not_vote_for_the_class(gallery: str) -> None:
    with Visitor(gallery.rstrip("/")) as visitor:
        before = counted(visitor)
        for number in range(150):
            visitor.now("pick", [None, ""], event_data={"side": "left"}, session_hash=f"invented-{number}")
        assert counted(visitor) - before < 120, "60 at once and one a second"
        table = visitor.now("class_now", []).text
    assert re.search(r"[1-9]\d* beyond what one address may send", table)


def test_a_browser_that_starts_anew_is_no_new_voter(gallery: str) -> None:
    with Visitor(gallery.rstrip("/"), comes_from="127.0.0.9") as visitor:
        before = counted(visitor)
        token = visitor.now("pick", [None, ""], event_data={"side": "left"}, session_hash="one").json()["data"][1]
        again = visitor.now("pick", [None, token], event_data={"side": "left"}, session_hash="two").json()["data"][1]
        assert token == again != ""
        assert counted(visitor) - before == 1


@pytest.mark.parametrize(
    "told", [None, "left", 1, [], ["left"], {}, {"side": None}, {"side": ["left"]}, {"side": "up"}]
)
def test_a_pick_of_neither_side_gets_a_sentence(gallery: str, told: object) -> None:
    with Visitor(gallery.rstrip("/")) as visitor:
        answer = visitor.now("pick", [None, ""], event_data=told)
    assert answer.status_code == 200
    assert "Pick the left or the right picture." in answer.text
