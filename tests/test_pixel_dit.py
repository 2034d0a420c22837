"""The pixel diffusion transformer, its sampler and its training, on a tiny network: a few seconds."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from models.backends.pixel_dit import (
    TEXT_TOKENS,
    CaptionEncoder,
    PixelDiT,
    PixelDiTConfig,
    TextStates,
    noise,
    sample,
)
from models.training.caption_dataset import CaptionDataset
from models.training.captioned_pictures import Picture
from models.training.text_to_image.training import Objective, begin, train, write_release

TINY = PixelDiTConfig(image_size=16, patch=8, width=32, depth=2, heads=2, text_width=8, features=2)


@pytest.fixture
def network() -> PixelDiT:
    torch.manual_seed(0)
    network = PixelDiT(TINY).eval()
    for parameter in network.parameters():  # past the zero initialisation, where every condition is ignored
        parameter.data += 0.05 * torch.randn_like(parameter)
    return network


def captions(count: int, seed: int = 1) -> TextStates:
    """One caption, `count` times."""
    generator = torch.Generator().manual_seed(seed)
    mask = torch.zeros(count, TEXT_TOKENS, dtype=torch.bool)
    mask[:, : 3 + seed] = True
    states = torch.randn(1, TEXT_TOKENS, TINY.text_width, generator=generator)
    return TextStates(states.expand(count, -1, -1), mask)


def result(network: PixelDiT, text: TextStates, start: torch.Tensor, guidance: float, steps: int = 3) -> torch.Tensor:
    *_, last = sample(network, text, captions(len(start), seed=2), start, steps=steps, guidance=guidance)
    assert (last.done, last.total, last.time) == (steps, steps, 1.0)
    return last.noisy


def test_shapes_and_the_blank_start() -> None:
    text = captions(2)
    pictures = PixelDiT(TINY)(torch.randn(2, 3, 16, 16), torch.tensor([0.0, 1.0]), text.states, text.mask)
    assert pictures.shape == (2, 3, 16, 16)


def test_padding_is_never_looked_at(network: PixelDiT) -> None:
    text = captions(1)
    scribbled = text.states.clone()
    scribbled[~text.mask] = 99.0
    noisy, time = noise([0], 16), torch.tensor([0.4])
    with torch.no_grad():
        torch.testing.assert_close(
            network(noisy, time, text.states, text.mask), network(noisy, time, scribbled, text.mask)
        )


def test_every_pixel_sees_its_neighbouring_patch(network: PixelDiT) -> None:
    """Pixel 7 and pixel 8 lie in different patches: with overlap, both patches write to both."""
    touched = network.patch_out(torch.zeros(1, 32, 2, 2).index_fill_(3, torch.tensor([0]), 1.0)) - network.patch_out(
        torch.zeros(1, 32, 2, 2)
    )
    assert touched[..., 8].abs().min() > 0
    assert touched[..., 12:].abs().max() == 0


def test_a_seed_gives_one_picture_in_any_batch(network: PixelDiT) -> None:
    alone = result(network, captions(1), noise([7], 16), guidance=3.0)
    together = result(network, captions(2), noise([3, 7], 16), guidance=3.0)
    torch.testing.assert_close(alone[0], together[1], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(together[0], together[1], atol=1e-2)


def test_guidance_0_ignores_the_text_and_1_is_the_conditional_model(network: PixelDiT) -> None:
    start = noise([0], 16)
    torch.testing.assert_close(
        result(network, captions(1), start, 0.0), result(network, captions(1, seed=3), start, 0.0)
    )
    torch.testing.assert_close(
        result(network, captions(1), start, 1.0), result(network, captions(1), start, 1.0 + 1e-7)
    )
    assert not torch.allclose(
        result(network, captions(1), start, 1.0), result(network, captions(1, seed=3), start, 1.0)
    )


def test_a_perfect_network_is_reached_from_anywhere(network: PixelDiT, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the clean picture is always foreseen, the path to it is straight and one step is enough."""
    truth = torch.rand(1, 3, 16, 16) * 2 - 1
    monkeypatch.setattr(PixelDiT, "forward", lambda self, noisy, time, text, mask: truth)
    for steps in (1, 4):
        torch.testing.assert_close(result(network, captions(1), noise([0], 16), 1.0, steps), truth)


def tiny_data() -> CaptionDataset:
    generator = torch.Generator().manual_seed(5)
    tensors = {
        "pictures": torch.randint(0, 256, (6, 3, 16, 16), dtype=torch.uint8, generator=generator),
        "weights": torch.rand(6, generator=generator),
        "mirrors": torch.tensor([True, False] * 3),
        "held_out": torch.tensor([False] * 5 + [True]),
        "states": torch.randn(13, TEXT_TOKENS, TINY.text_width, generator=generator).half(),
        "lengths": torch.randint(2, TEXT_TOKENS, (13,), generator=generator),
    }
    return CaptionDataset(tensors, [["a cat", "cat"]] * 6)


def test_training_learns_and_never_draws_what_is_held_out(tmp_path: Path) -> None:
    objective = Objective(tiny_data(), torch.device("cpu"), batch=4)
    torch.manual_seed(0)
    run = begin(tmp_path / "run.pt", PixelDiT(TINY), 100, ema=0.9, falling=50, log_every=10)
    before = objective.held_out(run.averages["network"])
    assert train(run, objective, ToyEncoder())
    assert run.history[-1][1] < 0.8 * run.history[0][1]
    looked = json.loads((tmp_path / "run.looks.jsonl").read_text())
    assert looked == {
        "step": 100,
        "held-out loss": pytest.approx(objective.held_out(run.averages["network"]), abs=1e-4),
    }
    assert looked["held-out loss"] != before
    batch = objective.data.batch(200, torch.Generator().manual_seed(0))
    unseen = objective.data.held_out_batch(9).pictures
    assert unseen.shape[0] == 1
    assert not (batch.pictures == unseen).flatten(1).all(1).any()


class ToyEncoder(CaptionEncoder):
    """Reads every caption as the same few tokens."""

    def __init__(self) -> None: ...

    def encode(self, texts: Sequence[str]) -> TextStates:
        return captions(len(texts))


def test_a_release_holds_the_average_in_float16_and_what_it_was_trained_on(tmp_path: Path) -> None:
    objective = Objective(tiny_data(), torch.device("cpu"), batch=4)
    run = begin(tmp_path / "run.pt", PixelDiT(TINY), 2, ema=0.9, log_every=1)
    train(run, objective, ToyEncoder())
    assert (tmp_path / "samples" / "0000002.png").exists()
    (tmp_path / "card.json").write_text(json.dumps({"photo": 6}))
    write_release(run, objective, tmp_path, tmp_path / "weights")
    weights = load_file(tmp_path / "weights/pixel_dit.safetensors")
    for name, tensor in run.averages["network"].state_dict().items():
        assert torch.equal(weights[name], tensor.half()), name
    card = json.loads((tmp_path / "weights/card.json").read_text())
    assert (card["steps"], card["data"]) == (2, {"photo": 6})


def test_captions_say_the_style_and_only_3d_emoji_do_without() -> None:
    blank = Image.new("RGB", (64, 64))
    photo = Picture(blank, "photo", ("owl", "snowy owl"), "birds")
    assert photo.captions == (
        *("an owl, photo", "owl, photo", "a snowy owl, photo"),
        *("a photo of an owl", "birds: owl, photo"),
    )
    assert {"cat", "a cat", "a cat, 3d emoji"} <= set(Picture(blank, "3d emoji", ("cat",)).captions)
    assert "two dogs, flat emoji" in Picture(blank, "flat emoji", ("two dogs",)).captions
