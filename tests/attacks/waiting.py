"""Places in the queue and votes, for names that the caller makes up."""

import re
import secrets
import time

from tests.attacks.attack import Outcome, attack
from tests.attacks.honest import honest_seconds
from tests.served_gallery import ServedGallery
from tests.visitor import Visitor

ATTACKER = "127.0.0.66"
"""Another address of the loopback: to the server another machine."""


def _sound(seconds: float, seed: int) -> list[object]:
    """A request of /wavenet, which computes about as long as the sound lasts."""
    return [seconds, 1.0, seed, "", 20, "wavenet"]


@attack(6, alone=True)
def one_session_with_302_jobs(gallery: ServedGallery) -> Outcome:
    """One session lines up 302 times; then an honest visitor from another address asks for an enlargement."""
    with Visitor(gallery.address, comes_from=ATTACKER) as visitor:
        accepted = sum(visitor.join("wavenet", _sound(5, seed)).status_code == 200 for seed in range(302))
        try:
            waited = honest_seconds(gallery.address, within=60)
        except PermissionError as refusal:
            return Outcome(f"{accepted} jobs accepted, then the honest visitor: {refusal}", False)
    return Outcome(f"{accepted} jobs accepted, the honest visitor is served", accepted < 100, f"{waited:.1f} s")


@attack(6, alone=True)
def fifty_names_with_one_job_each(gallery: ServedGallery) -> Outcome:
    """Fifty invented sessions of one address line up with one sound each; an honest visitor of another address, who
    wants a sound too, is timed."""
    with Visitor(gallery.address, timeout=120) as visitor:
        visitor.ask("wavenet", _sound(1, 0), within=120)
        started = time.monotonic()
        visitor.ask("wavenet", _sound(1, 1), within=60)
        alone = time.monotonic() - started
    with Visitor(gallery.address, comes_from=ATTACKER) as attacker:
        accepted = sum(
            attacker.join("wavenet", _sound(1, 2 + name), session_hash=secrets.token_hex(6)).status_code == 200
            for name in range(50)
        )
    started = time.monotonic()
    try:
        with Visitor(gallery.address, timeout=120) as visitor:
            answer = visitor.ask("wavenet", _sound(1, 99), within=100)
        waited = time.monotonic() - started
        happened = "served" if answer.success else f"turned away: {answer.error}"
    except TimeoutError:
        waited, happened = time.monotonic() - started, "still waiting"
        answer = None
    # A few of one address come before her, and two at once take twice as long; all of them would take this long.
    shut = answer is not None and answer.success and waited < accepted * alone / 3
    return Outcome(
        f"{accepted} jobs accepted; the honest visitor is {happened}", shut, f"{alone:.1f} s alone, {waited:.1f} s"
    )


@attack(6, alone=True)
def votes_of_150_names(gallery: ServedGallery) -> Outcome:
    """150 invented sessions of one address answer the quiz's first pair rightly; the class's figures are read."""
    with Visitor(gallery.address) as visitor:
        pick, class_now = visitor.number("pick"), visitor.number("class_now")
        shown = visitor.now(pick, visitor.defaults(pick), event_data={"side": "left"}, session_hash="first").text
        right = "left" if '\\"real\\": \\"left\\"' in shown else "right"
        for _ in range(150):
            visitor.now(pick, visitor.defaults(pick), event_data={"side": right}, session_hash=secrets.token_hex(6))
        table = visitor.now(class_now, []).text
    found = re.search(r"<b>(\d+)%</b> of (\d+) answers", table)
    if found is None:
        return Outcome("no vote counted", True, "0 votes")
    share, votes = int(found[1]), int(found[2])
    return Outcome(f"{share} % of {votes} answers right", votes < 100, f"{votes} of 151 votes counted")
