"""Sampling from WaveNet with numpy: quickly, with queues (Paine et al. 2016, arXiv:1611.09482), and slowly, without.

A block needs its input of `dilation` samples ago. Kept in a ring, it costs nothing; computed anew, it costs all the
blocks below at all the moments they need, for every single sample. At 8,000 samples a second even the call of a
function counts, so each step is a few calls of numpy on arrays that are there already.
"""

from collections.abc import Generator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from models.devices import Device
from models.errors import BadInputError
from models.wavenet import BANDS, DILATIONS, HOP, SILENT_LEVEL, Levels, WaveNetRequest, receptive_field

Floats = NDArray[np.float32]
WEIGHTS_FILE = "wavenet.safetensors"


def load(files: Path, device: Device) -> "SampledWaveNet":
    """The network in `files / "wavenet.safetensors"`. Runs on the CPU: one sample is too little work for more."""
    return SampledWaveNet(load_file(files / WEIGHTS_FILE))


class SampledWaveNet:
    """A `SampleBySample`. Nothing in it changes after loading: threads may share it."""

    def __init__(self, weights: Mapping[str, NDArray[np.floating]], dilations: tuple[int, ...] = DILATIONS) -> None:
        """`weights` are the tensors of `wavenet_network.WaveNet` by name, in any precision."""
        self.dilations = dilations
        w = {name: np.ascontiguousarray(array, np.float32) for name, array in weights.items()}
        self._channels = w["embedding"].shape[1]
        # sigmoid(x) is (1 + tanh(x / 2)) / 2: with these halves moved into the matrices, one tanh does for both.
        halved = np.ones(2 * self._channels, np.float32)
        halved[self._channels :] = 0.5
        self._embedding = w["embedding"]
        self._past, self._present = w["past"] * halved, w["present"] * halved
        self._residual = w["residual"] / 2
        self._skip = w["skip"] / 2
        self._depth_bias = w["depth_bias"]
        self._head, self._head_bias = w["head.weight"].T.copy(), w["head.bias"]
        self._output, self._output_bias = w["output.weight"].T.copy(), w["output.bias"]
        self._around = [(w[f"{name}.weight"], w[f"{name}.bias"]) for name in ("look_around", "look_further")]
        self._no_condition = w["no_condition"]
        self._steer = (w["steer.weight"].reshape(*w["bias"].shape, -1) * halved[:, None]).reshape(
            w["steer.weight"].shape
        )
        self._bias = w["bias"] * halved

    def generate(self, request: WaveNetRequest, chunk: int = 10 * HOP) -> Generator[Levels, None, None]:
        """Yields the sound `chunk` values at a time; some 6,000 values a second on one core.

        The same request gives the same values. Raises `BadInputError` for numbers that make no sense.
        """
        depth = self._checked(request)
        blocks = list(range(depth))
        steering = self._steering(request.mel, request.frames)[:, :depth]
        chances = np.random.default_rng(request.seed).random(request.frames * HOP)
        c = self._channels
        dilations = np.array(self.dilations[:depth])
        starts = np.concatenate([[0], np.cumsum(dilations)[:-1]])
        ring = np.zeros((int(dilations.sum()), c), np.float32)
        inner = np.zeros((depth, 1, 2 * c), np.float32)
        opened = np.zeros((depth, c), np.float32)
        rows = [
            (self._present[b], self._residual[b], inner[b, 0], inner[b, 0, :c], inner[b, 0, c:], opened[b])
            for b in blocks
        ]
        past = self._past[:depth]
        skip, heard = self._skip[:depth].reshape(depth * c, -1), opened.reshape(-1)
        known, added = np.zeros(c, np.float32), np.zeros(c, np.float32)
        gates = np.zeros(2 * c, np.float32)
        before = SILENT_LEVEL
        made = np.zeros(chunk, np.uint8)
        total = request.frames * HOP
        for time in range(total):
            slots = starts + time % dilations
            np.matmul(ring[slots][:, None], past, out=inner)
            inner[:, 0] += steering[time // HOP]
            known[:] = self._embedding[before]
            for slot, (present, residual, whole, filtered, gate, through) in zip(slots.tolist(), rows, strict=True):
                ring[slot] = known
                np.dot(known, present, out=gates)
                np.add(whole, gates, out=whole)
                np.tanh(whole, out=whole)
                np.add(gate, 1, out=gate)
                np.multiply(filtered, gate, out=through)
                np.dot(through, residual, out=added)
                np.add(known, added, out=known)
            logits = self._heard(heard @ skip, depth)
            before = made[time % chunk] = _drawn(logits, request.temperature, chances[time])
            if (time + 1) % chunk == 0 or time + 1 == total:
                yield made[: time % chunk + 1].copy()

    def generate_slowly(self, request: WaveNetRequest, start: Levels | None = None) -> Generator[Levels, None, None]:
        """Yields the same values one by one, each from the whole receptive field; some 20 values a second.

        `start` are values drawn before, after which it goes on.
        """
        depth = self._checked(request)
        steering = self._steering(request.mel, request.frames)
        total = request.frames * HOP
        chances = np.random.default_rng(request.seed).random(total)
        drawn = 0 if start is None else len(start)
        before = np.full(total + 1, SILENT_LEVEL, np.uint8)
        before[1 : drawn + 1] = 0 if start is None else start
        seen = receptive_field(self.dilations[:depth])
        for time in range(drawn, total):
            first = max(0, time + 1 - seen)
            logits = self._pass(before[first : time + 1], steering, first, depth, 1)[0]
            before[time + 1] = _drawn(logits, request.temperature, chances[time])
            yield before[time + 1 : time + 2].copy()

    def foresee(
        self, levels: Levels, mel: Floats | None, start: int, count: int, depth: int | None = None
    ) -> NDArray[np.float32]:
        """Probabilities [count, 256] of the values from place `start` on, each given all of `levels` before it.

        Raises `BadInputError` where `levels` is too short for that.
        """
        if not 0 <= start < start + count <= len(levels) + 1:
            raise BadInputError(f"There are {len(levels)} samples: look at a place among them.")
        frames = -(-(start + count) // HOP)
        depth = self._checked(WaveNetRequest(frames, depth=depth))
        first = max(0, start + 1 - receptive_field(self.dilations[:depth]))
        heard = np.concatenate([np.array([SILENT_LEVEL], np.uint8), levels])[first : start + count]
        # The spectrogram of what comes later is known too: it was told what to say before it began.
        steering = self._steering(mel, frames)
        logits = self._pass(heard, steering, first, depth, count)
        return _softmax(logits)

    def _pass(self, before: Levels, steering: Floats, first: int, depth: int, count: int) -> Floats:
        """Logits of the last `count` values, where `before` [N] are the values that stand before each of N places, the
        first of them place `first`."""
        c = self._channels
        known = self._embedding[before]
        frames = np.arange(first, first + len(before)) // HOP
        opened = np.zeros((count, depth, c), np.float32)
        for block, dilation in enumerate(self.dilations[:depth]):
            inner = known @ self._present[block]
            inner[dilation:] += known[:-dilation] @ self._past[block]
            inner += steering[frames, block]
            np.tanh(inner, out=inner)
            through = inner[:, :c] * (1 + inner[:, c:])
            opened[:, block] = through[-count:]
            known = known + through @ self._residual[block]
        summed = opened.reshape(count, -1) @ self._skip[:depth].reshape(depth * c, -1)
        return self._heard(summed, depth)

    def _heard(self, summed: NDArray[np.floating], depth: int) -> Floats:
        hidden = np.maximum(summed + self._depth_bias[depth - 1], 0) @ self._head + self._head_bias
        return np.asarray(np.maximum(hidden, 0) @ self._output + self._output_bias, np.float32)

    def _steering(self, mel: Floats | None, frames: int) -> Floats:
        """What each frame of 80 samples adds inside each block: [frames, blocks, 2 channels]."""
        if mel is None:
            alone = (self._no_condition @ self._steer.T).reshape(self._bias.shape) + self._bias
            return np.broadcast_to(alone, (frames, *self._bias.shape))
        seen = np.asarray(mel, np.float32)
        for weight, bias in self._around:
            padded = np.pad(seen, ((1, 1), (0, 0)))
            sides = sum(padded[side : side + len(seen)] @ weight[:, :, side].T for side in range(3))
            seen = np.maximum(sides + bias, 0)
        steered: Floats = (seen @ self._steer.T).reshape(len(seen), *self._bias.shape) + self._bias
        return steered

    def _checked(self, request: WaveNetRequest) -> int:
        """The number of blocks heard."""
        depth = len(self.dilations) if request.depth is None else request.depth
        if not 1 <= depth <= len(self.dilations):
            raise BadInputError(f"Between 1 and {len(self.dilations)} blocks can be heard.")
        if request.frames < 1:
            raise BadInputError("Ask for at least a hundredth of a second.")
        if not 0 <= request.temperature <= 10:
            raise BadInputError("The temperature must be between 0 and 10.")
        if request.seed < 0:
            raise BadInputError("The seed must be a whole number, 0 or larger.")
        if request.mel is not None and request.mel.shape != (request.frames, BANDS):
            raise BadInputError(f"The spectrogram must have {request.frames} frames of {BANDS} bands.")
        return depth


def _softmax(logits: Floats) -> Floats:
    raised = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(raised / raised.sum(-1, keepdims=True), np.float32)


def _drawn(logits: Floats, temperature: float, chance: float) -> int:
    """The value at `chance` (0 to 1) of the cumulated probabilities."""
    if temperature == 0:
        return int(logits.argmax())
    # In double precision: else the two ways of computing would draw differently now and then.
    cumulated = np.exp((logits - logits.max()) / max(temperature, 1e-3), dtype=np.float64).cumsum()
    return min(int(cumulated.searchsorted(chance * cumulated[-1], "right")), len(logits) - 1)
