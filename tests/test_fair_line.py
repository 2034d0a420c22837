"""Places are shared between visitors: who is next, who waits behind how many, and that nobody keeps the room full."""

import contextvars
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from gradio_client import Client

from demos.runner import steps_for
from models.errors import BusyError
from models.fair_line import HALL_SHARE, MAX_REQUESTS, NOBODY, VISITOR, FairLine, Ticket, Visitor
from models.registry import Registry
from models.states import LoadProgress
from models.store import WeightStore
from tests.conftest import CPU
from tests.toy_models import fresh_counters, toy_spec


@contextmanager
def visitor(name: str, address: str = "") -> Iterator[None]:
    token = VISITOR.set(Visitor(name, address))
    try:
        yield
    finally:
        VISITOR.reset(token)


def join(line: FairLine, name: str, address: str = "") -> Ticket:
    with visitor(name, address):
        return line.join()


def order_of_service(line: FairLine, running: Ticket, waiting: dict[str, Ticket]) -> list[str]:
    """Lets one after the other have the only place; whose turn it was."""
    order = []
    while waiting:
        running.leave()
        name = next(name for name, ticket in waiting.items() if ticket.served)
        order.append(name)
        running = waiting.pop(name)
    return order


def test_a_second_request_goes_behind_everybodys_first() -> None:
    line = FairLine(1)
    running = join(line, "greedy")
    waiting = {f"greedy {number}": join(line, "greedy") for number in (2, 3)}
    waiting |= {"Ann": join(line, "Ann"), "Bob": join(line, "Bob"), "Ann 2": join(line, "Ann")}
    before = {name: ticket.before for name, ticket in waiting.items()}
    order = order_of_service(line, running, waiting)
    assert order == ["Ann", "Bob", "greedy 2", "Ann 2", "greedy 3"]
    assert sorted(before, key=before.__getitem__)[:2] == ["Ann", "Bob"], "what is told is what happens"


def test_who_was_served_longest_ago_is_next() -> None:
    line = FairLine(1)
    for name in ("Ann", "Bob", "Cem"):
        join(line, name).leave()
    running = join(line, "Dan")
    waiting = {name: join(line, name) for name in ("Cem", "Bob", "Ann", "new")}
    assert order_of_service(line, running, waiting) == ["new", "Ann", "Bob", "Cem"]


def test_invented_names_do_not_keep_another_address_waiting() -> None:
    """However many come after them, and although each name is new."""
    line = FairLine(1)
    running = join(line, "name 0", "192.0.2.1")
    crowd = [join(line, f"name {number}", "192.0.2.1") for number in range(1, 50)]
    honest = join(line, "Ann", "198.51.100.7")
    served = 0
    while not honest.served:
        running.leave()
        crowd.append(join(line, f"name {len(crowd)} again", "192.0.2.1"))
        running = next(ticket for ticket in [honest, *crowd] if ticket.served and not ticket.left)
        served += 1
    assert served <= HALL_SHARE


def test_a_hall_behind_one_router_shares_as_ever_and_keeps_most_of_the_places() -> None:
    line = FairLine(1)
    running = join(line, "first", "192.0.2.1")
    waiting = {f"hall {number}": join(line, f"hall {number}", "192.0.2.1") for number in range(20)}
    waiting["home"] = join(line, "home", "198.51.100.7")
    order = order_of_service(line, running, waiting)
    assert [name for name in order if name != "home"] == [f"hall {number}" for number in range(20)]
    assert order.index("home") == HALL_SHARE - 1


def test_an_address_that_was_away_has_saved_nothing_up() -> None:
    line = FairLine(1)
    for number in range(3 * HALL_SHARE):
        join(line, f"hall {number}", "192.0.2.1").leave()
    running = join(line, "hall", "192.0.2.1")
    late = {f"late {number}": join(line, f"late {number}", "198.51.100.7") for number in range(2 * HALL_SHARE)}
    hall = {f"hall {number}": join(line, f"hall {number}", "192.0.2.1") for number in range(HALL_SHARE)}
    order = order_of_service(line, running, late | hall)
    assert sum(name.startswith("late") for name in order[: HALL_SHARE + 1]) <= HALL_SHARE


def test_who_stops_waiting_drops_out_and_gives_nothing_back() -> None:
    line = FairLine(2)
    running = [join(line, "Ann"), join(line, "Bob")]
    gone, last = join(line, "Cem"), join(line, "Dan")
    assert (gone.before, last.before) == (0, 1)
    gone.leave()
    gone.leave()
    assert last.before == 0
    assert not last.wait(0.01)
    running[0].leave()
    assert last.wait(0)
    assert not join(line, "Eve").served, "two places, both taken"


def test_one_visitor_cannot_fill_the_room() -> None:
    line = FairLine(1)
    tickets = [join(line, "greedy") for _ in range(MAX_REQUESTS)]
    with pytest.raises(BusyError, match=f"{MAX_REQUESTS} requests under way"):
        join(line, "greedy")
    join(line, "Ann")
    tickets.pop().leave()
    join(line, "greedy")
    for _ in range(2 * MAX_REQUESTS):
        join(line, "")  # programs without the page are not visitors


def test_a_waiting_thread_is_woken() -> None:
    line = FairLine(1)
    running = line.join()
    ticket = line.join()
    threading.Timer(0.05, running.leave).start()
    assert ticket.wait(10)


def test_steps_keep_their_visitor_in_whatever_context_they_are_asked_for() -> None:
    seen = []

    def handler() -> Iterator[str]:
        try:
            while True:
                seen.append(VISITOR.get())
                yield "step"
        finally:
            seen.append(VISITOR.get())

    ann = Visitor("Ann", "192.0.2.1")
    steps = steps_for(ann, handler())  # type: ignore[arg-type]
    for _ in range(2):
        contextvars.Context().run(next, steps)
    contextvars.Context().run(steps.close)
    assert seen == [ann, ann, ann]
    assert VISITOR.get() == NOBODY


def test_registry_tells_who_waits_and_lets_them_go(tmp_path: Path) -> None:
    fresh_counters()
    registry = Registry([toy_spec("a")], store=WeightStore(tmp_path), devices=(CPU,))
    with registry.lease("a"):
        impatient, patient = registry.enter("a"), registry.enter("a")
        assert [next(impatient), next(patient)] == [
            LoadProgress("waiting", before=0),
            LoadProgress("waiting", before=1),
        ]
        impatient.close()
        assert next(patient) == LoadProgress("waiting", before=0)
        assert str(next(patient)) == "waiting: you are next"
    with pytest.raises(StopIteration) as entered:
        next(patient)
    with entered.value.value as lease:
        assert lease.spec.id == "a"
        assert next(registry.enter("a")).stage == "waiting"
    with registry.lease("a", patience=1):
        pass


def test_served_requests_know_their_visitors(gallery: str) -> None:
    """Two students of the running gallery: the many requests of one are cut at the limit, the other's gets through."""
    greedy, other = Client(gallery, verbose=False), Client(gallery, verbose=False)
    arguments = ("Once upon a time", 60)
    jobs = [greedy.submit(*arguments, api_name="/continue_text") for _ in range(MAX_REQUESTS + 8)]
    text, _ = other.predict("Hello", 2, api_name="/continue_text")
    assert text
    refused = [job for job in jobs if (error := job.exception()) and "requests under way" in str(error)]
    assert 1 <= len(refused) <= 8
