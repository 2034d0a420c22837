"""ZeroGPU: a Space whose graphics card is lent for one function call at a time.

Weights are placed on an emulated "cuda" in this process. What `spaces.GPU` decorates runs in a forked process on the
real card: it sees the models that were loaded before the fork, its arguments and results are pickled, and nothing else
comes back (https://huggingface.co/docs/hub/spaces-zerogpu). So a model's backend stands behind `OnLoan`, whose steps
each run there. Nowhere else is any of this used, or `spaces` imported.
"""

import inspect
import itertools
import os
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, get_origin

from models.errors import BusyError, ModelError, OutOfMemoryError
from models.gpu_seconds import gpu_seconds

Steps = Callable[..., Generator[Any, None, None]]


def zero_gpu_here(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this is a ZeroGPU Space."""
    return environment.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


@dataclass(frozen=True)
class _Refused:
    """A `ModelError` of the other process. Raised there, only the name of its class would come back."""

    error: ModelError


class LentCard:
    """The card and the models that it may be lent to."""

    def __init__(self) -> None:
        import spaces

        self._spaces = spaces
        self._backends: dict[int, Any] = {}
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._lend_anew()

    def place(self, load: Callable[[], Any]) -> "OnLoan":
        """What `load` returns, to be used through the card."""
        from spaces.zero.torch import enter_mode

        enter_mode()  # CUDA is emulated for one thread alone, and models load on threads of their own
        backend = load()
        with self._lock:
            number = next(self._numbers)
            self._backends[number] = backend
            self._lend_anew()
        return OnLoan(self, number, backend)

    def forget(self, number: int) -> None:
        """Lets go of a model."""
        with self._lock:
            del self._backends[number]
            self._lend_anew()

    def steps(self, number: int, method: str, *arguments: Any, **keywords: Any) -> "LentSteps":
        """The steps that a method of model `number` yields on the card. Closing them stops it there, at its next step.

        They raise the `ModelError` of the model, or one that says why there is no card.
        """
        return LentSteps(self._steps(number, method, *arguments, **keywords))

    def _steps(self, number: int, method: str, *arguments: Any, **keywords: Any) -> Generator[Any, None, None]:
        try:
            with closing(self._on_card(number, method, *arguments, **keywords)) as steps:
                for step in steps:
                    if isinstance(step, _Refused):
                        raise step.error
                    yield step
        except ModelError:
            raise
        except Exception as error:
            raise _in_plain_words(error) from error

    def _lend_anew(self) -> None:
        # Processes are kept for later calls, each for one function. A function made after the last change of the
        # models has none that began before it, and a worker knows only the models that it was forked with.
        backends = self._backends

        def steps(number: int, method: str, *arguments: Any, **keywords: Any) -> Generator[Any, None, None]:
            try:
                yield from getattr(backends[number], method)(*arguments, **keywords)
            except ModelError as error:
                yield _Refused(error)

        self._on_card: Steps = self._spaces.GPU(steps, duration=_seconds_asked)


class LentSteps(Iterator[Any]):
    """The steps of a call on the card. Any thread may close them: where another waits for a step, it is the last."""

    def __init__(self, steps: Generator[Any, None, None]) -> None:
        self._steps = steps
        self._inside = threading.Lock()
        self._closed = False

    def __next__(self) -> Any:
        with self._inside:
            try:
                return next(self._steps)
            finally:
                if self._closed:
                    self._steps.close()

    def close(self) -> None:
        self._closed = True
        if self._inside.acquire(blocking=False):
            try:
                self._steps.close()
            finally:
                self._inside.release()


class OnLoan:
    """A backend whose generator methods run on the lent card; everything else of it is there as it is."""

    def __init__(self, card: LentCard, number: int, backend: Any) -> None:
        self._card = card
        self._number = number
        self._backend = backend

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._backend, name)
        return partial(self._card.steps, self._number, name) if _yields_steps(found) else found

    def close(self) -> None:
        self._card.forget(self._number)
        if hasattr(self._backend, "close"):
            self._backend.close()


@cache
def lent_card() -> LentCard:
    """The card of this Space. Ask for it before torch touches CUDA and before Gradio launches: `spaces` wants to be
    there first."""
    return LentCard()


def _yields_steps(found: Any) -> bool:
    if not inspect.ismethod(found):
        return False
    said = found.__func__.__annotations__.get("return")
    return inspect.isgeneratorfunction(found) or get_origin(said) in (Iterator, Generator)


def _seconds_asked(number: int, method: str, *arguments: Any, **keywords: Any) -> int:
    """`spaces.GPU` calls it with the arguments of the function, to know how long the card is needed."""
    return gpu_seconds(*arguments, *keywords.values())


def _in_plain_words(error: Exception) -> Exception:
    """What ZeroGPU says (as a `gradio.Error` with a title) in a sentence for students; other errors as they are."""
    if type(error).__name__ == "OutOfMemoryError":
        return OutOfMemoryError("This is too large for the graphics card; ask for a smaller picture or fewer of them.")
    title, message = getattr(error, "title", None) or "", str(getattr(error, "message", error))
    if not title.startswith("ZeroGPU"):
        return error
    if "quota" in message or "GPU limit" in message or "runs limit" in message or "too many" in message:
        when = message.partition("Try again in ")[2].partition(". ")[0].rstrip(". ")
        return BusyError(
            "Your share of this Space's graphics card is used up"
            + (f" for the next {when} (hours:minutes:seconds)" if when else " for now")
            + "; signing in to Hugging Face gives more, and a model that needs no graphics card still runs."
        )
    if "No GPU was available" in message:
        return BusyError("No graphics card came free within a minute; please try again.")
    if "larger than the maximum allowed" in message:
        return BusyError("This needs the graphics card for longer than the Space may lend it; please ask for less.")
    if message == "OutOfMemoryError":
        return OutOfMemoryError("This is too large for the graphics card; ask for a smaller picture or fewer of them.")
    if "aborted" in message:
        return BusyError(
            "The graphics card was taken back before the work was done; please ask for less, or try again."
        )
    return error
