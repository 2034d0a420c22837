"""A character LSTM (Hochreiter and Schmidhuber 1997; as a writer of text: Graves 2013, Karpathy 2015), trained by
`models.training.character_lstm` in torch and run here in numpy.

A step is one product of a matrix of 2,048 x 512 numbers, so small that torch would take longer to prepare it than to
compute it. On one core it takes 0.1 ms, and students do not wait for each other's threads.
"""

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from models.devices import Device
from models.errors import BadInputError
from models.tasks import Candidate, TextRequest, Token
from models.token_sampling import Probabilities, draw, likeliest

MOST_UNKNOWN = 0.2
"""The share of a prompt that may be skipped because the novels never used such characters ("+", "@")."""
WEIGHTS = "character_lstm.safetensors"

# Typographic quotation marks and dashes: what word processors put for the plain ones of the novels.
_PLAIN = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2013": "-",
        "\u2014": "--",
    }
)

Vector = NDArray[np.float32]


class State(NamedTuple):
    """All that the network remembers of the text so far: what it shows and what it keeps, each [hidden]."""

    hidden: Vector
    cell: Vector


def load(files: Path, device: Device) -> "CharacterLSTM":
    """The writer in `files`. A graphics card would only wait for its steps: it always runs on the CPU."""
    with safe_open(files / WEIGHTS, "np") as file:
        weights = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118
        return CharacterLSTM(file.metadata()["alphabet"], weights)


class CharacterLSTM:
    """A `LanguageModel` whose tokens are single characters; the id of a token is its place in `alphabet`.

    Any number of threads may generate at once: each request has its own state, and all only read the weights.
    """

    def __init__(self, alphabet: str, weights: dict[str, Vector]) -> None:
        """`weights` in torch's names: `embedding.weight`, `lstm.weight_ih_l0`, ..., `output.bias`."""
        self.alphabet = alphabet
        self._id = {character: id for id, character in enumerate(alphabet)}
        # What each character adds to the gates is always the same: [alphabet, 4 x hidden].
        self._read_in: NDArray[np.float32] = (
            weights["embedding.weight"] @ weights["lstm.weight_ih_l0"].T
            + weights["lstm.bias_ih_l0"]
            + weights["lstm.bias_hh_l0"]
        )
        self._recurrent = weights["lstm.weight_hh_l0"]
        self._output, self._output_bias = weights["output.weight"], weights["output.bias"]

    def generate(self, request: TextRequest) -> Iterator[Token]:
        """Yields each new character as it is drawn; never ends its text by itself.

        Of the prompt, accents and typographic marks are read as their plain likes, and other characters outside
        `alphabet` are skipped. Raises `BadInputError` if those are many, and for foreign token ids.
        """
        if any(token >= len(self.alphabet) for token in request.forced):
            raise BadInputError("This model does not know these tokens; please start again from your text.")
        state = self._start()
        for id in (*self._ids(request.prompt), *request.forced):
            state = self._read(state, id)
        generator = np.random.default_rng(request.seed)
        for _ in range(request.max_new_tokens):
            probabilities = self._next(state)
            token = self._token(probabilities, draw(probabilities, request, generator), request.alternatives)
            yield token
            state = self._read(state, token.id)

    def bits_per_character(self, text: str) -> float:
        """How surprised the model is by the characters of `text`, on average, in bits."""
        state, bits = self._start(), []
        for id in self._ids(text):
            bits.append(-np.log2(self._next(state)[id]))
            state = self._read(state, id)
        return float(np.mean(bits))

    def _ids(self, text: str) -> list[int]:
        plain = unicodedata.normalize("NFKD", text.translate(_PLAIN))
        plain = "".join(character for character in plain if not unicodedata.combining(character))
        known = [self._id[character] for character in plain if character in self._id]
        if len(known) < (1 - MOST_UNKNOWN) * len(plain):
            unknown = next(character for character in plain if character not in self._id)
            raise BadInputError(
                f"This model learnt its letters from Jane Austen's novels and has never seen {unknown!r}: "
                "please write in English."
            )
        return known

    def _start(self) -> State:
        nothing = np.zeros(self._recurrent.shape[1], np.float32)
        # The novels come a paragraph a line, so a line end is where a text begins.
        return self._read(State(nothing, nothing), self._id["\n"])

    def _read(self, state: State, id: int) -> State:
        """The state after one more character."""
        # A dot product for each row: as quick as a product of matrices, and it never spreads over threads.
        gates = self._read_in[id] + np.vecdot(self._recurrent, state.hidden)
        keep_new, keep_old, new, show = np.split(gates, 4)
        cell = _sigmoid(keep_old) * state.cell + _sigmoid(keep_new) * np.tanh(new)
        return State(_sigmoid(show) * np.tanh(cell), cell)

    def _next(self, state: State) -> Probabilities:
        """The probability of each character of the alphabet to come next: [alphabet], float64."""
        logits = (np.vecdot(self._output, state.hidden) + self._output_bias).astype(np.float64)
        shares = np.exp(logits - logits.max())
        return np.asarray(shares / shares.sum())

    def _token(self, probabilities: Probabilities, choice: int, count: int) -> Token:
        def candidate(id: int) -> Candidate:
            return Candidate(id, self.alphabet[id].encode(), float(probabilities[id]))

        chosen = candidate(choice)
        return Token(
            chosen.id,
            chosen.raw,
            chosen.probability,
            alternatives=tuple(candidate(id) for id in likeliest(probabilities, count)),
        )


def _sigmoid(values: Vector) -> Vector:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * values)))
