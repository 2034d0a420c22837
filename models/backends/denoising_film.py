"""What a latent diffusion pipeline holds and foresees after each step, as small pictures that cost next to nothing.

A decoder at every step would take longer than the steps of a distilled model. Latents are nearly a small picture in
other coordinates already, so a linear map shows them.
"""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from models.backends.pipelines import Denoised
from models.text_to_image import Denoising, Pixels

LARGEST_PREVIEW = 128
"""Side in pixels that a preview has at most."""
_FITTED_ON = 256
"""Side in pixels of the pictures that the map is fitted on."""
_RIDGE = 1e-3

Encode = Callable[[Tensor], Tensor]
"""Pictures [B, 3, H, W], -1 to 1, as latents [B, C, h, w] on the scale that the pipeline works on."""


class LatentPreview:
    """A linear map from latents to colours. `weight` [C + 1, 3]; the last row is added to all."""

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight

    @classmethod
    @torch.inference_mode()
    def fitted(cls, encode: Encode) -> "LatentPreview":
        """Least squares: the colours of soft random pictures from what `encode` makes of them."""
        generator = torch.Generator().manual_seed(0)
        pictures = (
            torch.cat(
                [
                    functional.interpolate(
                        torch.rand(2, 3, side, side, generator=generator), _FITTED_ON, mode="bilinear"
                    )
                    for side in (2, 4, 8, 16)
                ]
            )
            .mul(2)
            .sub(1)
        )
        latents = encode(pictures).float().cpu()
        colours = functional.adaptive_avg_pool2d(pictures, (latents.shape[-2], latents.shape[-1]))
        known = _with_one(latents.movedim(1, -1).flatten(0, -2))
        wanted = colours.movedim(1, -1).flatten(0, -2)
        squares = known.T @ known
        ridge = _RIDGE * squares.diagonal().mean() * torch.eye(len(squares))
        return cls(torch.linalg.solve(squares + ridge, known.T @ wanted))

    @torch.inference_mode()
    def __call__(self, latents: Tensor) -> Pixels:
        """Latents [B, C, h, w] as pictures [B, side, side, 3] for a square; `LARGEST_PREVIEW` pixels at most."""
        latents = latents.float()
        scale = max(1, -(-max(latents.shape[-2:]) // LARGEST_PREVIEW))
        latents = functional.avg_pool2d(latents, scale) if scale > 1 else latents
        colours = _with_one(latents.movedim(1, -1)) @ self.weight.to(latents.device)
        return cast(Pixels, ((colours + 1) * 127.5).round().clamp(0, 255).byte().cpu().numpy())


class DenoisingFilm:
    """Tells the steps of a pipeline as `Denoising` in previews, each as soon as the next step is done.

    Noise and picture lie on a straight line, z = (1 - s) x + s noise with the share of noise s. A step goes along
    dz/ds = noise - x, so two states in a row tell the clean picture that the network foresaw: x = z - s dz/ds. That is
    exact for Euler's method on such paths (Liu et al. 2022, Rectified Flow).
    """

    def __init__(self, preview: LatentPreview, start: Tensor, share: float) -> None:
        """`start` [B, C, h, w] is what the pipeline starts from, with the share of noise `share`."""
        self._preview = preview
        self._start = start
        self._start_share = share
        self._noisy = preview(start)
        self._clean = self._noisy.copy()
        self._before = start
        self._share = share

    def after(self, step: Denoised, latents: Tensor, share: float) -> Denoising:
        """The state before `step`, after which the pictures `step.part` are `latents` [b, C, h, w] with the share of
        noise `share` (`Denoised.latents` and `.sigma`, brought into the form of this class)."""
        before = (self._start[step.part] if step.step == 1 else self._before).to(latents.device, torch.float32)
        share_before = self._start_share if step.step == 1 else self._share
        latents = latents.float()
        # Two levels of a fine schedule may be one and the same.
        velocity = (latents - before) / min(share - share_before, -1e-6)
        self._noisy[step.part] = self._preview(before)
        self._clean[step.part] = self._preview(latents - share * velocity)
        self._before, self._share = latents, share
        return Denoising(step.done - 1, step.total, share_before, self._noisy.copy(), self._clean.copy())

    def finished(self, pictures: Pixels, total: int) -> Denoising:
        """The last state: `pictures` [B, S, S, 3] as decoded, and the previews of what was foreseen last."""
        return Denoising(total, total, 0.0, self._clean.copy(), self._clean.copy(), pictures)


def _with_one(values: Tensor) -> Tensor:
    return torch.cat([values, torch.ones_like(values[..., :1])], -1)
