"""Character n-grams, to compare with: what counting alone can foresee."""

import numpy as np
from numpy.typing import NDArray


def bits_per_character(learnt: str, held_out: str, order: int) -> float:
    """Bits per character of `held_out` under the n-gram model that sees `order` characters back and has counted
    `learnt`.

    Smoothed as Witten and Bell 1991 do, interpolated down to the even distribution over the alphabet of `learnt`:
    p(c | h) = (count(hc) + distinct(h) p(c | shorter h)) / (count(h) + distinct(h)).
    """
    alphabet = sorted(set(learnt))
    before, after = _ids(learnt, alphabet), _ids(held_out, alphabet)
    size = len(alphabet)
    probability = np.full(len(after) - order, 1 / size)
    for length in range(order + 1):
        grams, counts = np.unique(_grams(before, length + 1, size), return_counts=True)
        contexts, first = np.unique(grams // size, return_index=True)
        totals, distinct = np.add.reduceat(counts, first), np.diff(np.append(first, len(grams)))
        asked = _grams(after[order - length :], length + 1, size)
        count, total, kinds = (
            _looked_up(asked, grams, counts),
            _looked_up(asked // size, contexts, totals),
            _looked_up(asked // size, contexts, distinct),
        )
        seen = total > 0
        probability[seen] = ((count + kinds * probability) / np.maximum(total + kinds, 1))[seen]
    return float(-np.log2(probability).mean())


def _ids(text: str, alphabet: list[str]) -> NDArray[np.int64]:
    place = {character: id for id, character in enumerate(alphabet)}
    return np.array([place[character] for character in text if character in place])


def _grams(ids: NDArray[np.int64], length: int, size: int) -> NDArray[np.int64]:
    """Every run of `length` ids as one number in base `size`."""
    runs = np.lib.stride_tricks.sliding_window_view(ids, length)
    return np.asarray(runs @ (np.int64(size) ** np.arange(length - 1, -1, -1)))


def _looked_up(keys: NDArray[np.int64], known: NDArray[np.int64], values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The value of each key; 0 for keys that are not `known`."""
    place = np.searchsorted(known, keys).clip(max=len(known) - 1)
    return np.where(known[place] == keys, values[place], 0)
