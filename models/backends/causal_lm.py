"""Language models on transformers: the way for graphics cards, from safetensors or from the same GGUF files as on the
CPU, with several students' texts growing in one batch.

On a card another company may round differently in bfloat16 and tip a close draw; in float32 on the CPU it does not.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.convert_slow_tokenizer import bytes_to_unicode
from transformers.utils import logging as transformers_logging

from models.backends.continuous_batching import ContinuousBatching, Drawn, TextStream
from models.backends.safe_loading import SAFE
from models.backends.slot_cache import bytes_of_a_token
from models.devices import Device, configure_torch
from models.errors import BadInputError
from models.tasks import Candidate, TextRequest, Token

LONGEST_CONTEXT = 2048
"""Tokens of one text, prompt included, whatever the model could read: what the cache holds for each slot."""
MOST_SLOTS = 16
CACHE_SHARE, MOST_CACHE = 0.1, 2_000_000_000
"""Of a card's memory, and bytes, that the keys and values of one model's texts may take: models for pictures want to
lie beside it. The memory in a spec includes `MOST_CACHE`."""
# What ends a text beside the tokenizer's own token: base models and chat models of one family differ in it.
_ENDS = ("<|endoftext|>", "<|im_end|>")


def load(files: Path, device: Device) -> "CausalLM":
    """The model in the folder `files`, in the number format of `device`: a repository with safetensors, or the only
    GGUF file, unpacked."""
    configure_torch()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    source: dict[str, Any] = {}
    tokens: dict[str, Any] = {}
    for gguf in files.glob("*.gguf"):
        # Packed weights would need kernels from the hub, which are code, and run slower than plain bfloat16.
        source = {"gguf_file": gguf.name, "quantization_config": GgufConfig(dequantize=True)}
        tokens = {"gguf_file": gguf.name}
    network: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
        files,
        dtype=getattr(torch, device.precision),
        attn_implementation="sdpa",
        **SAFE,
        **source,
    )
    tokenizer = AutoTokenizer.from_pretrained(files, local_files_only=True, trust_remote_code=False, **tokens)
    network.to(torch.device(device.kind))  # type: ignore[arg-type]
    return CausalLM(network, tokenizer, cache=min(MOST_CACHE, int(CACHE_SHARE * device.memory)))


class CausalLM:
    """A `LanguageModel`. Any number of threads may generate at once. `tokenizer` must be a byte-level BPE, as those of
    GPT-2, SmolLM2 and Qwen are; `cache` is the number of bytes for keys and values of texts under way."""

    def __init__(self, network: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, cache: int) -> None:
        self._tokenizer = tokenizer
        config = network.config.get_text_config()
        self._raw = _bytes_of_tokens(tokenizer, config.vocab_size)
        vocabulary = tokenizer.get_vocab()
        ends = {tokenizer.eos_token_id} | {vocabulary[end] for end in _ENDS if end in vocabulary}
        context = min(config.max_position_embeddings, LONGEST_CONTEXT)
        of_a_text = context * bytes_of_a_token(config, network.dtype.itemsize)
        slots = max(1, min(MOST_SLOTS, cache // of_a_text))
        self._engine = ContinuousBatching(network, slots=slots, context=context, ends=ends)

    @property
    def make_room(self) -> Callable[[], None]:
        """Unloads idle models; set by the registry."""
        return self._engine.make_room

    @make_room.setter
    def make_room(self, unload: Callable[[], None]) -> None:
        self._engine.make_room = unload

    def generate(self, request: TextRequest) -> Iterator[Token]:
        """Yields each new token as it is decided. `close` of what it returns may be called from any thread.

        Raises `BadInputError` for a prompt longer than the model's context and for foreign token ids.
        """
        return TokenStream(self._engine.write(self._read(request), request), self._raw)

    def _read(self, request: TextRequest) -> list[int]:
        text: list[int] = []
        for piece in request.pieces:
            if isinstance(piece, str):
                # What looks like a control token in the text of a visitor is text.
                text += self._tokenizer(piece, split_special_tokens=True, add_special_tokens=False).input_ids
            else:
                text.append(piece)
        context = self._engine.context
        if len(text) >= context:
            raise BadInputError(
                f"This text is too long: it has {len(text):,} tokens and the model reads at most {context:,}; "
                "please shorten it."
            )
        if max(text) >= len(self._raw):
            raise BadInputError("This model does not know these tokens; please start again from your text.")
        return text


class TokenStream(Iterator[Token]):
    """The tokens of one text. `raw` says what each token id spells."""

    def __init__(self, drawn: TextStream, raw: list[bytes]) -> None:
        self._drawn = drawn
        self._raw = raw

    def __next__(self) -> Token:
        drawn: Drawn = next(self._drawn)
        others = tuple(Candidate(id, self._raw[id], probability) for id, probability in drawn.likeliest)
        return Token(drawn.id, self._raw[drawn.id], drawn.probability, others)

    def close(self) -> None:
        """Ends the text within one token."""
        self._drawn.close()


def _bytes_of_tokens(tokenizer: PreTrainedTokenizerBase, vocabulary_size: int) -> list[bytes]:
    """What each token id spells; nothing for control tokens and for ids that no token has."""
    byte_of = {character: byte for byte, character in bytes_to_unicode().items()}  # type: ignore[no-untyped-call]
    added = tokenizer.added_tokens_decoder
    raw = [b""] * vocabulary_size
    for spelling, id in tokenizer.get_vocab().items():
        if id in added:
            raw[id] = b"" if added[id].special else added[id].content.encode()
        else:
            raw[id] = bytes(byte_of[character] for character in spelling)
    return raw
