"""Listening to `generate` of transformers, which returns only when it is done."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from transformers import StoppingCriteria


class EachToken(StoppingCriteria):
    """Calls `heard` with the texts so far [texts, tokens] after each token; of beam search, the best beam comes first.

    It stops nothing by itself; what `heard` raises ends the whole work.
    """

    def __init__(self, heard: Callable[[Tensor], None]) -> None:
        self._heard = heard

    def __call__(self, input_ids: Any, scores: Any, **others: Any) -> Any:
        self._heard(input_ids)
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)
