"""The training of the colorizer: colour conversion, colour cells, hints, and a run that resumes exactly."""

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch

from models.backends.colorizer_network import (
    COLOUR_SIDE,
    LIGHTNESS_SIDE,
    TOKEN_SIZE,
    TOKENS,
    Colorizer,
    annealed_mean,
)
from models.lab import from_lab, to_lab
from models.training.colorization import (
    Settings,
    clicks,
    colour_cells,
    held_out_figures,
    new_run,
    objective,
    predict,
    reveal,
)
from models.training.colour_photographs import Examples
from models.training.run import Run


@pytest.fixture
def examples() -> Examples:
    """Eight pictures, each of one colour that its tokens give away: blue or orange."""
    draw = np.random.default_rng(0)
    blue = np.arange(8) % 2 == 0
    tokens = draw.normal(size=(8, TOKENS, TOKEN_SIZE)) + 3 * np.where(blue, 1, -1)[:, None, None] * (
        np.arange(TOKEN_SIZE) < 40
    )
    colours = np.where(blue[:, None], (5, -45), (35, 45))
    return Examples(
        tokens.astype(np.float16),
        draw.integers(20, 80, (8, LIGHTNESS_SIDE, LIGHTNESS_SIDE)).astype(np.uint8),
        np.broadcast_to(colours[:, None, None], (8, COLOUR_SIDE, COLOUR_SIDE, 2)).astype(np.int8),
    )


def test_lab_is_the_standards() -> None:
    every = np.random.default_rng(0).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    assert np.array_equal(from_lab(to_lab(every)), every)
    red, grey = to_lab(np.array([[255, 0, 0], [119, 119, 119]], np.uint8))
    assert red == pytest.approx([53.24, 80.09, 67.20], abs=0.02)
    assert grey == pytest.approx([50.03, 0, 0], abs=0.02)
    assert from_lab(np.array([50, 200, -200], np.float32)).tolist() == [174, 0, 255], "cut off, not wrapped around"


def test_rare_colours_weigh_more(examples: Examples) -> None:
    colours = np.array(examples.colours)
    colours[0, :3, :3] = (-35, 35)
    palette, weights = colour_cells(Examples(examples.tokens, examples.lightness, colours), 0.5)
    assert sorted(palette.tolist()) == [[-35, 35], [5, -45], [35, 45]]
    rare = palette.tolist().index([-35, 35])
    assert weights[rare] > 1.5 * weights[[i for i in range(3) if i != rare]].max()
    _, even = colour_cells(examples, 1.0)
    assert torch.allclose(even, torch.ones(2))


def test_hints_are_means_of_true_colours() -> None:
    colours = torch.randn(4, 2, COLOUR_SIDE, COLOUR_SIDE) * 30
    hints = reveal(colours, [3] * 4, torch.Generator().manual_seed(1))
    known = hints[:, 2] == 1
    assert known.flatten(1).any(1).all()
    assert (hints[:, :2] * ~known[:, None]).abs().max() == 0
    even = colours.mean((2, 3), keepdim=True).expand_as(colours)
    for hint, colour in zip(
        reveal(even, [5] * 4, torch.Generator().manual_seed(2)), colours.mean((2, 3)) / 110, strict=True
    ):
        assert torch.allclose(hint[:2, hint[2] == 1], colour[:, None], atol=1e-5)
    assert not reveal(colours, [0] * 4, torch.Generator()).any()
    counts = clicks(Settings(batch=1000), torch.Generator().manual_seed(0))
    assert 400 < counts.count(0) < 600
    assert max(counts) <= 30


def test_it_learns_what_the_tokens_tell_and_resumes_exactly(examples: Examples, tmp_path: Path) -> None:
    settings = Settings(batch=2, learning_rate=4e-3, channels=(64, 32, 32))

    def trained(folder: Path, steps: int) -> Run:
        folder.mkdir(exist_ok=True)
        run = new_run(folder, replace(settings, steps=steps), examples)
        network = cast(Colorizer, run.networks["colorizer"])
        run.falling, run.warm_up = 0.0, 1  # so that the number of steps to come changes nothing
        run.train(objective(network, settings, examples))
        return run

    run = trained(tmp_path / "at once", 16)
    trained(tmp_path / "in two parts", 12)
    resumed = trained(tmp_path / "in two parts", 16)
    for mine, other in zip(
        run.networks["colorizer"].parameters(), resumed.networks["colorizer"].parameters(), strict=True
    ):
        assert torch.equal(mine, other)

    network = cast(Colorizer, run.networks["colorizer"])
    logits, _, colours = predict(network, examples, [0, 1])
    guess = annealed_mean(logits, network.palette, 0.38)
    assert (guess - colours).square().sum(1).sqrt().mean() < 15, "blue and orange lie 95 apart"
    figures = held_out_figures(network, examples, torch.tensor([20.0, 0.0]))
    assert figures["ab error, T 0.38"] < figures["ab error, mean colour"]
    assert figures["chroma, grey"] == 0
    assert figures["ab error, truth"] == 0
