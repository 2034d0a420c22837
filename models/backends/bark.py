"""Bark (Suno 2023): three transformers one after the other. The first writes semantic tokens for a text, as a language
model does, the second the two coarse codebooks of a neural codec, the third its six finer ones; the codec makes sound
of them. It reads letters, and knows no phonemes.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import AutoTokenizer, BarkModel, StoppingCriteriaList
from transformers.models.bark.generation_configuration_bark import (
    BarkCoarseGenerationConfig,
    BarkSemanticGenerationConfig,
)

from models.backends.each_token import EachToken
from models.backends.english_phonemes import halves, sentences
from models.backends.network_speaker import NetworkSpeaker, Tell
from models.backends.safe_loading import safe_or_weights_only
from models.devices import Device, configure_torch
from models.errors import BadInputError
from models.speakers import BARK
from models.tasks import Progress, SpeechRequest

MAX_CHARACTERS = 180
"""Of a piece said at once: about 12 of the 15 seconds that it can speak without a break."""
_TOKENS_OF_A_TEXT = 256
_PROMPTS = {"semantic_prompt": 1, "coarse_prompt": 2, "fine_prompt": 2}
"""What a voice consists of: tokens of a sentence that it has said, with their number of axes."""
_ENDS = 0.2
"""Probability of the end from which a sentence is over: at its end Bark likes to go on with something of its own."""
_WORD = re.compile(r"\w")


def load(files: Path, device: Device) -> "BarkSpeaker":
    """The model in `files`: configs, weights, tokenizer and speaker_embeddings/<voice>_<prompt>.npy.

    The transformers run in the number format of `device`; the codec stays in float32, in which its noise is not heard.
    """
    configure_torch()
    safe = safe_or_weights_only(files / "model.safetensors")
    network: Any = BarkModel.from_pretrained(files, dtype=torch.float32, **safe)
    for part in (network.semantic, network.coarse_acoustics, network.fine_acoustics):
        part.to(getattr(torch, device.precision))
    # Greedy, the likeliest token always, it falls silent or repeats itself.
    for config in (network.generation_config.semantic_config, network.generation_config.coarse_acoustics_config):
        config["do_sample"] = True
    tokenizer = AutoTokenizer.from_pretrained(files, local_files_only=True, trust_remote_code=False)
    voices = {voice: _prompts(files / "speaker_embeddings", voice, device) for voice in BARK.voices}
    return BarkSpeaker(network.to(device.kind).eval(), tokenizer, voices)


class BarkSpeaker(NetworkSpeaker):
    """A `Speaker` that serves one request at a time."""

    delivery = BARK

    def __init__(self, network: Any, tokenizer: Any, voices: Mapping[str, dict[str, Tensor]]) -> None:
        super().__init__()
        self._network = network
        self._tokenizer = tokenizer
        self._prompts = voices
        self.sample_rate = network.generation_config.sample_rate

    def _read(self, text: str) -> Iterator[tuple[str, str]]:
        pieces = [piece for sentence in sentences(text) for piece in _pieces(sentence) if _WORD.search(piece)]
        if not pieces:
            raise BadInputError("Nothing to say: write a few words.")
        for piece in pieces:
            yield piece, ""

    def _sound(self, text: str, phonemes: str, request: SpeechRequest, tell: Tell) -> Tensor:
        read = self._tokenizer(
            text,
            return_tensors="pt",
            padding="max_length",
            truncation=True,
            max_length=_TOKENS_OF_A_TEXT,
            add_special_tokens=False,
        ).to(self._network.device)
        stages = _Stages(self._network.generation_config, tell)
        sound: Tensor = self._network.generate(
            read.input_ids,
            attention_mask=read.attention_mask,
            history_prompt=self._prompts[request.voice],
            min_eos_p=_ENDS,
            semantic_stopping_criteria=StoppingCriteriaList([EachToken(stages.meant)]),
            coarse_stopping_criteria=StoppingCriteriaList([EachToken(stages.sounded)]),
        )
        return sound[0]


class _Stages:
    """Counts the tokens of the two stages that write one token after the other, and tells of each."""

    def __init__(self, config: Any, tell: Tell) -> None:
        semantic: Any = BarkSemanticGenerationConfig(**config.semantic_config)  # type: ignore[no-untyped-call]
        coarse: Any = BarkCoarseGenerationConfig(**config.coarse_acoustics_config)
        self._most = semantic.max_new_tokens
        self._ratio = coarse.coarse_rate_hz / semantic.semantic_rate_hz * coarse.n_coarse_codebooks
        self._tell = tell
        self._meanings = self._sounds = 0

    def meant(self, ids: Tensor) -> None:
        self._meanings += 1
        self._tell(Progress("meaning: token", self._meanings, self._most))

    def sounded(self, ids: Tensor) -> None:
        self._sounds += 1
        total = max(self._sounds, round(self._meanings * self._ratio))
        self._tell(Progress("sound: token", self._sounds, total))


def _pieces(sentence: str) -> Iterator[str]:
    if len(sentence) <= MAX_CHARACTERS:
        yield sentence
    else:
        for half in halves(sentence):
            yield from _pieces(half)


def _prompts(folder: Path, voice: str, device: Device) -> dict[str, Tensor]:
    """The tokens of a voice. Raises `ValueError` for files that are none, pickled ones included."""
    prompts = {}
    for name, axes in _PROMPTS.items():
        tokens = np.load(folder / f"{voice}_{name}.npy", allow_pickle=False)
        if tokens.ndim != axes or not np.issubdtype(tokens.dtype, np.integer):
            raise ValueError(f"{voice}_{name}.npy holds no tokens")
        prompts[name] = torch.from_numpy(tokens.astype(np.int64)).to(device.kind)
    return prompts
