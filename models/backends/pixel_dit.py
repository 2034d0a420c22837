"""A small text-to-image diffusion transformer that works on pixels directly, without an autoencoder, and its sampler.

Convention of the straight path between noise and picture (Liu et al. 2022, Rectified Flow; Lipman et al. 2023, Flow
Matching): z_t = t x + (1 - t) noise, so t = 0 is noise and t = 1 the picture. The network predicts the clean picture x
(Li and He 2025, Back to Basics), from which the velocity is (x - z_t) / (1 - t). It is a DiT (Peebles and Xie 2023):
8x8 patches and text tokens in one sequence; time and the pooled text steer every block (adaLN-Zero).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer

TEXT_TOKENS = 16
"""Captions are cut to this many MiniLM tokens, start and end included."""
NEAREST_TO_DATA = 0.05
"""Velocities divide by no less than this share of noise: the loss stays finite where the noise is gone."""


@dataclass(frozen=True)
class PixelDiTConfig:
    """Sizes of the network. The defaults are the released model's."""

    image_size: int = 64
    patch: int = 8
    width: int = 256
    depth: int = 8
    heads: int = 4
    text_width: int = 384
    features: int = 12
    """Channels that each patch hands to the convolutions over the assembled picture."""


class DiTBlock(nn.Module):
    """Self-attention and SwiGLU over text and image tokens, each scaled, shifted and gated by the condition."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        hidden = width * 8 // 3 // 32 * 32
        self.attention_norm = nn.RMSNorm(width, elementwise_affine=False)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.query_norm = nn.RMSNorm(width // heads)
        self.key_norm = nn.RMSNorm(width // heads)
        self.attention_out = nn.Linear(width, width)
        self.mlp_norm = nn.RMSNorm(width, elementwise_affine=False)
        self.mlp_in = nn.Linear(width, 2 * hidden)
        self.mlp_out = nn.Linear(hidden, width)
        self.modulation = nn.Linear(width, 6 * width)
        nn.init.zeros_(self.modulation.weight)  # every block starts as the identity
        nn.init.zeros_(self.modulation.bias)

    def forward(self, tokens: Tensor, condition: Tensor, mask: Tensor) -> Tensor:
        """`tokens` [B, N, width], `condition` [B, width], `mask` [B, 1, 1, N] true where a token may be looked at."""
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(condition)[:, None].chunk(6, -1)
        batch, length, width = tokens.shape
        x = self.attention_norm(tokens) * (1 + scale1) + shift1
        q, k, v = self.query_key_value(x).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        # Written out: for so few tokens, scaled_dot_product_attention takes twice as long going backward on the CPU.
        scores = self.query_norm(q) @ self.key_norm(k).transpose(-1, -2) / math.sqrt(width // self.heads)
        x = scores.masked_fill(~mask, -1e4).softmax(-1).to(v.dtype) @ v
        tokens = tokens + gate1 * self.attention_out(x.transpose(1, 2).reshape(batch, length, width))
        value, gate = self.mlp_in(self.mlp_norm(tokens) * (1 + scale2) + shift2).chunk(2, -1)
        return cast(Tensor, tokens + gate2 * self.mlp_out(F.silu(value) * gate))


class PixelDiT(nn.Module):
    """Predicts the clean picture from a noisy one, the time and the caption's token states.

    Patches overlap by half on the way in and on the way out, and small convolutions go over the assembled picture:
    without both, the seams between patches show.
    """

    def __init__(self, config: PixelDiTConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or PixelDiTConfig()
        side = c.image_size // c.patch
        self.patch_in = nn.Conv2d(3, 128, 2 * c.patch, stride=c.patch, padding=c.patch // 2)
        self.patch_width = nn.Linear(128, c.width)
        self.patch_position = nn.Parameter(torch.randn(side**2, c.width) * 0.02)
        self.text_norm = nn.LayerNorm(c.text_width)
        self.text_in = nn.Linear(c.text_width, c.width)
        self.text_position = nn.Parameter(torch.randn(TEXT_TOKENS, c.width) * 0.02)
        self.text_pooled = nn.Linear(c.text_width, c.width)
        self.time_in = nn.Sequential(nn.Linear(128, c.width), nn.SiLU(), nn.Linear(c.width, c.width))
        self.blocks = nn.ModuleList([DiTBlock(c.width, c.heads) for _ in range(c.depth)])
        self.final_norm = nn.RMSNorm(c.width, elementwise_affine=False)
        self.final_modulation = nn.Linear(c.width, 2 * c.width)
        self.patch_out = nn.ConvTranspose2d(c.width, 3 + c.features, 2 * c.patch, stride=c.patch, padding=c.patch // 2)
        self.refine = nn.Sequential(
            nn.Conv2d(c.features + 6, 32, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(32, 32, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(32, 3, 3, padding=1),
        )
        for layer in (self.final_modulation, self.refine[-1]):
            nn.init.zeros_(cast(nn.Linear, layer).weight)
            nn.init.zeros_(cast(nn.Linear, layer).bias)

    def forward(self, noisy: Tensor, time: Tensor, text: Tensor, text_mask: Tensor) -> Tensor:
        """The clean picture [B, 3, S, S], about -1 to 1, from `noisy` [B, 3, S, S], `time` [B] in 0 to 1, `text`
        [B, TEXT_TOKENS, text_width] and `text_mask` [B, TEXT_TOKENS], true where there is a token."""
        text = self.text_norm(text)
        counted = text_mask[..., None].to(text.dtype)
        pooled = (text * counted).sum(1) / counted.sum(1).clamp(min=1)
        condition = F.silu(self.time_in(_time_features(time)) + self.text_pooled(pooled))
        patches = self.patch_width(self.patch_in(noisy).flatten(2).transpose(1, 2)) + self.patch_position
        tokens = torch.cat([self.text_in(text) + self.text_position, patches], 1)
        mask = F.pad(text_mask.bool(), (0, patches.shape[1]), value=True)[:, None, None]
        for block in self.blocks:
            tokens = block(tokens, condition, mask)
        shift, scale = self.final_modulation(condition)[:, None].chunk(2, -1)
        patches = self.final_norm(tokens[:, TEXT_TOKENS:]) * (1 + scale) + shift
        side = self.config.image_size // self.config.patch
        assembled = self.patch_out(patches.transpose(1, 2).unflatten(2, (side, side)))
        draft = assembled[:, :3]
        seen = torch.cat([assembled[:, 3:], draft, noisy.to(draft.dtype)], 1).contiguous(
            memory_format=torch.channels_last
        )
        return cast(Tensor, draft + self.refine(seen))


def _time_features(time: Tensor) -> Tensor:
    frequencies = torch.exp(-math.log(10000) * torch.arange(64, device=time.device) / 64)
    angles = frequencies * time[:, None] * 1000
    return torch.cat([angles.cos(), angles.sin()], -1)


@dataclass(frozen=True)
class TextStates:
    """Captions as the network reads them: `states` [B, TEXT_TOKENS, text_width], `mask` [B, TEXT_TOKENS]."""

    states: Tensor
    mask: Tensor

    def to(self, device: torch.device) -> "TextStates":
        """The same on another device, the states in float32."""
        return TextStates(self.states.to(device, torch.float32), self.mask.to(device))


class CaptionEncoder:
    """The token states of a frozen sentence encoder (all-MiniLM-L6-v2), computed once per caption."""

    def __init__(self, files: Path) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(files)
        self.model = AutoModel.from_pretrained(files).eval()

    @torch.no_grad()
    def encode(self, captions: Sequence[str]) -> TextStates:
        """Captions longer than `TEXT_TOKENS` are cut; "" stands for no caption at all."""
        tokens = self.tokenizer(
            list(captions), padding="max_length", truncation=True, max_length=TEXT_TOKENS, return_tensors="pt"
        )
        return TextStates(self.model(**tokens).last_hidden_state, tokens["attention_mask"].bool())


@dataclass(frozen=True)
class DenoisingStep:
    """What the sampler holds after step `done` of `total` (0: before the first): the `noisy` pictures, of which the
    noisiest is at `time`, and the `clean` pictures that it foresees from them, both [B, 3, S, S]; `clean` is clamped to
    -1 to 1. The last step's `noisy` is the result."""

    done: int
    total: int
    time: float
    noisy: Tensor
    clean: Tensor


def noise(seeds: Sequence[int], image_size: int) -> Tensor:
    """Standard normal noise [B, 3, S, S], one seed per picture: the same on every device and in every batch."""
    shape = (3, image_size, image_size)
    return torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds])


@torch.no_grad()
def sample(
    network: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor],
    text: TextStates,
    without_text: TextStates,
    start: Tensor,
    *,
    steps: int,
    guidance: float,
    solver: Literal["euler", "heun"] = "heun",
    start_time: float | Sequence[float] = 0.0,
) -> Iterator[DenoisingStep]:
    """Integrates the probability flow from `start` [B, 3, S, S] at `start_time` (0 is pure noise) to the picture at 1.

    `guidance` is the classifier-free guidance scale (Ho and Salimans 2022): 0 ignores the text, 1 is the conditional
    model itself, more exaggerates what the text adds; scales other than 0 and 1 cost two evaluations. Heun's method
    (Karras et al. 2022) looks twice at every step but the last. For SDEdit (Meng et al. 2021), `start` is the drawing
    mixed with noise: `start_time` * drawing + (1 - `start_time`) * noise; each picture may have a time of its own.
    """
    starts = torch.as_tensor(start_time, dtype=torch.float32, device=start.device).expand(len(start))

    def times_after(done: int) -> Tensor:
        return starts + (1 - starts) * (done / steps)

    def foresee(noisy: Tensor, times: Tensor) -> Tensor:
        if guidance == 0:
            clean = network(noisy, times, without_text.states, without_text.mask)
        elif guidance == 1:
            clean = network(noisy, times, text.states, text.mask)
        else:
            both = TextStates(torch.cat([text.states, without_text.states]), torch.cat([text.mask, without_text.mask]))
            told, untold = network(noisy.repeat(2, 1, 1, 1), times.repeat(2), both.states, both.mask).float().chunk(2)
            clean = untold + guidance * (told - untold)
        return clean.float().clamp(-1, 1)

    noisy, clean = start, foresee(start, starts)
    yield DenoisingStep(0, steps, starts.min().item(), noisy, clean)
    for done in range(1, steps + 1):
        now, then = (times_after(count)[:, None, None, None] for count in (done - 1, done))
        velocity = (clean - noisy) / (1 - now)
        ahead = noisy + (then - now) * velocity
        if solver == "heun" and done < steps:
            velocity = (velocity + (foresee(ahead, then[:, 0, 0, 0]) - ahead) / (1 - then)) / 2
            ahead = noisy + (then - now) * velocity
        noisy = ahead
        clean = noisy.clamp(-1, 1) if done == steps else foresee(noisy, times_after(done))
        yield DenoisingStep(done, steps, 1.0 if done == steps else then.min().item(), noisy, clean)
