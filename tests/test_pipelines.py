"""One set of loaded diffusers weights for many requests: steps, Stop, memory that runs out; and requests that go
together (about 5 s)."""

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionPipeline

from models.backends.batching import Batching
from models.backends.denoising_film import DenoisingFilm, LatentPreview
from models.backends.pipelines import Denoised, SharedPipeline, load_pipeline
from models.errors import OutOfMemoryError
from tests.conftest import CPU
from tests.tiny_text_to_image import save_stable_diffusion

SIDE = 64


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stable-diffusion")
    save_stable_diffusion(folder, distilled=True)
    return folder


@pytest.fixture
def shared(files: Path) -> SharedPipeline:
    none: dict[str, Any] = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    return load_pipeline(StableDiffusionPipeline, files, CPU, variant="fp16", **none)


def asked(shared: SharedPipeline, seeds: Sequence[int], steps: int = 3) -> Callable[[slice], dict[str, Any]]:
    def arguments(part: slice) -> dict[str, Any]:
        return {
            "prompt": ["a cat"] * len(seeds[part]),
            "height": SIDE,
            "width": SIDE,
            "num_inference_steps": steps,
            "guidance_scale": 0.0,
            "generator": [shared.seeded(seed) for seed in seeds[part]],
        }

    return arguments


def pictures(run: Iterator[Any]) -> tuple[list[Denoised], np.ndarray[Any, Any]]:
    *steps, images = run
    return steps, np.stack([np.asarray(image) for image in images]).astype(int)


def limit_memory(monkeypatch: pytest.MonkeyPatch, shared: SharedPipeline, largest: int) -> list[int]:
    """Makes the network run out of memory for more than `largest` pictures; the list tells how many it was asked."""
    unet, tried = shared.pipeline.unet, []
    forward = unet.forward

    def limited(sample: Any, *arguments: Any, **options: Any) -> Any:
        tried.append(len(sample))
        if len(sample) > largest:
            raise torch.OutOfMemoryError("CUDA out of memory (a fake)")
        return forward(sample, *arguments, **options)

    monkeypatch.setattr(unet, "forward", limited)
    return tried


def test_a_seed_means_one_picture_alone_in_a_batch_and_in_parts(shared: SharedPipeline) -> None:
    steps, together = pictures(shared.run(StableDiffusionPipeline, 3, asked(shared, [5, 6, 7])))
    assert [(step.done, step.total, step.step) for step in steps] == [(1, 3, 1), (2, 3, 2), (3, 3, 3)]
    assert [step.sigma for step in steps] == sorted((step.sigma for step in steps), reverse=True)
    assert steps[-1].sigma == 0
    assert steps[0].latents.shape[0] == 3
    parts, apart = pictures(shared.run(StableDiffusionPipeline, 3, asked(shared, [5, 6, 7]), most=2))
    assert [(step.done, step.total) for step in parts] == [(done, 6) for done in range(1, 7)]
    assert [step.part for step in parts[2:4]] == [slice(0, 2), slice(2, 3)]
    _, alone = pictures(shared.run(StableDiffusionPipeline, 1, asked(shared, [6])))
    assert np.abs(together - apart).max() <= 1
    assert np.abs(together[1] - alone[0]).max() <= 1
    assert np.abs(together[0] - together[1]).max() > 1


def test_pipelines_share_every_network_and_no_scheduler(shared: SharedPipeline) -> None:
    own = shared._own(StableDiffusionImg2ImgPipeline)
    assert own.unet is shared.pipeline.unet
    assert own.vae is shared.pipeline.vae
    assert own.text_encoder is shared.pipeline.text_encoder
    assert own.scheduler is not shared.pipeline.scheduler


def test_closing_ends_the_work_at_the_next_step(shared: SharedPipeline) -> None:
    calls: list[int] = []
    shared.pipeline.unet.register_forward_hook(lambda *_: calls.append(1))
    decoded: list[int] = []
    shared.pipeline.vae.decoder.register_forward_hook(lambda *_: decoded.append(1))
    run = shared.run(StableDiffusionPipeline, 1, asked(shared, [1], steps=30))
    next(run)
    run.close()  # type: ignore[attr-defined]
    assert len(calls) <= 3
    assert not decoded
    assert not [thread for thread in threading.enumerate() if thread.name == "watched"]
    pictures(shared.run(StableDiffusionPipeline, 1, asked(shared, [1], steps=1)))  # the next one is let in


def test_an_error_of_the_pipeline_reaches_whoever_asked(shared: SharedPipeline) -> None:
    with pytest.raises(ValueError, match="divisible by 8"):
        list(shared.run(StableDiffusionPipeline, 1, lambda part: {"prompt": "a cat", "height": 13, "width": 13}))


def test_out_of_memory_makes_room_then_tiles_then_halves(
    shared: SharedPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, wanted = pictures(shared.run(StableDiffusionPipeline, 4, asked(shared, [1, 2, 3, 4])))
    events: list[str] = []
    shared.make_room = lambda: events.append("room")
    monkeypatch.setattr(shared.pipeline.vae, "enable_tiling", lambda: events.append("tiles"))
    tried = limit_memory(monkeypatch, shared, largest=1)
    steps, made = pictures(shared.run(StableDiffusionPipeline, 4, asked(shared, [1, 2, 3, 4])))
    assert events == ["room", "tiles"]
    assert tried[:4] == [4, 4, 4, 2]
    assert set(tried[4:]) == {1}
    assert [step.done for step in steps] == list(range(1, 13))
    assert np.abs(made - wanted).max() <= 1, "a seed means the same picture however it is drawn"


def test_out_of_memory_for_a_single_picture_is_told(shared: SharedPipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    limit_memory(monkeypatch, shared, largest=0)
    with pytest.raises(OutOfMemoryError, match="smaller picture"):
        list(shared.run(StableDiffusionPipeline, 2, asked(shared, [1, 2])))
    monkeypatch.undo()
    pictures(shared.run(StableDiffusionPipeline, 2, asked(shared, [1, 2])))  # and the next request is served


def test_small_work_is_tried_once_more_after_making_room(shared: SharedPipeline) -> None:
    events: list[str] = []
    shared.make_room = lambda: events.append("room")

    def work(fails: int) -> str:
        events.append("try")
        if events.count("try") <= fails:
            raise torch.OutOfMemoryError("CUDA out of memory (a fake)")
        return "done"

    assert shared.within_memory(lambda: work(1)) == "done"
    assert events == ["try", "room", "try"]
    events.clear()
    with pytest.raises(OutOfMemoryError, match="smaller picture"):
        shared.within_memory(lambda: work(2))
    assert events == ["try", "room", "try"]


def mixed(pictures: torch.Tensor) -> torch.Tensor:
    """An autoencoder of a kind: every 8 x 8 pixels become four channels."""
    small = torch.nn.functional.avg_pool2d(pictures, 8)
    mixing = torch.tensor([[1.0, 2, 0], [0, 1, -1], [3, 0, 1], [0.5, 0.5, 0.5]])
    return torch.einsum("dc,bchw->bdhw", mixing, small) + 0.7


def test_preview_finds_the_colours_in_latents() -> None:
    colours = torch.tensor([[-0.8, 0.2, 0.6], [0.5, 0.5, -1.0]])[:, :, None, None].expand(2, 3, 2048, 2048)
    seen = LatentPreview.fitted(mixed)(mixed(colours))
    assert seen.shape == (2, 128, 128, 3)
    assert np.abs(seen[:, 64, 64] - (colours[:, :, 0, 0].numpy() + 1) * 127.5).max() < 3


def test_film_knows_the_clean_picture_after_each_straight_step() -> None:
    clean, noise = torch.rand(2, 4, 8, 8), torch.randn(2, 4, 8, 8)
    film = DenoisingFilm(preview := LatentPreview(torch.rand(5, 3)), 0.2 * clean + 0.8 * noise, 0.8)
    parts = (slice(0, 1), slice(1, 2))
    told = []
    for place, part in enumerate(parts):
        for step, share in ((1, 0.5), (2, 0.0)):
            latents = ((1 - share) * clean + share * noise)[part]
            told.append(film.after(Denoised(2 * place + step, 4, latents, part, step, share), latents, share))
    assert [(state.done, state.total, round(state.noise_share, 3)) for state in told] == [
        (0, 4, 0.8), (1, 4, 0.5), (2, 4, 0.8), (3, 4, 0.5)
    ]  # fmt: skip
    wanted = preview(clean)
    assert np.abs(told[0].clean[0].astype(int) - wanted[0]).max() <= 1
    assert np.abs(told[0].clean[1].astype(int) - wanted[1]).max() > 20, "nobody has looked at the second one yet"
    assert np.abs(told[3].clean.astype(int) - wanted).max() <= 1
    assert np.array_equal(told[0].noisy, preview(0.2 * clean + 0.8 * noise))
    end = film.finished(np.zeros((2, 64, 64, 3), np.uint8), 4)
    assert (end.done, end.noise_share, end.result.shape) == (4, 0, (2, 64, 64, 3))


class Line:
    """Requests are (key, size); a step is answered once `let` has been released for it."""

    def __init__(self, steps: int = 2, most: int = 4) -> None:
        self.calls: list[list[tuple[str, int]]] = []
        self.closed = 0
        self.let = threading.Semaphore(0)
        self.steps = steps
        self.batching = Batching[tuple[str, int], str](
            self.run, alike=lambda request: request[0], size=lambda request: request[1], most=most
        )

    def run(self, requests: Sequence[tuple[str, int]]) -> Generator[list[str], None, None]:
        self.calls.append(list(requests))
        try:
            for step in range(self.steps):
                self.let.acquire()
                if requests[0][0] == "wrong":
                    raise OutOfMemoryError("too large")
                yield [f"{step} of {key}{size}" for key, size in requests]
        finally:
            self.closed += 1

    def ask(self, *request: Any) -> tuple[threading.Thread, list[Any]]:
        said: list[Any] = []

        def listen() -> None:
            try:
                said.extend(self.batching.ask(request))
            except OutOfMemoryError as error:
                said.append(str(error))

        thread = threading.Thread(target=listen)
        thread.start()
        return thread, said


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_requests_that_wait_and_are_alike_go_together() -> None:
    line = Line()
    asked = [line.ask("a", 1)]
    wait_for(lambda: len(line.calls) == 1)
    for request in (("b", 1), ("a", 2), ("b", 2), ("b", 2), ("a", 9)):
        asked.append(line.ask(*request))
        wait_for(lambda: len(line.batching._waiting) == len(asked) - 1)
    line.let.release(100)
    for thread, _ in asked:
        thread.join(20)
    assert line.calls == [[("a", 1)], [("b", 1), ("b", 2)], [("a", 2)], [("b", 2)], [("a", 9)]]
    assert [said for _, said in asked][1:3] == [["0 of b1", "1 of b1"], ["0 of a2", "1 of a2"]]
    assert not line.batching._working


def test_who_stops_leaves_the_others_and_the_last_one_ends_the_call() -> None:
    line = Line(steps=100)
    first = line.ask("a", 1)
    wait_for(lambda: len(line.calls) == 1)
    stops, stays = line.batching.ask(("a", 1)), line.batching.ask(("a", 2))
    threads = [threading.Thread(target=next, args=(each,)) for each in (stops, stays)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(line.batching._waiting) == 2)
    line.let.release(101)
    for thread in threads:
        thread.join(20)
    assert len(line.calls) == 2
    stops.close()
    line.let.release(1)
    assert next(stays) == "1 of a2"
    line.let.release(5)
    stays.close()
    assert line.closed == 2, "closed before the last one was let go"
    first[0].join(20)
    assert len(first[1]) == 100


def test_who_stops_waiting_is_never_served() -> None:
    line = Line()
    first = line.ask("a", 1)
    wait_for(lambda: len(line.calls) == 1)
    waiting = line.batching.ask(("b", 1))
    thread = threading.Thread(target=lambda: list(waiting), daemon=True)
    thread.start()
    wait_for(lambda: len(line.batching._waiting) == 1)
    line.batching._leave(line.batching._waiting[0])
    line.let.release(10)
    first[0].join(20)
    assert line.calls == [[("a", 1)]]


def test_an_error_reaches_everybody_and_the_next_are_served() -> None:
    line = Line()
    both = [line.ask("wrong", 1), line.ask("wrong", 2)]
    line.let.release(10)
    for thread, said in both:
        thread.join(20)
        assert said == ["too large"]
    thread, said = line.ask("a", 1)
    thread.join(20)
    assert said == ["0 of a1", "1 of a1"]
