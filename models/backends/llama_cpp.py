"""Language models in GGUF files on llama.cpp: the quick way on a CPU, with several students decoding at once.

llama.cpp holds one key-value cache per slot and advances every busy slot by one token in a single batch (continuous
batching, Yu et al. 2022, Orca). With SmolLM2's Q4_1 a slot computes the same bits alone and in company on the
processors we measured, so that a seed gives the same text in a full lecture hall as at home. With Qwen's K-quants it
does not: in company another rounding may tip a close draw.
"""

import atexit
import math
import secrets
import socket
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from weakref import WeakSet

from models.backends.slots import Slots
from models.devices import Device
from models.errors import BadInputError
from models.fill_in_middle import as_plain_text, looks_like_control
from models.tasks import Candidate, TextRequest, Token

SLOTS = 8
CONTEXT = 1024
"""Tokens of one text, prompt included."""
ALTERNATIVES = 10
# Prompts are read in portions of this many tokens: between two portions everybody else gets a token.
_PORTION = 128
# A character has at most four bytes, so at most three tokens that end inside it.
_UNFINISHED = 3

_Json = dict[str, Any]


def load(files: Path, device: Device) -> "LlamaCpp":
    """The model in the only GGUF file of `files`, on the CPU."""
    import xllamacpp

    (model,) = files.glob("*.gguf")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model)
    parameters.n_parallel = SLOTS + 1  # one to look into tokens that llama.cpp keeps to itself, see `_spell`
    parameters.n_ctx = CONTEXT * parameters.n_parallel
    parameters.n_batch = parameters.n_ubatch = _PORTION
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = device.threads
    parameters.n_gpu_layers = 0
    parameters.fit_params = False
    parameters.cache_ram_mib = 0  # else finished texts pile up in memory, up to 8 GB of them
    parameters.verbosity = 0
    parameters.ui = parameters.endpoint_slots = False
    # The library insists on an HTTP listener beside its Python interface. It gets a key that nobody knows and, where
    # there are Unix sockets, one that has lost its name: no port is open and nothing can connect.
    parameters.api_keys = [secrets.token_hex(16)]
    parameters.n_threads_http = 1
    with tempfile.TemporaryDirectory() as folder:
        if hasattr(socket, "AF_UNIX"):
            parameters.hostnames = [f"{folder}/llama.sock"]
        return LlamaCpp(xllamacpp.Server(parameters))


class LlamaCpp:
    """A `LanguageModel`. `SLOTS` texts grow at the same time; further requests wait in order of arrival."""

    def __init__(self, server: Any) -> None:
        self._engine = _Engine(server)
        self._slots = Slots(SLOTS)
        self._spelling = threading.Lock()
        self._writers: WeakSet[_Writer] = WeakSet()

    def generate(self, request: TextRequest) -> "TokenStream":
        """Yields each new token as it is decided.

        The stream's `close` may be called from any thread, also while it waits for a slot or a token; the slot is free
        again within one token. Raises `BadInputError` for a prompt longer than the context and for foreign token ids.
        """
        writer = _Writer(self._engine, request, self._spelling)
        self._writers.add(writer)
        return TokenStream(self._slots, writer)

    def prompt(self, request: TextRequest) -> list[str | int]:
        """What the model reads: texts in which llama.cpp finds no control token, and token ids."""
        return self._engine.as_prompt(request)

    def close(self) -> None:
        """Ends every stream and frees the memory."""
        for writer in list(self._writers):
            writer.stopped.set()
        # A thread that is still inside llama.cpp when Python exits takes the whole process down with it.
        self._slots.wait_until_empty()
        self._engine.let_go()


class _Engine:
    """The one owner of llama.cpp's server: requests, the last of which a reader may hold on to, only refer to it."""

    def __init__(self, server: Any) -> None:
        self.server = server
        _ENGINES.add(self)

    def let_go(self) -> None:
        self.server = None

    def as_prompt(self, request: TextRequest) -> list[str | int]:
        """What the model shall read, in pieces in which llama.cpp finds no control token but those given as an id."""
        pieces: list[str | int] = []
        for piece in request.pieces:
            if isinstance(piece, str) and looks_like_control(piece):
                pieces += as_plain_text(piece, self._less_than)
            else:
                pieces.append(piece)
        return pieces

    @cached_property
    def _less_than(self) -> int:
        """The id of the token "<"."""
        question = {"prompt": ["a"], "max_tokens": 1, "temperature": 0.0, "n_probs": 1, "logit_bias": [["<", 1000]]}
        answer = self.server.handle_completions(question)
        return int(answer["choices"][0]["logprobs"]["content"][0]["id"])


_ENGINES: WeakSet[_Engine] = WeakSet()


@atexit.register
def _let_go_of_all() -> None:
    # Torn down later, with the interpreter, a running llama.cpp aborts the whole process.
    for engine in list(_ENGINES):
        engine.let_go()


class TokenStream(Iterator[Token]):
    """The tokens of one request. Work begins with the first `next` and stops when the stream is closed or forgotten."""

    def __init__(self, slots: Slots, writer: "_Writer") -> None:
        self._slots = slots
        self._writer = writer
        self._started = False

    def __next__(self) -> Token:
        if not self._started:
            self._started = True
            if self._slots.enter(self._writer.stopped):
                threading.Thread(target=_write_and_leave, args=(self._writer, self._slots), daemon=False).start()
        if self._writer.stopped.is_set():
            raise StopIteration
        item = self._writer.written.get()
        if isinstance(item, Token):
            return item
        self.close()
        if item is not None:
            raise item
        raise StopIteration

    def close(self) -> None:
        """Stops the writing. Harmless when it has ended already."""
        self._writer.stopped.set()
        self._writer.written.put(None)
        self._slots.look_again()

    __del__ = close


def _write_and_leave(writer: "_Writer", slots: Slots) -> None:
    try:
        writer.run()
    finally:
        slots.leave()


class _Writer:
    """One request inside llama.cpp: puts tokens into `written`, at last None; an exception there is for the reader."""

    def __init__(self, engine: _Engine, request: TextRequest, spelling: threading.Lock) -> None:
        self.written: SimpleQueue[Token | Exception | None] = SimpleQueue()
        self.stopped = threading.Event()
        self._engine = engine
        self._request = request
        self._spelling = spelling
        self._prompt: list[str | int] = []
        self._decided: list[Token] = []
        self._passed_on = 0

    def run(self) -> None:
        """Returns when the text has ended or, within one token, when `stopped` is set."""
        request = self._request
        self._prompt = self._engine.as_prompt(request)
        question = {
            "prompt": self._prompt,
            "stream": True,
            "max_tokens": request.max_new_tokens + _UNFINISHED,
            "temperature": 0.0 if request.greedy else request.temperature,
            "top_k": request.top_k,
            "top_p": request.top_p,
            "min_p": 0.0,
            "samplers": ["temperature", "top_k", "top_p"],
            "cache_prompt": False,  # a prefix read earlier, in other company, may round otherwise
            "seed": request.seed % 0xFFFFFFFF,  # that very number asks for a random seed
            "n_probs": request.alternatives,
            "timings_per_token": True,
            "return_progress": True,
        }
        try:
            self._engine.server.handle_completions(question, self._read)
        except Exception as error:  # noqa: BLE001 - it is the reader's
            self.written.put(error)
        finally:
            self.written.put(None)

    def _read(self, chunk: _Json) -> bool:
        """llama.cpp calls this with every chunk and stops when it gives True."""
        # Python's exit waits for this thread: a daemon thread would be torn out of llama.cpp, which aborts the process.
        if self.stopped.is_set() or not threading.main_thread().is_alive():
            return True
        try:
            if "error" in chunk:
                raise _error(chunk["error"])
            if not chunk["choices"][0]["logprobs"]:  # the prompt has progressed, or the text has ended
                return False
            self._take(chunk["choices"][0]["logprobs"]["content"][0], chunk["timings"]["predicted_n"])
            return self._passed_on >= self._request.max_new_tokens
        except Exception as error:  # noqa: BLE001 - must not pass through llama.cpp
            self.written.put(error)
            return True

    def _take(self, entry: _Json, decided: int) -> None:
        # Tokens that end inside a character get no chunk of their own; only the count of tokens gives them away.
        new = decided - len(self._decided)
        self._decided += [_token(entry)] if new == 1 else self._spell(entry, new)
        # The token that ends a text has no bytes; another token that has none shows by being followed by more.
        if self._decided[-1].raw:
            for token in self._decided[self._passed_on : self._request.max_new_tokens]:
                self.written.put(token)
            self._passed_on = len(self._decided)

    def _spell(self, entry: _Json, count: int) -> list[Token]:
        """The `count` tokens, of which `entry` is the last, that spell the bytes of `entry` together."""
        last = _token(entry)
        prefix = self._prompt + [token.id for token in self._decided]
        # Among the alternatives a token stands with its own bytes alone; that spares asking for it again.
        own = next((other.raw for other in last.alternatives if other.id == last.id), None)
        with self._spelling:
            for width in (100, 10_000, 1_000_000):  # the later, the slower and the more rarely needed
                if own is None:
                    tokens = _spell(self._engine.server, prefix, last.raw, count, width)
                    if tokens and tokens[-1].id == last.id:
                        return tokens
                elif tokens := _spell(self._engine.server, prefix, last.raw[: -len(own)], count - 1, width):
                    return [*tokens, replace(last, raw=own)]
        raise RuntimeError(f"no {count} tokens spell {last.raw!r}")


def _spell(server: Any, prefix: list[str | int], text: bytes, count: int, width: int) -> list[Token]:
    """The likeliest way to spell `text` after `prefix` in `count` tokens; empty if there is none.

    Each token must be among the `width` likeliest at its place.
    """
    candidates = _likeliest(server, prefix, width)
    for candidate in candidates:
        token = Token(candidate.id, candidate.raw, candidate.probability, candidates[:ALTERNATIVES])
        if count == 1 and token.raw == text:
            return [token]
        if count > 1 and token.raw and text.startswith(token.raw) and token.raw != text:
            rest = _spell(server, [*prefix, token.id], text[len(token.raw) :], count - 1, width)
            if rest:
                return [token, *rest]
    return []


def _likeliest(server: Any, prefix: list[str | int], width: int) -> tuple[Candidate, ...]:
    """The `width` likeliest tokens after `prefix`."""
    # llama.cpp keeps its probabilities to itself if it says part of a character, so it is made to say "a". The bias has
    # no part in the probabilities that it reports.
    question = {"prompt": prefix, "max_tokens": 1, "temperature": 0.0, "n_probs": width, "logit_bias": [["a", 1000]]}
    answer = server.handle_completions(question)
    if "error" in answer:
        raise _error(answer["error"])
    return _token(answer["choices"][0]["logprobs"]["content"][0]).alternatives


def _token(entry: _Json) -> Token:
    others = tuple(Candidate(*_fields(other)) for other in entry["top_logprobs"])
    return Token(*_fields(entry), alternatives=others)


def _fields(entry: _Json) -> tuple[int, bytes, float]:
    return entry["id"], bytes(entry["bytes"]), math.exp(entry["logprob"])


def _error(error: _Json) -> Exception:
    if error["type"] == "exceed_context_size_error":
        return BadInputError(
            f"This text is too long: it has {error['n_prompt_tokens']:,} tokens and the model reads at most "
            f"{error['n_ctx']:,}; please shorten it."
        )
    if error["code"] == 400:
        return BadInputError("This model does not know these tokens; please start again from your text.")
    return RuntimeError(error["message"])
