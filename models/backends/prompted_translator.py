"""Translation by asking: a language model that follows instructions translates when its prompt tells it to.

Nothing is loaded here. The translator writes with a language model that is in memory already, so one engine serves
language, code and translation.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from models.beam_search import beam_search
from models.errors import BadInputError
from models.fill_in_middle import as_plain_text
from models.tasks import LanguageModel, TextRequest, Token, Translation, TranslationRequest, Translator

LANGUAGES = {"zh": "Chinese", "en": "English", "de": "German", "fr": "French", "es": "Spanish"}

CONTROL_TOKENS = {151644: "<|im_start|>", 151645: "<|im_end|>"}
_START, _END = CONTROL_TOKENS


def translator_on(backend: Any) -> Translator:
    """A loaded model as a translator: itself if it is one, else the language model that it is, prompted."""
    translator: Translator = backend if hasattr(backend, "translate") else PromptedTranslator(backend)
    return translator


@dataclass(frozen=True)
class ChatRequest(TextRequest):
    """Answer `prompt`, the message of a user."""

    @property
    def pieces(self) -> tuple[str | int, ...]:
        """The chat template of Qwen2.5 (Yang et al. 2024, https://arxiv.org/abs/2412.15115).

        Control tokens are ids; what looks like one in the message stays text.
        """
        system = (_START, "system\nYou are a translator.", _END, "\n")
        user = (_START, *as_plain_text(f"user\n{self.prompt}"), _END, "\n")
        return (*system, *user, _START, "assistant\n", *self.forced)


class PromptedTranslator:
    """A `Translator` on top of an instruction-tuned language model that knows the chat template of Qwen2.5."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model

    def translate(self, request: TranslationRequest) -> Iterator[Translation]:
        """Yields the growing translation. Raises `BadInputError` for a language that is not in `LANGUAGES`."""
        chat = _chat(request)
        if request.decoding == "beam":
            for best, *_ in beam_search(self._model, chat):
                yield Translation(best.tokens)
            return
        tokens: tuple[Token, ...] = ()
        for token in self._model.generate(chat):
            tokens = (*tokens, token)
            yield Translation(tokens)
        yield Translation(tokens)


def _chat(request: TranslationRequest) -> ChatRequest:
    unknown = {request.source, request.target} - LANGUAGES.keys()
    if unknown:
        raise BadInputError(f"This model is not asked to translate {', '.join(sorted(unknown))}; choose from the list.")
    return ChatRequest(
        f"Translate into {LANGUAGES[request.target]}: {request.text}",
        request.forced,
        request.max_new_tokens,
        request.temperature if request.decoding == "sampling" else 0.0,
        seed=request.seed,
    )
