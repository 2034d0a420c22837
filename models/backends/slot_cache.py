"""The key-value cache of several texts of different length, each in a slot of its own."""

from typing import Any

import torch
from torch import Tensor
from transformers import Cache


class SlotCache(Cache):
    """Keys and values of up to `slots` texts of up to `context` tokens, allocated once, when they are first needed.

    transformers' own caches hold a batch whose texts begin and grow together. Here a pass over the network reads new
    tokens of some neighbouring slots, each at its own positions; `begin` says which. Slots need no clearing: what an
    earlier text has left lies behind the mask until it is written over.
    """

    def __init__(self, slots: int, context: int) -> None:
        super().__init__(layers=[])
        self.slots = slots
        self.context = context
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}

    def begin(self, first: int, positions: Tensor, length: int) -> Tensor:
        """Announces a pass over the slots from `first` on, whose new tokens stand at `positions` (texts, new tokens);
        all of them below `length`.

        Returns which of the tokens so far each new one may look at: (texts, 1, new tokens, tokens so far), boolean.
        """
        self._rows = torch.arange(first, first + len(positions), device=positions.device)[:, None]
        self._slice = slice(first, first + len(positions))
        self._positions = positions
        self._length = length
        so_far = torch.arange(self._length, device=positions.device)
        return so_far <= positions[:, None, :, None]

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Keeps the keys and values (texts, heads, new tokens, head size) of the pass; returns those so far."""
        if layer_idx not in self._kept:
            _, heads, _, size = key_states.shape
            # Zeros: what the mask hides is multiplied by zero all the same, and must be a number.
            shape = (self.slots, heads, self.context, size)
            self._kept[layer_idx] = (key_states.new_zeros(shape), value_states.new_zeros(shape))
        keys, values = self._kept[layer_idx]
        keys[self._rows, :, self._positions] = key_states.transpose(1, 2)
        values[self._rows, :, self._positions] = value_states.transpose(1, 2)
        return keys[self._slice, :, : self._length], values[self._slice, :, : self._length]


def bytes_of_a_token(config: Any, element_size: int) -> int:
    """What the cache of a decoder with this configuration holds for each token, in numbers of `element_size` bytes."""
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    head_size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return int(2 * config.num_hidden_layers * heads * head_size * element_size)
