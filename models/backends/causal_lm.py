"""Language models on transformers, one step at a time: the way for CUDA, from the same GGUF files as on the CPU."""

from collections.abc import Iterator
from pathlib import Path

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DynamicCache,
    GgufConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.convert_slow_tokenizer import bytes_to_unicode

from models.devices import Device, configure_torch
from models.errors import BadInputError
from models.tasks import Candidate, TextRequest, Token

# What ends a text beside the tokenizer's own token: base models and chat models of one family differ in it.
_ENDS = ("<|endoftext|>", "<|im_end|>")


def load(files: Path, device: Device) -> "CausalLM":
    """The model in the only GGUF file of `files`, its weights unpacked to the number format of `device`."""
    configure_torch()
    (model,) = files.glob("*.gguf")
    network: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
        files,
        gguf_file=model.name,
        # Packed weights would need kernels from the hub, which are code, and run slower than plain bfloat16.
        quantization_config=GgufConfig(dequantize=True),
        dtype=getattr(torch, device.precision),
        local_files_only=True,
    )
    tokenizer = AutoTokenizer.from_pretrained(files, gguf_file=model.name, local_files_only=True)
    network.to(torch.device(device.kind))  # type: ignore[arg-type]
    return CausalLM(network, tokenizer)


class CausalLM:
    """A `LanguageModel`. Any number of threads may generate at once: each request has its own key-value cache, and the
    network only reads its weights. `tokenizer` must be a byte-level BPE, as those of GPT-2, SmolLM2 and Qwen are."""

    def __init__(self, network: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        self._network = network
        self._tokenizer = tokenizer
        self._raw = _bytes_of_tokens(tokenizer, network.config.vocab_size)
        vocabulary = tokenizer.get_vocab()
        self._ends = {tokenizer.eos_token_id} | {vocabulary[end] for end in _ENDS if end in vocabulary}
        self._context: int = network.config.max_position_embeddings

    def generate(self, request: TextRequest) -> Iterator[Token]:
        """Yields each new token as it is decided.

        Raises `BadInputError` for a prompt longer than the model's context and for foreign token ids.
        """
        text = self._read(request)
        device = self._network.device
        generator = torch.Generator(device).manual_seed(request.seed % 2**32)
        cache = DynamicCache(config=self._network.config)
        for _ in range(min(request.max_new_tokens, self._context - len(text))):
            logits = self._next_logits(text, cache)
            token = self._token(logits, draw(logits, request, generator), request.alternatives)
            if token.id in self._ends:
                return
            yield token
            text = [token.id]

    def _read(self, request: TextRequest) -> list[int]:
        # What looks like a control token in the text of a visitor is text.
        text = [*self._tokenizer(request.prompt, split_special_tokens=True).input_ids, *request.forced]
        if len(text) >= self._context:
            raise BadInputError(
                f"This text is too long: it has {len(text):,} tokens and the model reads at most {self._context:,}; "
                "please shorten it."
            )
        if max(text) >= len(self._raw):
            raise BadInputError("This model does not know these tokens; please start again from your text.")
        return text

    @torch.inference_mode()
    def _next_logits(self, text: list[int], cache: DynamicCache) -> torch.Tensor:
        """Logits (vocabulary size, float32) of what follows the cached text and then `text`."""
        ids = torch.tensor([text], device=self._network.device)
        logits: torch.Tensor = self._network(input_ids=ids, past_key_values=cache, logits_to_keep=1).logits
        return logits[0, -1].float()

    def _token(self, logits: torch.Tensor, choice: int, count: int) -> Token:
        probabilities = logits.softmax(-1)
        likeliest = probabilities.topk(min(count, len(probabilities)))
        alternatives = tuple(
            Candidate(id, self._raw[id], probability)
            for id, probability in zip(likeliest.indices.tolist(), likeliest.values.tolist(), strict=True)
        )
        return Token(choice, self._raw[choice], float(probabilities[choice]), alternatives)


def draw(logits: torch.Tensor, request: TextRequest, generator: torch.Generator) -> int:
    """One token id from `logits` (vocabulary size, float32): temperature first, then top-k (Fan et al. 2018), then
    top-p (Holtzman et al. 2020, nucleus sampling), which keeps the likeliest tokens up to the one that reaches p.
    """
    if request.greedy:
        return int(logits.argmax())
    logits, ids = (logits / request.temperature).sort(descending=True)
    if request.top_k:
        logits, ids = logits[: request.top_k], ids[: request.top_k]
    probabilities = logits.softmax(-1)
    kept = probabilities.cumsum(-1) - probabilities < request.top_p
    kept[0] = True  # also where rounding leaves nothing
    return int(ids[torch.multinomial(probabilities * kept, 1, generator=generator)])


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
