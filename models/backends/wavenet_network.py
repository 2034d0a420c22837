"""WaveNet (van den Oord et al. 2016, arXiv:1609.03499): p(x_t | x_1 ... x_{t-1}) by dilated causal convolutions.

Each sample is one of 256 mu-law values. A block looks at two moments of the block below it, `dilation` samples apart;
dilations double from block to block, so what is seen of the past doubles with each. Every block also speaks directly to
the output (the skip connections), and in training some examples hear only the lowest blocks: so the network works at
any depth, and a shallower one has exactly the shorter receptive field. A mel spectrogram can tell it what to say; one
example in four is trained without, so that one network babbles and speaks.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.wavenet import BANDS, DILATIONS, HOP, LEVELS, SILENT_LEVEL

CHANNELS = 64
SKIP_CHANNELS = 128
CONDITION_CHANNELS = 96


class WaveNet(nn.Module):
    """Predicts each sample from those before it, in one pass over known sound.

    Blocks are kept as stacks of matrices, one row a block, because sampling multiplies with them directly.
    """

    def __init__(
        self,
        dilations: Sequence[int] = DILATIONS,
        channels: int = CHANNELS,
        skip_channels: int = SKIP_CHANNELS,
        condition_channels: int = CONDITION_CHANNELS,
    ) -> None:
        super().__init__()
        self.dilations = tuple(dilations)
        self.channels = channels
        blocks, gates = len(self.dilations), 2 * channels

        def matrices(rows: int, columns: int, scale: float = 1.0) -> nn.Parameter:
            return nn.Parameter(torch.randn(blocks, rows, columns) * (scale / math.sqrt(rows)))

        # Neighbouring values begin with like vectors, and like probabilities: an order that else had to be learnt.
        waves = _cosines(channels)
        self.embedding = nn.Parameter(waves / waves.std())
        self.past = matrices(channels, gates, 0.7)
        self.present = matrices(channels, gates, 0.7)
        self.bias = nn.Parameter(torch.zeros(blocks, gates))
        self.residual = matrices(channels, channels, 0.5)
        self.skip = matrices(channels, skip_channels, 0.5)
        self.depth_bias = nn.Parameter(torch.zeros(blocks, skip_channels))
        self.head = nn.Linear(skip_channels, skip_channels)
        self.output = nn.Linear(skip_channels, LEVELS)
        with torch.no_grad():
            self.output.weight.copy_(_cosines(skip_channels) / 4)
        self.look_around = nn.Conv1d(BANDS, condition_channels, 3, padding=1)
        self.look_further = nn.Conv1d(condition_channels, condition_channels, 3, padding=1)
        self.no_condition = nn.Parameter(torch.zeros(condition_channels))
        self.steer = nn.Linear(condition_channels, blocks * gates, bias=False)

    def forward(self, levels: Tensor, mel: Tensor | None, depth: Tensor, conditioned: Tensor | None = None) -> Tensor:
        """Logits [B, T, 256] for every sample of `levels` (int64 [B, T], T a multiple of 80).

        `mel` is [B, T / 80, 64] or None, `conditioned` (bool [B]) picks the examples that may see it (default: all),
        `depth` (int64 [B]) is the number of blocks, from the first, that each example is heard through.
        """
        heard = torch.arange(len(self.dilations), device=levels.device) < depth[:, None]
        opened = self.opened(levels, mel, conditioned) * heard.repeat_interleave(self.channels, 1)[:, None]
        return self.read(opened @ self.skip.flatten(0, 1) + self.depth_bias[depth - 1][:, None])

    def opened(self, levels: Tensor, mel: Tensor | None, conditioned: Tensor | None = None) -> Tensor:
        """What comes through the gates of all blocks: [B, T, blocks * channels]."""
        before = functional.pad(levels[:, :-1], (1, 0), value=SILENT_LEVEL)
        known = functional.embedding(before, self.embedding)
        steering = self.steering(mel, levels.shape, conditioned)
        opened = []
        for block, dilation in enumerate(self.dilations):
            earlier = functional.pad(known, (0, 0, dilation, 0))[:, : known.shape[1]]
            inner = earlier @ self.past[block] + known @ self.present[block]
            inner = inner + steering[:, :, block].repeat_interleave(HOP, 1)
            filtered, gate = inner.chunk(2, -1)
            opened.append(filtered.tanh() * gate.sigmoid())
            known = known + opened[-1] @ self.residual[block]
        return torch.cat(opened, -1)

    def read(self, summed: Tensor) -> Tensor:
        """Logits [..., 256] from the sum [..., skip channels] of what the blocks say."""
        logits: Tensor = self.output(self.head(summed.relu()).relu())
        return logits

    def steering(self, mel: Tensor | None, shape: Sequence[int], conditioned: Tensor | None = None) -> Tensor:
        """What each frame of 80 samples adds inside each block: [B, frames, blocks, 2 channels]."""
        batch, frames = shape[0], shape[1] // HOP
        nothing = self.no_condition.expand(batch, frames, -1)
        if mel is None:
            seen = nothing
        else:
            seen = self.look_around(mel.mT).relu()
            seen = self.look_further(seen).relu().mT
            if conditioned is not None:
                seen = torch.where(conditioned[:, None, None], seen, nothing.to(seen.dtype))
        steered: Tensor = self.steer(seen).view(batch, frames, *self.bias.shape)
        return steered + self.bias


def _cosines(count: int) -> Tensor:
    """[256, count]: cosines over the 256 values, the slowest first and largest."""
    place = (torch.arange(LEVELS) + 0.5) / LEVELS
    speed = torch.arange(count)
    return torch.cos(math.pi * speed * place[:, None]) / (1 + speed / 8)
