"""Continuous batching (Yu et al. 2022, Orca): texts of several people grow together, one token each in every pass.

Whoever comes joins at the next token, whoever is done or leaves makes room. A graphics card reads all weights for each
token, so sixteen texts take hardly longer than one. transformers has an engine of this kind, but it knows neither a
seed for each request nor the other tokens that a text could have had, which the tabs are about.
"""

import threading
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

import torch
from torch import Tensor

from models.backends.slot_cache import SlotCache
from models.backends.token_drawing import draw
from models.devices import release_unused_memory
from models.errors import OutOfMemoryError
from models.tasks import TextRequest

_PORTION = 256
"""Tokens of a prompt read in one pass: between two portions everybody else gets a token."""


@dataclass(frozen=True)
class Drawn:
    """A token that was drawn, with its own probability, and the likeliest tokens at its place with theirs."""

    id: int
    probability: float
    likeliest: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class _End:
    """Nothing more will be said, because of an error or because all has been."""

    error: BaseException | None = None


@dataclass(eq=False)
class _Text:
    """A text that grows: `ids` are its tokens, of which the network has read the first `read`."""

    request: TextRequest
    ids: list[int]
    chances: torch.Generator
    read: int = 0
    made: int = 0
    left: bool = False
    said: SimpleQueue[Drawn | _End] = field(default_factory=SimpleQueue)

    @property
    def unread(self) -> list[int]:
        return self.ids[self.read :]


class TextStream(Iterator[Drawn]):
    """The tokens of one text as they are drawn. Any thread may `close` it; the others go on without it."""

    def __init__(self, text: _Text) -> None:
        self._text = text

    def __next__(self) -> Drawn:
        said = self._text.said.get()
        if isinstance(said, Drawn):
            return said
        self._text.said.put(_End())  # for whoever asks again
        if said.error is not None:
            raise said.error
        raise StopIteration

    def close(self) -> None:
        """Gives the place back within one token."""
        self._text.left = True
        self._text.said.put(_End())

    def __del__(self) -> None:
        self.close()


class ContinuousBatching:
    """Lets up to `slots` texts grow at once; further ones wait in order of arrival. `ends` are tokens that end a text.

    `network` is a decoder of transformers that has its attention masked from outside ("sdpa"). Where memory runs out,
    it unloads idle models through `make_room`, then halves the slots and reads their texts again.
    """

    def __init__(self, network: Any, *, slots: int, context: int, ends: Set[int]) -> None:
        self.make_room: Callable[[], None] = lambda: None
        self.slots = slots
        self.context = context
        self._network = network
        self._ends = ends
        self._waiting: list[_Text] = []
        self._growing: dict[int, _Text] = {}
        self._cache: SlotCache | None = None
        self._room_was_made = False
        self._working = False
        self._lock = threading.Lock()

    def write(self, ids: list[int], request: TextRequest) -> TextStream:
        """Continues the text `ids`, of which there are 1 to `context` - 1, as `request` says."""
        text = _Text(request, list(ids), torch.Generator().manual_seed(request.seed % 2**32))
        with self._lock:
            self._waiting.append(text)
            if not self._working:
                # Not kept for good: a process that is forked from this one would have to do without it.
                self._working = True
                threading.Thread(target=self._work, name="texts", daemon=True).start()
        return TextStream(text)

    def _work(self) -> None:
        while self._seated():
            short_of_memory = False
            try:
                self._pass()
            except torch.OutOfMemoryError:
                # What follows waits until this block is left: the exception holds the tensors of the attempt.
                short_of_memory = True
            except BaseException as error:  # noqa: BLE001 - it is for those who wait
                self._end_all(error)
            if short_of_memory:
                self._spare_memory()

    def _seated(self) -> bool:
        """Lets go of who has left, gives free slots to who waits longest, and says whether there is anything to do."""
        with self._lock:
            self._growing = {slot: text for slot, text in self._growing.items() if not text.left}
            self._waiting = [text for text in self._waiting if not text.left]
            for slot in range(self.slots):  # the lowest first: a pass reads them all up to the last one taken
                if slot not in self._growing and self._waiting:
                    self._growing[slot] = self._waiting.pop(0)
            self._working = bool(self._growing)
            return self._working

    def _pass(self) -> None:
        """One portion of one prompt, if there is any to be read, and one token for every text that has been read."""
        long = next((slot for slot, text in self._growing.items() if len(text.unread) > 1), None)
        if long is not None:
            text = self._growing[long]
            portion = text.unread[:_PORTION]
            logits = self._read(long, [portion], [text.read])
            text.read += len(portion)
            if not text.unread:
                self._say({0: text}, logits)
        ready = {slot: text for slot, text in self._growing.items() if len(text.unread) == 1}
        if ready:
            rows = range(max(ready) + 1)
            # A slot that has no part in this pass is given a token behind its text, where the next one goes anyway.
            ids = [ready[row].unread if row in ready else [0] for row in rows]
            read = [self._growing[row].read if row in self._growing else 0 for row in rows]
            logits = self._read(0, ids, read)
            for text in ready.values():
                text.read += 1
            self._say(ready, logits)

    @torch.inference_mode()
    def _read(self, first: int, ids: list[list[int]], read: list[int]) -> Tensor:
        """Logits (texts, vocabulary size; float32) of what follows the new tokens `ids` of the slots from `first` on,
        each of which has `read` tokens already."""
        if self._cache is None:
            self._cache = SlotCache(self.slots, self.context)
        device = self._network.device
        tokens = torch.tensor(ids, device=device)
        positions = torch.tensor(read, device=device)[:, None] + torch.arange(tokens.shape[1], device=device)
        mask = self._cache.begin(first, positions, length=max(read) + tokens.shape[1])
        answer = self._network(
            input_ids=tokens,
            position_ids=positions,
            attention_mask=mask,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: Tensor = answer.logits[:, -1].float()
        return logits

    @torch.inference_mode()
    def _say(self, texts: dict[int, _Text], logits: Tensor) -> None:
        """Draws the next token of each text from the row of `logits` at its key."""
        own = logits[list(texts)]
        requests = [text.request for text in texts.values()]
        chances = [float(torch.rand((), generator=text.chances)) for text in texts.values()]
        chosen = draw(own, requests, chances)
        probabilities = own.softmax(-1)
        their = probabilities.gather(-1, chosen[:, None])[:, 0].tolist()
        most = max(request.alternatives for request in requests)
        likeliest = probabilities.topk(min(most, probabilities.shape[-1]))
        rows = zip(chosen.tolist(), their, likeliest.indices.tolist(), likeliest.values.tolist(), strict=True)
        for text, (id, probability, other_ids, others) in zip(texts.values(), rows, strict=True):
            if id in self._ends:
                self._end(text)
                continue
            text.ids.append(id)
            text.made += 1
            alternatives = tuple(zip(other_ids, others, strict=True))[: text.request.alternatives]
            text.said.put(Drawn(id, probability, alternatives))
            if text.made == text.request.max_new_tokens or len(text.ids) == self.context:
                self._end(text)

    def _end(self, text: _Text, error: BaseException | None = None) -> None:
        text.left = True
        text.said.put(_End(error))

    def _end_all(self, error: BaseException) -> None:
        with self._lock:
            everybody = [*self._growing.values(), *self._waiting]
        for text in everybody:
            self._end(text, error)

    def _spare_memory(self) -> None:
        """Frees the cache and makes it smaller, unless idle models can go instead; the texts are read again."""
        self._cache = None
        if self._room_was_made and self.slots == 1:
            self._end_all(OutOfMemoryError("This text is too long for the memory that is left; please shorten it."))
        elif self._room_was_made:
            self.slots //= 2
        else:
            self._room_was_made = True
            self.make_room()
        with self._lock:
            for text in self._growing.values():
                text.read = 0
            self._waiting = [*self._growing.values(), *self._waiting]
            self._growing = {}
        release_unused_memory()
