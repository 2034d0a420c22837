"""A word-level Markov chain (Markov 1913, Shannon 1948): the next word is drawn from those that followed the same few
words in the text it has read. Learning is counting, so it learns from anybody's text while they wait.

Order n looks n words back. Where the text never goes on from those n words, the chain backs off: it looks n - 1 back,
then n - 2, down to none, and uses the first context that it has seen, with the relative frequencies there. So the
probabilities sum to 1, and at a high order most contexts were seen once: the chain recites.
"""

import lzma
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.devices import Device
from models.errors import BadInputError
from models.tasks import Candidate, TextRequest, Token
from models.token_sampling import Probabilities, draw, likeliest

MAX_ORDER = 5
MAX_LIVE_CHARACTERS = 200_000
"""A text of this length is learnt in well under a second; `from_text` itself takes any length."""
CORPUS = "learnt.txt.xz"

_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"  # kana and Chinese characters: each counts as a word
_LETTER = rf"[^\W{_UNSPACED}]"
_TOKEN = re.compile(rf"[ \n]?(?:[{_UNSPACED}]|{_LETTER}+(?:['\u2019-]{_LETTER}+)*|-{{2,}}|\.{{3}}|[^\w\s])")
_BEFORE_THE_TEXT, _UNKNOWN = -1, -2


@dataclass(frozen=True)
class MarkovToken(Token):
    """A word or a punctuation mark (with the white space before it), and the context it was drawn from."""

    order: int = 0
    """How many words back the chain could look here: fewer than its own order where it had to back off."""
    seen: int = 0
    """How often the text has that context."""
    continuations: int = 0
    """How many different tokens follow it there; with 1 the chain has no choice and copies."""


@dataclass(frozen=True)
class Copying:
    """How much of a generated text stands word for word in the text that the chain has learnt."""

    share: float
    """Of the runs of `length` tokens in the generated text, those that are copies: 0 to 1; 0 if it has none."""
    longest: int
    """Tokens in the longest copied run."""
    length: int


class MarkovChain:
    """A `LanguageModel` over the words of one text. `order` (1 to 5) is how many words it looks back.

    Contexts are compared without regard to case. A token's id is its place in the order of first appearance. Any number
    of threads may generate at once.
    """

    def __init__(self, text: "_LearntText", order: int) -> None:
        if not 1 <= order <= MAX_ORDER:
            raise BadInputError(f"The order must be 1 to {MAX_ORDER}.")
        if len(text.tokens) < order + 2:
            raise BadInputError(
                f"A chain of order {order} needs at least {order + 2} words to learn from and this text has "
                f"{len(text.tokens)}: please add some text or choose a lower order."
            )
        self.order = order
        self._text = text

    @classmethod
    def from_text(cls, text: str, order: int = 2) -> "MarkovChain":
        """Learns `text`, about a million characters in a second. Raises `BadInputError` for a text too short."""
        return cls(_LearntText(text), order)

    def of_order(self, order: int) -> "MarkovChain":
        """The same text at another order: nothing is learnt again. Raises `BadInputError` for a text too short."""
        return MarkovChain(self._text, order)

    @property
    def words(self) -> int:
        """Words and punctuation marks in the text it has learnt."""
        return len(self._text.tokens)

    @property
    def vocabulary(self) -> int:
        """How many of them are different."""
        return len(self._text.spellings)

    def generate(self, request: TextRequest) -> Iterator[MarkovToken]:
        """Yields each new token as it is drawn; never ends its text by itself. Words of the prompt that the text does
        not have are no context: what comes before them is not looked at.

        Raises `BadInputError` for foreign token ids.
        """
        text = self._text
        if any(id >= len(text.spellings) for id in request.forced):
            raise BadInputError("This model does not know these tokens; please start again from your text.")
        context = [*text.words_of(request.prompt), *(text.word_of_token[id] for id in request.forced)]
        generator = np.random.default_rng(request.seed)
        for _ in range(request.max_new_tokens):
            found = text.find(context[-self.order :])
            place = draw(found.probabilities, request, generator)
            token = self._token(found, place, request.alternatives)
            yield token
            context.append(text.word_of_token[token.id])

    def copying(self, tokens: Sequence[Token], length: int = 6) -> Copying:
        """How much of `tokens`, which this chain generated, is copied, looking at runs of `length` tokens."""
        runs = list(self._text.copied_runs([token.id for token in tokens]))
        copied = [run >= length for run in runs[length - 1 :]]
        return Copying(sum(copied) / len(copied) if copied else 0.0, max(runs, default=0), length)

    def _token(self, found: "_Continuations", place: int, count: int) -> MarkovToken:
        def candidate(place: int) -> Candidate:
            id = int(found.ids[place])
            return Candidate(id, self._text.spellings[id].encode(), float(found.probabilities[place]))

        chosen = candidate(place)
        return MarkovToken(
            chosen.id,
            chosen.raw,
            chosen.probability,
            alternatives=tuple(candidate(place) for place in likeliest(found.probabilities, count)),
            order=found.order,
            seen=found.seen,
            continuations=len(found.ids),
        )


def load(files: Path, device: Device) -> MarkovChain:
    """The chain of order 2 over the text in `files`; `of_order` gives the others."""
    return MarkovChain.from_text(lzma.decompress((files / CORPUS).read_bytes()).decode())


def tokenise(text: str) -> list[str]:
    """Words and punctuation marks, each with the white space before it, as if `text` began a paragraph: joined they are
    the text again, but for runs of spaces and empty lines, which shrink to one."""
    paragraphs = (" ".join(line.split()) for line in text.split("\n"))
    return _TOKEN.findall("".join("\n" + paragraph for paragraph in paragraphs if paragraph))


@dataclass(frozen=True)
class _Continuations:
    """The tokens that follow a context of `order` words, which the text has `seen` times."""

    ids: NDArray[np.int64]
    probabilities: Probabilities
    order: int
    seen: int


class _LearntText:
    """A text, and its places sorted by the words before them: the last word first, then the one before it, and so on.

    The places that follow a context then stand side by side, and those of a longer context among those of a shorter.
    """

    def __init__(self, text: str) -> None:
        ids: dict[str, int] = {}
        self.tokens = np.array([ids.setdefault(token, len(ids)) for token in tokenise(text)], np.int64)
        self.spellings = list(ids)
        self._words: dict[str, int] = {}
        self.word_of_token = [self._words.setdefault(_word(token), len(self._words)) for token in self.spellings]
        words = np.array(self.word_of_token, np.int32)[self.tokens]
        self._before = [_shifted(words, back) for back in range(1, MAX_ORDER + 1)]
        """For each distance back: the word that far before each place."""
        self._sorted = np.lexsort(self._before[::-1])
        self._by_token = np.argsort(self.tokens, kind="stable")
        self._first_by_token = np.searchsorted(self.tokens[self._by_token], np.arange(len(self.spellings) + 1))

    def words_of(self, text: str) -> list[int]:
        return [self._words.get(_word(token), _UNKNOWN) for token in tokenise(text)]

    def find(self, context: Sequence[int]) -> _Continuations:
        """What follows the longest end of `context` (ids of words) that the text goes on from."""
        low, high, order = 0, len(self._sorted), 0
        for before, word in zip(self._before, reversed(context), strict=False):
            start = bisect_left(self._sorted, word, low, high, key=before.__getitem__)
            end = bisect_right(self._sorted, word, start, high, key=before.__getitem__)
            if start == end:
                break
            low, high, order = start, end, order + 1
        ids, counts = np.unique(self.tokens[self._sorted[low:high]], return_counts=True)
        return _Continuations(ids, counts / counts.sum(), order, high - low)

    def copied_runs(self, ids: Sequence[int]) -> Iterator[int]:
        """For each token, the length of the longest run ending there that stands in the text."""
        # The run that ends just before each place of the text, and one entry more for its end.
        runs = np.zeros(len(self.tokens) + 1, np.int32)
        last = np.zeros(0, np.int64)
        for id in ids:
            places = self._by_token[self._first_by_token[id] : self._first_by_token[id + 1]]
            grown = runs[places] + 1
            runs[last + 1] = 0
            runs[places + 1] = grown
            last = places
            yield int(grown.max())


def _word(token: str) -> str:
    """A token as a context sees it: words without case and space; marks with a space if any white space is before them,
    which tells an opening quotation mark from a closing one."""
    bare = token.lstrip()
    return bare.casefold() if bare[0].isalnum() or bare == token else f" {bare}"


def _shifted(words: NDArray[np.int32], back: int) -> NDArray[np.int32]:
    return np.concatenate([np.full(min(back, len(words)), _BEFORE_THE_TEXT, np.int32), words[:-back]])
