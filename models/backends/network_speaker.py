"""Speakers that are networks of transformers: each sentence is one run, watched, seeded and kept within memory."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.backends.seeded_draws import SeededDraws
from models.backends.watched import watched
from models.devices import release_unused_memory
from models.errors import ModelError, OutOfMemoryError
from models.speakers import Delivery
from models.tasks import Progress, SpeechRequest, SpokenSentence

Tell = Callable[[Progress], None]


class NetworkSpeaker(ABC):
    """A `Speaker`. `make_room` is set by the registry: it unloads idle models."""

    sample_rate: int
    delivery: Delivery

    def __init__(self) -> None:
        self.make_room: Callable[[], None] = lambda: None

    @property
    def voices(self) -> tuple[str, ...]:
        return tuple(self.delivery.voices)

    def speak(self, request: SpeechRequest) -> Iterator[Progress | SpokenSentence]:
        """Yields each sentence as soon as its sound is ready, and `Progress` in between where there are steps to tell.

        Every sentence draws from the seed anew. Raises `BadInputError` for a voice, a speed or a seed that the model
        does not have and for text that it cannot read, `OutOfMemoryError`, and `ModelError` for a sound that is none.
        """
        self.delivery.check(request)
        for text, phonemes in self._read(request.text):
            samples = yield from self._within_memory(text, phonemes, request)
            yield SpokenSentence(text, phonemes, samples)

    @abstractmethod
    def _read(self, text: str) -> Iterator[tuple[str, str]]:
        """(text, phonemes) of each piece to be spoken at once; no phonemes where the network reads letters. Raises
        `BadInputError` if there is none."""

    @abstractmethod
    def _sound(self, text: str, phonemes: str, request: SpeechRequest, tell: Tell) -> Tensor:
        """The samples of one piece, [samples]. Whatever is random is drawn by torch from a seeded generator."""

    def _within_memory(
        self, text: str, phonemes: str, request: SpeechRequest
    ) -> Generator[Progress, None, NDArray[np.float32]]:
        """Where memory runs out, it unloads idle models and tries once more."""

        def work(tell: Tell) -> NDArray[np.float32]:
            with torch.inference_mode(), SeededDraws(request.seed):
                return playable(self._sound(text, phonemes, request, tell))

        for last in (False, True):
            try:
                return (yield from watched(work))
            except torch.OutOfMemoryError:
                if last:
                    break
            # Only here: inside `except`, the exception holds the tensors of the attempt.
            self.make_room()
            release_unused_memory()
        raise OutOfMemoryError("This sentence is too long for the memory that is left; please write shorter ones.")


def playable(samples: Tensor) -> NDArray[np.float32]:
    """`samples` in float32, turned down as a whole if they would clip. Raises `ModelError` for NaN and no sound at
    all."""
    sound = samples.float().cpu().numpy().reshape(-1)
    if not sound.size or not np.isfinite(sound).all():
        raise ModelError("The model made no sound of this; please try another seed or other words.")
    louder = max(1.0, float(np.abs(sound).max()))
    return (sound / np.float32(louder)).astype(np.float32)
