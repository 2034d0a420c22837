"""A stand-in for the package `spaces` on ZeroGPU: `GPU` runs generators in a forked process, as the real one (0.51.3)
does: arguments and results are pickled, a process is kept for the next call of its function, Stop is looked at between
two steps, and of an exception only the name of its class comes back. There is no card: a lent process is told apart by
its id."""

import multiprocessing
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from multiprocessing.queues import SimpleQueue
from types import ModuleType
from typing import Any

import pytest

_FORK = multiprocessing.get_context("fork")
_END = "end"


class HostError(Exception):
    """What `gradio.Error` looks like from outside."""

    def __init__(self, title: str, message: str) -> None:
        super().__init__(message)
        self.title = title
        self.message = message


@dataclass
class StandInZeroGPU:
    """What the host was asked for, and what it is to answer."""

    seconds: list[int] = field(default_factory=list)
    forks: int = 0
    emulated: int = 0
    """Threads that have asked for CUDA to be emulated."""
    refusal: HostError | None = None

    def GPU(self, task: Callable[..., Generator[Any, None, None]], *, duration: Any = None) -> Any:
        kept: list[_Worker] = []

        def lent(*arguments: Any, **keywords: Any) -> Generator[Any, None, None]:
            self.seconds.append(duration(*arguments, **keywords))
            if self.refusal:
                raise self.refusal
            if not kept:
                kept.append(_Worker(task))
                self.forks += 1
            worker = kept.pop()
            worker.asked.put((arguments, keywords))
            try:
                while (answer := worker.answers.get())[0] != _END:
                    if answer[0] == "error":
                        raise HostError("ZeroGPU worker error", answer[1])
                    yield answer[1]
            except GeneratorExit:
                worker.stop.set()
                while worker.answers.get()[0] == "step":
                    pass
                raise
            finally:
                kept.append(worker)

        return lent

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Puts it into `sys.modules`."""

        def enter_mode() -> None:
            self.emulated += 1

        spaces, zero, torch = (ModuleType(name) for name in ("spaces", "spaces.zero", "spaces.zero.torch"))
        spaces.GPU = self.GPU  # type: ignore[attr-defined]
        torch.enter_mode = enter_mode  # type: ignore[attr-defined]
        for module in (spaces, zero, torch):
            monkeypatch.setitem(sys.modules, module.__name__, module)


class _Worker:
    """A forked process that runs `task` for one call after the other."""

    def __init__(self, task: Callable[..., Generator[Any, None, None]]) -> None:
        self.asked: SimpleQueue[Any] = _FORK.SimpleQueue()
        self.answers: SimpleQueue[Any] = _FORK.SimpleQueue()
        self.stop = _FORK.Event()
        self._task = task
        _FORK.Process(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            arguments, keywords = self.asked.get()
            self.stop.clear()
            steps = self._task(*arguments, **keywords)
            try:
                for step in steps:
                    if self.stop.is_set():
                        steps.close()
                        break
                    self.answers.put(("step", step))
            except Exception as error:  # noqa: BLE001 - the other process is told of all
                self.answers.put(("error", type(error).__name__))
                continue
            self.answers.put((_END, None))
