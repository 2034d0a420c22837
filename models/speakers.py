"""What is known of a model that speaks before it is loaded: its voices, whether it can hurry, what its seed changes."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.errors import BadInputError
from models.tasks import SpeechRequest

MIN_SPEED, MAX_SPEED = 0.5, 2.0


@dataclass(frozen=True)
class Delivery:
    """How a model speaks."""

    voices: Mapping[str, str]
    """Name for people, by id; the first is the model's own choice."""
    seed: str
    """What another seed changes, in a sentence for students."""
    has_speed: bool = True
    seed_keeps_timing: bool = False
    """Whether the sound of another seed has every word at the same place, so that the two can be subtracted."""

    @property
    def voice(self) -> str:
        """The id of the voice to start with."""
        return next(iter(self.voices))

    def check(self, request: SpeechRequest) -> None:
        """Raises `BadInputError` for a voice, a speed or a seed that the model does not have."""
        if request.voice not in self.voices:
            raise BadInputError(f"There is no voice “{request.voice[:40]}” here: choose {', '.join(self.voices)}.")
        if not MIN_SPEED <= request.speed <= MAX_SPEED:
            raise BadInputError(f"The speed must be between {MIN_SPEED:g} and {MAX_SPEED:g}.")
        if request.speed != 1 and not self.has_speed:
            raise BadInputError("This model speaks at a pace of its own: leave the speed at 1.")
        if request.seed < 0:
            raise BadInputError("The seed must be a whole number, 0 or larger.")


HIBARI = Delivery(
    voices={"heart": "Heart, American English"},
    seed="The seed draws a faint noise, some 40 dB below the voice; words, melody and timing follow from the text "
    "alone.",
    seed_keeps_timing=True,
)
VITS = Delivery(
    voices={"lj": "LJ, American English"},
    seed="The seed draws rhythm and melody: no two readings of a sentence are the same.",
)
BARK = Delivery(
    voices={f"v2/en_speaker_{number}": f"Speaker {number}, English" for number in (6, *range(6), 7, 8, 9)},
    seed="The seed draws everything that the text leaves open: rhythm, melody, mood, breaths, at times other words.",
    has_speed=False,
)

DELIVERIES: Mapping[str, Delivery] = {"hibari-heart": HIBARI, "vits-ljs": VITS, "bark-small": BARK, "bark": BARK}
"""By model id."""
