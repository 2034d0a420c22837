"""Encoder-decoder translation models in the manner of Helsinki-NLP/opus-mt (Junczys-Dowmunt et al. 2018, Marian;
Tiedemann and Thottingal 2020, OPUS-MT), on transformers' own `generate`.
"""

from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, StoppingCriteriaList
from transformers.utils import logging as transformers_logging

from models.backends.each_token import EachToken
from models.backends.safe_loading import SAFE
from models.backends.watched import watched
from models.beam_search import WIDTH
from models.devices import Device, configure_torch
from models.errors import BadInputError
from models.tasks import Candidate, Token, Translation, TranslationRequest

ALTERNATIVES = 10
_TOP_K, _TOP_P = 40, 0.95
_SPACE = "\N{LOWER ONE EIGHTH BLOCK}"  # how SentencePiece writes a space
# opus-mt models name their languages by ISO 639-1 or by ISO 639-3.
_SHORT = {"zho": "zh", "cmn": "zh", "eng": "en", "deu": "de", "fra": "fr", "spa": "es"}


def load(files: Path, device: Device) -> "Marian":
    """The model in `files`: config, safetensors, vocab.json, source.spm, target.spm and tokenizer_config.json."""
    configure_torch()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    network = AutoModelForSeq2SeqLM.from_pretrained(
        files,
        dtype=getattr(torch, device.precision),
        attn_implementation="eager",  # the others do not tell where they look
        **SAFE,
    )
    tokenizer = AutoTokenizer.from_pretrained(files, local_files_only=True)
    return Marian(network.to(torch.device(device.kind)).eval(), tokenizer)


class Marian:
    """A `Translator` for one direction. Serves one request at a time: sampling draws from torch's global generator."""

    def __init__(self, network: Any, tokenizer: Any) -> None:
        self._network = network
        self._tokenizer = tokenizer
        languages = (tokenizer.source_lang, tokenizer.target_lang)
        self.direction = tuple(_SHORT.get(language, language) for language in languages)

    def translate(self, request: TranslationRequest) -> Generator[Translation, None, None]:
        """Yields the growing translation, the finished one last, with its cross-attention.

        Raises `BadInputError` for another direction than the model's and for a text longer than it reads.
        """
        if (request.source, request.target) != self.direction:
            raise BadInputError(f"This model translates from {' to '.join(self.direction)} only; please choose that.")
        source = self._read(request)
        beginning = torch.tensor([[self._network.config.decoder_start_token_id, *request.forced]], device=source.device)
        best = yield from watched(partial(self._generate, request, source, beginning))
        yield self._explained(source, beginning, best)

    def _read(self, request: TranslationRequest) -> torch.Tensor:
        # Marian has no control tokens that matter in running text, and none of its pieces may be one.
        pieces = self._tokenizer.tokenize(request.text)
        special = set(self._tokenizer.all_special_ids) - {self._tokenizer.unk_token_id}
        ids = [id for id in self._tokenizer.convert_tokens_to_ids(pieces) if id not in special]
        most = self._network.config.max_position_embeddings
        if len(ids) >= most or len(request.forced) >= most:
            raise BadInputError(
                f"This text is too long: it has {len(ids):,} tokens and the model reads at most {most - 1:,}; "
                "please shorten it."
            )
        if any(id >= self._network.config.decoder_vocab_size for id in request.forced):
            raise BadInputError("This model does not know these tokens; please start again from your text.")
        return torch.tensor([[*ids, self._tokenizer.eos_token_id]], device=self._network.device)

    def _generate(
        self,
        request: TranslationRequest,
        source: torch.Tensor,
        beginning: torch.Tensor,
        tell: Callable[[Translation], None],
    ) -> list[int]:
        """The ids of the translation; tells after each step what is written."""

        def written(ids: torch.Tensor) -> list[int]:
            return self._without_end(ids[0, beginning.shape[1] :].tolist())

        def growing(ids: torch.Tensor) -> None:
            # How likely each token was is known at the end: until then it counts as certain.
            tell(Translation(tuple(Token(id, self._raw(id), 1.0) for id in written(ids))))

        beams = WIDTH if request.decoding == "beam" else 1
        drawing: dict[str, Any] = {"do_sample": False, "num_beams": beams}
        if request.decoding == "sampling":
            drawing |= {"do_sample": True, "temperature": request.temperature, "top_k": _TOP_K, "top_p": _TOP_P}
        room = self._network.config.max_position_embeddings - beginning.shape[1]
        with torch.random.fork_rng(enabled=request.decoding == "sampling"), torch.inference_mode():
            torch.manual_seed(request.seed)
            best = self._network.generate(
                source,
                decoder_input_ids=beginning,
                max_new_tokens=max(1, min(request.max_new_tokens, room)),
                max_length=None,
                stopping_criteria=StoppingCriteriaList([EachToken(growing)]),
                **drawing,
            )
        return written(best)

    @torch.inference_mode()
    def _explained(self, source: torch.Tensor, beginning: torch.Tensor, ids: list[int]) -> Translation:
        """The finished translation, read once more to see how likely each token was and where the decoder looked."""
        said = torch.tensor([ids], device=source.device, dtype=torch.long)
        answer = self._network(
            input_ids=source,
            decoder_input_ids=torch.cat([beginning, said], 1),
            output_attentions=True,
        )
        # Row t of logits and of attention belongs to the token at t + 1.
        probabilities = answer.logits[0, :-1].float().softmax(-1)[beginning.shape[1] - 1 :]
        tokens = tuple(self._token(id, row) for id, row in zip(ids, probabilities, strict=True))
        attention = torch.stack(answer.cross_attentions)[:, 0].float().mean((0, 1))[:-1]
        pieces = self._tokenizer.convert_ids_to_tokens(source[0].tolist())
        return Translation(tokens, tuple(piece.replace(_SPACE, " ") for piece in pieces), attention.cpu().numpy())

    def _token(self, id: int, probabilities: torch.Tensor) -> Token:
        likeliest = probabilities.topk(min(ALTERNATIVES, len(probabilities)))
        alternatives = tuple(
            Candidate(other, self._raw(other), probability)
            for other, probability in zip(likeliest.indices.tolist(), likeliest.values.tolist(), strict=True)
        )
        return Token(id, self._raw(id), float(probabilities[id]), alternatives)

    def _raw(self, id: int) -> bytes:
        if id in self._tokenizer.all_special_ids:
            return b""
        spelled: str = self._tokenizer.convert_ids_to_tokens(id)
        return spelled.replace(_SPACE, " ").encode()

    def _without_end(self, ids: list[int]) -> list[int]:
        ends = (self._tokenizer.eos_token_id, self._tokenizer.pad_token_id)
        return ids[: next((place for place, id in enumerate(ids) if id in ends), len(ids))]
