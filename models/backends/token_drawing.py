"""Drawing the next token of several texts at once."""

from collections.abc import Sequence

import torch
from torch import Tensor

from models.tasks import TextRequest


def draw(logits: Tensor, requests: Sequence[TextRequest], chances: Sequence[float]) -> Tensor:
    """One token id for each row of `logits` (texts, vocabulary size; float32), as its request says: temperature first,
    then top-k (Fan et al. 2018), then top-p (Holtzman et al. 2020, nucleus sampling), which keeps the likeliest tokens
    up to the one that reaches p.

    `chances`, in [0, 1), say where in the distribution each draw falls: the same chance and logits give the same token,
    whatever the other rows hold.
    """
    size = logits.shape[-1]
    # A cold draw is one among the single likeliest token.
    top_k = [1 if request.greedy else min(request.top_k or size, size) for request in requests]
    temperatures = logits.new_tensor([[1.0 if request.greedy else request.temperature] for request in requests])
    likeliest, ids = (logits / temperatures).topk(max(top_k))
    ranks = torch.arange(max(top_k), device=logits.device)
    beyond = ranks >= torch.tensor(top_k, device=logits.device)[:, None]
    probabilities = likeliest.masked_fill(beyond, -torch.inf).softmax(-1)
    before = probabilities.cumsum(-1) - probabilities
    left_out = before >= logits.new_tensor([[request.top_p] for request in requests])
    left_out[:, 0] = False  # also where rounding leaves nothing
    shares = probabilities.masked_fill(left_out, 0.0).cumsum(-1)
    falls = logits.new_tensor(chances)[:, None] * shares[:, -1:]
    # Behind the last token with a share of its own nothing may be drawn, even if the product was rounded up.
    last = (shares < shares[:, -1:]).sum(-1, keepdim=True)
    places = (shares <= falls).sum(-1, keepdim=True).minimum(last)
    return ids.gather(-1, places)[:, 0]
