"""The catalog: every model of the gallery, in one list. Adding a model means adding a spec in `models/specs/` and a
loader for it.

Memory figures were measured on the CPU as growth of the resident set; those for CUDA are weights in bfloat16 plus
working memory, estimated.
"""

from models.spec import ModelSpec
from models.specs.audio_super_resolution import AUDIO_SUPER_RESOLUTION
from models.specs.colorization import COLORIZATION
from models.specs.detection import DETECTION
from models.specs.hub_editing import HUB_EDITING
from models.specs.hub_image_generation import HUB_IMAGE_GENERATION
from models.specs.hub_language import HUB_LANGUAGE
from models.specs.hub_speech import HUB_SPEECH
from models.specs.hub_super_resolution import HUB_SUPER_RESOLUTION
from models.specs.hub_text_to_image import HUB_TEXT_TO_IMAGE
from models.specs.image_generation import IMAGE_GENERATION
from models.specs.image_translation import IMAGE_TRANSLATION
from models.specs.inpainting import INPAINTING
from models.specs.language import LANGUAGE
from models.specs.progress import PROGRESS
from models.specs.speech import SPEECH
from models.specs.style_transfer import STYLE_TRANSFER
from models.specs.super_resolution import SUPER_RESOLUTION
from models.specs.text_to_image import TEXT_TO_IMAGE
from models.specs.wavenet import WAVENET

CATALOG: tuple[ModelSpec, ...] = (
    *IMAGE_GENERATION,
    *HUB_IMAGE_GENERATION,
    *PROGRESS,
    *SUPER_RESOLUTION,
    *HUB_SUPER_RESOLUTION,
    *INPAINTING,
    *COLORIZATION,
    *STYLE_TRANSFER,
    *IMAGE_TRANSLATION,
    *HUB_EDITING,
    *TEXT_TO_IMAGE,
    *HUB_TEXT_TO_IMAGE,
    *SPEECH,
    *HUB_SPEECH,
    *AUDIO_SUPER_RESOLUTION,
    *WAVENET,
    *LANGUAGE,
    *HUB_LANGUAGE,
    *DETECTION,
)
