"""`python -m tests.attacks [NAME ...] [--url http://127.0.0.1:PORT --pid PID --log FILE]`: repeats the attacks on
loopback and prints a table. Without an address it starts galleries of its own."""

import argparse
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from tests.attacks import calls, files, memory, text, waiting, web, weights
from tests.attacks.attack import ATTACKS, Attack, Outcome
from tests.served_gallery import ServedGallery, served_gallery

MODULES = (files, text, memory, waiting, calls, web, weights)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ATTACKS)} (default: all)")
    parser.add_argument("--url", help="of a gallery on this machine that listens already")
    parser.add_argument("--pid", type=int, default=0, help="of that gallery, where memory is measured")
    parser.add_argument("--log", type=Path, default=Path("/dev/null"), help="of that gallery")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(ATTACKS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    if chosen.url and not chosen.url.startswith(("http://127.0.0.1:", "http://localhost:")):
        parser.error("only a gallery on this machine is attacked")
    wanted = [ATTACKS[name] for name in chosen.names] or sorted(ATTACKS.values(), key=lambda one: one.point)
    given = ServedGallery(chosen.url.rstrip("/"), chosen.pid, chosen.log) if chosen.url else None
    print("| point | attack | what happened | | figure | seconds |\n|---|---|---|---|---|---|", flush=True)
    open_doors = 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # whoever ends this ends its galleries too
    with ExitStack() as galleries:
        shared = given
        for one in wanted:
            if given is None and one.alone:
                with served_gallery() as own:
                    outcome, took = run(one, own)
            else:
                shared = shared or galleries.enter_context(served_gallery())
                outcome, took = run(one, shared)
            open_doors += not outcome.shut
            state = "shut" if outcome.shut else "OPEN"
            print(
                f"| {one.point} | {one.name} | {outcome.happened} | {state} | {outcome.figure} | {took:.0f} |",
                flush=True,
            )
    print(f"\n{len(wanted)} attacks, {open_doors} open doors. Each again: python -m tests.attacks NAME")


def run(one: Attack, gallery: ServedGallery) -> tuple[Outcome, float]:
    """What came of it, and the seconds it took. An attack that breaks the gallery has found an open door."""
    started = time.monotonic()
    try:
        outcome = one.run(gallery)
    except Exception as error:  # noqa: BLE001 - the table goes on
        outcome = Outcome(f"broke off: {type(error).__name__} {error}".replace("\n", " ")[:160], False)
    return outcome, time.monotonic() - started


if __name__ == "__main__":
    main()
