"""A small network that invents the upper band of speech: it says how loud each frequency is, at each moment.

It shapes two sounds that reach all the way up: the harmonics of the voice, got by rectifying what is there (the old
trick of bandwidth extension), and white noise. The noise, and some more that the network itself sees, are what makes
the answer a sample of a distribution and not its mean.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

HOP, WINDOW = 64, 256
"""Samples (4 ms at 16 kHz) between frames of what is shaped, and in each of them."""
SEEN_HOP, SEEN_WINDOW = 2 * HOP, 512
"""Of what the network sees."""
SEEN = SEEN_WINDOW // 8 + 1
"""Frequencies up to 2 kHz."""
FIRST = 29
"""The lowest shaped frequency, 1.8 kHz."""
SHAPED = WINDOW // 2 + 1 - FIRST
NOISES = 8
DILATIONS = (1, 2, 4, 8, 1, 2, 4, 8)
_FLOOR = 1e-3


class _Block(nn.Module):
    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, width)
        self.spread = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, frames: Tensor) -> Tensor:
        mixed: Tensor = frames + self.mix(functional.gelu(self.spread(self.norm(frames))))
        return mixed


class WideningNetwork(nn.Module):
    """The upper band of speech from its lower band; half a second (65 frames of 8 ms) decides on each moment."""

    def __init__(self, width: int = 224) -> None:
        super().__init__()
        self.enter = nn.Conv1d(SEEN + NOISES, width, 5, padding=2)
        self.blocks = nn.Sequential(*(_Block(width, dilation) for dilation in DILATIONS))
        self.leave = nn.Conv1d(width, 2 * SHAPED, 1)
        nn.init.normal_(self.leave.weight, std=0.01)
        assert self.leave.bias is not None
        nn.init.constant_(self.leave.bias, -5.0)

    def forward(self, low: Tensor, noise: Tensor, z: Tensor) -> Tensor:
        """The upper band [B, N] that belongs to `low` [B, N], speech at 16 kHz with nothing above 2 kHz and a root mean
        square near 0.06. `noise` [B, N] and `z` [B, NOISES, 1 + N // SEEN_HOP] are standard normal; N is a multiple of
        `SEEN_HOP`."""
        loudness = spectrum(low, SEEN_WINDOW, SEEN_HOP)[:, :SEEN].abs().add(_FLOOR).log()
        frames = self.enter(torch.cat([(loudness + 3) / 3, z], 1))
        logs = self.leave(self.blocks(frames)).float()
        shaped_frames = 1 + low.shape[1] // HOP
        logs = functional.interpolate(logs, shaped_frames, mode="linear", align_corners=True)
        harmonic, noisy = logs.clamp(-14, 4).exp().chunk(2, 1)
        voice = whitened(spectrum(low.abs(), WINDOW, HOP)[:, FIRST:])
        shaped = harmonic * voice + noisy * spectrum(noise, WINDOW, HOP)[:, FIRST:] / WINDOW**0.5
        return sound(functional.pad(shaped, (0, 0, FIRST, 0)), low.shape[1])


def spectrum(samples: Tensor, window: int, hop: int) -> Tensor:
    """Short-time Fourier transform, complex [B, window // 2 + 1, 1 + N // hop], of samples [B, N]."""
    return torch.stft(
        samples, window, hop, window=torch.hann_window(window, device=samples.device), return_complex=True
    )


def sound(frames: Tensor, length: int) -> Tensor:
    """The samples [B, length] of a spectrum with `WINDOW` and `HOP`."""
    return torch.istft(frames, WINDOW, HOP, window=torch.hann_window(WINDOW, device=frames.device), length=length)


def whitened(frames: Tensor) -> Tensor:
    """A spectrum whose power, averaged over 13 frequencies and 5 frames, is 1 everywhere: pitch without vowels."""
    power = functional.avg_pool2d(
        frames.abs().square()[:, None], (13, 5), stride=1, padding=(6, 2), count_include_pad=False
    )
    return frames / (power[:, 0] + 1e-8).sqrt()
