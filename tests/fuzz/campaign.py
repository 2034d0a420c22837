"""A run of hostile calls: who sends which, what came of them, and how the gallery is afterwards."""

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

import httpx

from tests.attacks.honest import honest_seconds
from tests.fuzz.answers import faults_of, faults_of_log, is_refusal
from tests.fuzz.calls import WAYS, WITHIN, Function, Way
from tests.served_gallery import FOLDERS, ServedGallery, served_gallery
from tests.visitor import Visitor

VISITORS = 6


@dataclass
class Report:
    """What came of it."""

    seed: int
    inputs: int = 0
    refused: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    """How often each kind of fault was seen."""
    examples: dict[str, str] = field(default_factory=dict)
    """For each kind the first input that showed it."""
    before_mb: float = 0
    after_mb: float = 0
    """What the process held after all inputs had been sent once, and after they had been sent again."""
    honest_seconds: float | None = None
    """None if an honest call was not answered in the end."""

    @property
    def server_errors(self) -> int:
        """Answers with the status of a fault of the server."""
        return sum(count for fault, count in self.faults.items() if fault.startswith("HTTP 5"))

    @property
    def grown(self) -> bool:
        """Whether the process holds a tenth more than before the inputs came again."""
        return self.after_mb > self.before_mb * 1.1

    def __str__(self) -> str:
        honest = "not answered" if self.honest_seconds is None else f"{self.honest_seconds:.1f} s"
        lines = [
            f"seed {self.seed}: {self.inputs} inputs, {self.refused} refused in words, {self.server_errors} HTTP 5xx; "
            f"memory {self.before_mb:.0f} to {self.after_mb:.0f} MB; an honest call in the end: {honest}"
        ]
        lines += [f"{count:6} x {fault}; first: {self.examples[fault]}" for fault, count in self.faults.most_common()]
        return "\n".join(lines)


@contextmanager
def cheap_gallery() -> Iterator[ServedGallery]:
    """The whole gallery with the models that come with it and no others: nothing is fetched, all answer in a second."""
    with (
        tempfile.TemporaryDirectory(prefix=f"{FOLDERS}cache-") as cache,
        served_gallery(["--offline", "--cache", cache]) as gallery,
    ):
        yield gallery


class Campaign:
    """Sends inputs by number from several sessions at once. An input depends on the seed and its number alone."""

    def __init__(self, gallery: ServedGallery, seed: int) -> None:
        self.report = Report(seed)
        self._gallery = gallery
        self._lock = threading.Lock()
        self._next = 0

    def run(self, seconds: float) -> Report:
        """Sends inputs for half of the time, the same once more, and looks at what is left.

        The first time they load models and libraries and fill caches; what the second time adds to memory is lost.
        """
        log = self._gallery.log_size()
        self._send(until=time.monotonic() + seconds / 2)
        self._settle()
        self.report.before_mb = self._gallery.resident_mb
        sent, self._next = self._next, 0
        self._send(until=time.monotonic() + seconds, end=sent)
        self._settle()
        for fault in faults_of_log(self._gallery.log_since(log)):
            self._note(f"traceback in the log: {fault.partition(':')[0]}", fault)
        if not self._gallery.alive:
            self._note("the process has ended", self._gallery.log_since(log)[-500:])
            return self.report
        try:
            self.report.honest_seconds = honest_seconds(self._gallery.address, within=WITHIN)
        except (TimeoutError, PermissionError, httpx.HTTPError) as error:
            self._note("an honest call was not answered", str(error))
        self.report.after_mb = self._gallery.resident_mb
        return self.report

    def send(self, number: int, visitor: Visitor) -> None:
        """Sends the input of that number."""
        random = Random(f"{self.report.seed}/{number}")
        way, function = _chosen(random, number, visitor.functions)
        name = f"{number} ({way.__name__} of {function['id']} {function['api_name']})"
        try:
            said = way(random, visitor, function)
        except TimeoutError:
            self._note("no end in time", name)
            return
        except httpx.HTTPError as error:
            self._note(f"broken off: {type(error).__name__}", name)
            return
        with self._lock:
            self.report.refused += any(is_refusal(status, text) for status, text in said)
        for status, text in said:
            for fault in faults_of(status, text):
                self._note(fault, name)

    def _send(self, *, until: float, end: int | None = None) -> None:
        """Sends the inputs from the next one on, up to a time and a number."""
        threads = [threading.Thread(target=self._visit, args=[until, end]) for _ in range(VISITORS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _visit(self, deadline: float, end: int | None) -> None:
        with Visitor(self._gallery.address, timeout=WITHIN) as visitor:
            while time.monotonic() < deadline and self._gallery.alive:
                with self._lock:
                    if self._next == end:
                        return
                    number = self._next
                    self._next += 1
                    self.report.inputs += 1
                self.send(number, visitor)

    def _settle(self) -> None:
        """Waits until the server has ended what was asked of it."""
        deadline, spent = time.monotonic() + 20, -1.0
        while self._gallery.alive and time.monotonic() < deadline and self._gallery.processor_seconds - spent > 0.1:
            spent = self._gallery.processor_seconds
            time.sleep(1)

    def _note(self, fault: str, example: str) -> None:
        with self._lock:
            self.report.faults[fault] += 1
            self.report.examples.setdefault(fault, example)


def _chosen(random: Random, number: int, functions: list[Function]) -> tuple[Way, Function]:
    """Every function comes through every way in turn, so that none is left to chance."""
    turn, place = divmod(number, len(functions))
    return WAYS[(turn + place) % len(WAYS)], functions[place]
