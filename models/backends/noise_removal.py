"""Three ways from noise to a picture along which nothing is drawn: a latent alone determines its picture.

Each is given the network and yields the state after each step, so that whoever listens can stop between two.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import torch
from diffusers import CMStochasticIterativeScheduler, DDIMScheduler
from torch import Tensor

Network = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""Noisy pictures [B, C, h, w], the time of one step as the network was trained on it, and the classes [B] (None if it
knows none) -> [B, C, h, w], all in float32."""


_SEED_BETWEEN = 2**32 - 1
"""No visitor's seed reaches it: the noise of a first step must not come back in the second."""


class NoiseRemoval(Protocol):
    """From noise N(0, 1) to pictures."""

    @property
    def steps(self) -> int: ...

    def states(self, network: Network, noise: Tensor, classes: Tensor | None) -> Iterator[Tensor]:
        """Yields as many states [B, C, h, w] as there are `steps`; the last one is the pictures, in the range that the
        network was trained on."""
        ...


@dataclass(frozen=True)
class Ddim:
    """Denoising diffusion implicit model (Song, Meng and Ermon 2021, arXiv:2010.02502), without fresh noise (η = 0),
    for a network that tells the noise. `schedule` is the configuration of any scheduler that it was trained with."""

    schedule: Mapping[str, Any]
    steps: int

    def states(self, network: Network, noise: Tensor, classes: Tensor | None) -> Iterator[Tensor]:
        scheduler: Any = DDIMScheduler.from_config(dict(self.schedule))  # type: ignore[no-untyped-call]
        scheduler.set_timesteps(self.steps)
        x = noise
        for time in scheduler.timesteps:
            x = scheduler.step(network(x, time, classes), time, x, eta=0.0).prev_sample
            yield x


@dataclass(frozen=True)
class ProbabilityFlow:
    """The probability-flow ODE of the variance-exploding SDE (Song et al. 2021, arXiv:2011.13456, section 4.3), for a
    network that tells the score s: dx = -sigma s(x, sigma) d sigma, from `sigma_max` to `sigma_min`, then to 0.

    Solved with Heun's method (as in Karras et al. 2022, arXiv:2206.00364): two evaluations of the network in each step
    but the last. The levels shrink geometrically, as those of the SDE.
    """

    sigma_min: float
    sigma_max: float
    steps: int

    def states(self, network: Network, noise: Tensor, classes: Tensor | None) -> Iterator[Tensor]:
        def slope(x: Tensor, level: Tensor) -> Tensor:
            return -level * network(x, level, classes)

        exponents = torch.linspace(0, 1, self.steps)
        levels = self.sigma_max * (self.sigma_min / self.sigma_max) ** exponents
        x = noise * self.sigma_max
        for level, following in pairwise(levels):
            first = slope(x, level)
            tried = x + (following - level) * first
            x = x + (following - level) * (first + slope(tried, following)) / 2
            yield x
        yield x - levels[-1] * slope(x, levels[-1])


@dataclass(frozen=True)
class Consistency:
    """Multistep sampling of a consistency model (Song et al. 2023, arXiv:2303.01469, algorithm 1): a picture at once,
    then noised less and denoised again. `schedule` is the configuration of the scheduler that it was trained with.

    The noise in between is the same for every picture and every request; only the latent makes them differ.
    """

    schedule: Mapping[str, Any]
    times: tuple[int, ...] = (22, 0)
    """The two steps that the authors chose for their model of ImageNet, in descending order."""

    @property
    def steps(self) -> int:
        return len(self.times)

    def states(self, network: Network, noise: Tensor, classes: Tensor | None) -> Iterator[Tensor]:
        scheduler: Any = CMStochasticIterativeScheduler.from_config(dict(self.schedule))  # type: ignore[no-untyped-call]
        scheduler.set_timesteps(timesteps=list(self.times))
        source = torch.Generator().manual_seed(_SEED_BETWEEN)
        x = noise * scheduler.config.sigma_max
        for number, time in enumerate(scheduler.timesteps):
            level = scheduler.sigmas[number]
            if number:
                fresh = torch.randn(x.shape[1:], generator=source).to(x.device)
                x = x + fresh * (level**2 - scheduler.config.sigma_min**2).sqrt()
            kept, made = scheduler.get_scalings_for_boundary_condition(level)
            seen = x / (level**2 + scheduler.config.sigma_data**2).sqrt()
            x = (made * network(seen, time, classes) + kept * x).clamp(-1, 1)
            yield x
