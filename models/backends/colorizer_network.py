"""The network that sees a grey picture through CLIP's eyes and says which colours each place may have.

Zhang et al. 2016 (arXiv:1603.08511): a distribution over cells of the ab plane for each place, with rare colours
weighted up in training. Zhang et al. 2017 (arXiv:1705.02999): hints as a further input. The eyes are the frozen image
tower of CLIP (Radford et al. 2021, arXiv:2103.00020), so that a thousand photographs suffice: it need not learn to see.
"""

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

TOKENS = 197
"""Of CLIP ViT-B/16: one for the whole picture, then 14 x 14 patches."""
TOKEN_SIZE = 768
LIGHTNESS_SIDE = 112
COLOUR_SIDE = 56
HINT_GAIN = 30.0
"""Makes the colours of hints as large as the features of the lightness, in which they would drown otherwise."""


@dataclass(frozen=True)
class ColorizerConfig:
    """Channels at 14, 28 and 56 places a side, and the number of colour cells."""

    colours: int
    wide: int = 256
    middle: int = 192
    narrow: int = 128


class Colorizer(nn.Module):
    """p(colour | grey picture, hints) for each place.

    Buffer `palette` [colours, 2] holds the ab value of each cell.
    """

    palette: Tensor

    def __init__(self, config: ColorizerConfig) -> None:
        super().__init__()
        self.config = config
        wide, middle, narrow = config.wide, config.middle, config.narrow
        self.register_buffer("palette", torch.zeros(config.colours, 2))
        self.token_norm = nn.LayerNorm(TOKEN_SIZE)
        self.from_patches = nn.Linear(TOKEN_SIZE, wide)
        self.from_whole = nn.Linear(TOKEN_SIZE, wide)
        self.see_56 = nn.Sequential(nn.Conv2d(1, 48, 5, 2, 2), nn.SiLU(), nn.Conv2d(48, 64, 3, 1, 1))
        self.with_hints = nn.Conv2d(64 + 3, 64, 3, 1, 1)
        self.see_28 = nn.Conv2d(64, 96, 3, 2, 1)
        self.see_14 = nn.Conv2d(96, 128, 3, 2, 1)
        self.join_14 = nn.Conv2d(wide + 128, wide, 1)
        self.blocks_14 = nn.Sequential(*(_Residual(wide) for _ in range(2)))
        self.join_28 = nn.Conv2d(wide + 96, middle, 3, 1, 1)
        self.blocks_28 = nn.Sequential(*(_Residual(middle) for _ in range(2)))
        self.join_56 = nn.Conv2d(middle + 64, narrow, 3, 1, 1)
        self.blocks_56 = nn.Sequential(*(_Residual(narrow) for _ in range(2)))
        self.out = nn.Sequential(nn.GroupNorm(16, narrow), nn.SiLU(), nn.Conv2d(narrow, config.colours, 1))

    def forward(self, tokens: Tensor, lightness: Tensor, hints: Tensor) -> Tensor:
        """Logits [n, colours, 56, 56].

        `tokens` [n, 197, 768] from CLIP, `lightness` [n, 1, 112, 112] is L / 50 - 1, `hints` [n, 3, 56, 56] are
        a / 110, b / 110 and 1 where a colour is known, 0 elsewhere.
        """
        tokens = self.token_norm(tokens)
        patches = self.from_patches(tokens[:, 1:]).transpose(1, 2).unflatten(2, (14, 14))
        whole = self.from_whole(tokens[:, 0])[:, :, None, None]
        seen_56 = functional.silu(self.with_hints(torch.cat([self.see_56(lightness), HINT_GAIN * hints], 1)))
        seen_28 = functional.silu(self.see_28(seen_56))
        seen_14 = functional.silu(self.see_14(seen_28))
        x = self.blocks_14(self.join_14(torch.cat([patches + whole, seen_14], 1)))
        x = self.blocks_28(self.join_28(torch.cat([_doubled(x), seen_28], 1)))
        x = self.blocks_56(self.join_56(torch.cat([_doubled(x), seen_56], 1)))
        return cast(Tensor, self.out(x))


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.change = nn.Sequential(
            nn.GroupNorm(16, channels),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 3, 1, 1),
            nn.GroupNorm(16, channels),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 3, 1, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + cast(Tensor, self.change(x))


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="bilinear")


def annealed_mean(logits: Tensor, palette: Tensor, temperature: float) -> Tensor:
    """The mean colour [n, 2, h, w] of the sharpened distribution: its mean at 1, its mode near 0 (Zhang et al.)."""
    return torch.einsum("nchw,cd->ndhw", (logits.float() / temperature).softmax(1), palette.float())
