"""Drawing from a distribution in numpy: temperature, top-k and top-p, for the models that need no torch."""

import numpy as np
from numpy.typing import NDArray

from models.tasks import TextRequest

Probabilities = NDArray[np.float64]


def draw(probabilities: Probabilities, request: TextRequest, generator: np.random.Generator) -> int:
    """An index into `probabilities` (any length, sum 1): temperature first, then top-k (Fan et al. 2018), then top-p
    (Holtzman et al. 2020), which keeps the likeliest up to the one that reaches p. Ties go to the lower index."""
    return int(generator.choice(len(probabilities), p=reshaped(probabilities, request)))


def reshaped(probabilities: Probabilities, request: TextRequest) -> Probabilities:
    """The distribution that `draw` draws from: as long as `probabilities`, 0 for what cannot be drawn, sum 1."""
    drawn = np.zeros(len(probabilities))
    if request.greedy:
        drawn[probabilities.argmax()] = 1
        return drawn
    order = np.argsort(-probabilities, kind="stable")[: request.top_k or None]
    with np.errstate(divide="ignore"):
        logits = np.log(probabilities[order]) / request.temperature
    tempered = np.exp(logits - logits[0])
    tempered /= tempered.sum()
    kept = np.cumsum(tempered) - tempered < request.top_p
    kept[0] = True  # also where rounding leaves nothing
    tempered *= kept
    drawn[order] = tempered / tempered.sum()
    return drawn


def likeliest(probabilities: Probabilities, count: int) -> list[int]:
    """The indices of the `count` likeliest, most probable first; what cannot be said is left out."""
    order = np.argsort(-probabilities, kind="stable")[:count]
    return [int(index) for index in order if probabilities[index] > 0]
