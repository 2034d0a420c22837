"""How long a request needs a graphics card, for a host that lends one by the second (ZeroGPU).

Estimates for a large card (H200) that err on the long side: no such card was at hand to measure. Too long a time costs
a place in the line, too short a one may end the work half-way.
"""

import math

from models.colorization import ColorizationRequest
from models.generation import SampleRequest
from models.inpainting import InpaintingRequest
from models.styling import ImageTranslationRequest
from models.tasks import SpeechRequest, TextRequest, TranslationRequest, UpscaleRequest
from models.text_to_image import StrokeToImageRequest, TextToImageRequest

FEWEST, MOST, UNKNOWN = 10, 120, 60
"""Seconds; a visitor without an account has a few minutes a day."""
_START = 8.0
"""Seconds until a fresh process has the weights on the card."""
_STEP_OF_A_MEGAPIXEL = 0.4
_STEPS = 30
"""Of a pipeline whose request does not say."""
_MILLION_LATENTS = 5.0
"""A million numbers of noise, made into pictures by a network that is run a hundred times: five of 256 x 256."""
_TOKEN = 0.04
_SPOKEN_CHARACTER = 0.15
"""Bark writes 200 tokens for a second of speech, which has 15 characters; smaller speakers ask for no card."""


def gpu_seconds(*arguments: object) -> int:
    """Whole seconds for a call with these arguments; `UNKNOWN` if no request known here is among them."""
    works = [work for argument in arguments if (work := _work(argument)) is not None]
    return min(MOST, max(FEWEST, math.ceil(_START + sum(works)))) if works else UNKNOWN


def _work(request: object) -> float | None:
    match request:
        case TextRequest() | TranslationRequest():
            return request.max_new_tokens * _TOKEN
        case SpeechRequest():
            return len(request.text) * _SPOKEN_CHARACTER
        case TextToImageRequest():
            return len(request.seeds) * request.steps * _STEP_OF_A_MEGAPIXEL
        case StrokeToImageRequest():
            return len(request.strengths) * request.steps * _STEP_OF_A_MEGAPIXEL
        case SampleRequest():
            return request.latents.size / 1e6 * _MILLION_LATENTS
        case ColorizationRequest():
            return (1 + request.draws) * _STEPS * _STEP_OF_A_MEGAPIXEL
        case UpscaleRequest() | InpaintingRequest() | ImageTranslationRequest():
            megapixels = request.image.width * request.image.height / 1e6
            return max(1.0, megapixels) * _STEPS * _STEP_OF_A_MEGAPIXEL
        case _:
            return None
