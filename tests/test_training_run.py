"""Training runs: stopping, going on, the learning rate, releases. On a network of one weight: a second."""

import os
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from models.training.run import Losses, Run, release


def line(tmp_path: Path, steps: int = 40, name: str = "line.pt") -> Run:
    torch.manual_seed(0)
    networks = {"line": nn.Linear(1, 1)}
    return Run(tmp_path / name, networks, 0.1, steps, ema=0.9, warm_up=4, falling=0.5, log_every=5)


def fit(run: Run, stop_at: int | None = None) -> bool:
    """Learns y = 3 x, and is asked to end in the middle of step `stop_at`."""

    def losses(generator: torch.Generator) -> Losses:
        if run.done == stop_at:
            os.kill(os.getpid(), signal.SIGTERM)
        x = torch.randn(8, 1, generator=generator)
        return {"square": (run.networks["line"](x) - 3 * x).square().mean()}

    return run.train(losses)


def weights(run: Run) -> list[torch.Tensor]:
    return [*run.networks["line"].state_dict().values(), *run.averages["line"].state_dict().values()]


def test_a_run_that_was_stopped_is_the_run_that_never_stopped(tmp_path: Path) -> None:
    straight = line(tmp_path, name="straight.pt")
    assert fit(straight)
    handlers = signal.getsignal(signal.SIGTERM)
    stopped = line(tmp_path)
    assert not fit(stopped, stop_at=19)
    assert stopped.done == 20
    assert signal.getsignal(signal.SIGTERM) == handlers
    resumed = line(tmp_path)
    assert resumed.done == 20
    assert fit(resumed)
    assert all(torch.equal(one, other) for one, other in zip(weights(straight), weights(resumed), strict=True))
    assert resumed.history == straight.history
    assert (tmp_path / "line.losses.csv").read_text() == (tmp_path / "straight.losses.csv").read_text()


def test_it_learns_while_the_rate_rises_stays_and_falls_to_zero(tmp_path: Path) -> None:
    run = line(tmp_path)
    rates: list[float] = []

    def losses(generator: torch.Generator) -> Losses:
        rates.append(run.optimizers["line"].param_groups[0]["lr"])
        x = torch.randn(8, 1, generator=generator)
        return {"square": (run.networks["line"](x) - 3 * x).square().mean()}

    looks: list[int] = []

    def look() -> dict[str, float]:
        looks.append(run.done)
        return {"slope": 1.0}

    assert run.train(losses, look=look)
    assert rates[:4] == pytest.approx([0.025, 0.05, 0.075, 0.1])
    assert rates[20] == pytest.approx(0.1)
    assert rates[30] == pytest.approx(0.05)
    assert rates[-1] == pytest.approx(0.005)
    assert run.history[-1][1] < 0.5 * run.history[0][1]
    assert looks == [40]
    assert (tmp_path / "line.looks.jsonl").read_text() == '{"step": 40, "slope": 1.0}\n'


def test_a_release_is_float16_with_its_card(tmp_path: Path) -> None:
    network = nn.Linear(2, 1)
    release(network, tmp_path / "deep/line.safetensors", {"data": "a line"})
    for name, tensor in load_file(tmp_path / "deep/line.safetensors").items():
        assert torch.equal(tensor, network.state_dict()[name].half())
    assert (tmp_path / "deep/card.json").read_text() == '{\n "parameters": 3,\n "data": "a line"\n}\n'
