"""Pictures that the page sends ahead of the event they belong to, kept until it comes: few, small and not for long."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from demos.memory import give_memory_back
from models.errors import BadInputError

MAX_LAYERS = 8
MAX_BYTES = 10 * 2**20
"""Of one picture: the page sends what it shows, not what was uploaded."""
MAX_BYTES_IN_ALL = 100 * 2**20
MAX_DRAWINGS = 200
KEPT_SECONDS = 60.0
"""The event comes within a second of its pictures, unless the visitor has left."""


@dataclass
class Drawing:
    """What has come of one drawing so far."""

    since: float
    background: bytes | None = None
    composite: bytes | None = None
    layers: dict[int, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(len(part) for part in (self.background, self.composite, *self.layers.values()) if part)


class Blobs:
    """Drawings by the names that pages give them. When there are too many, the oldest go. For any number of threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, kept_seconds: float = KEPT_SECONDS) -> None:
        self._clock = clock
        self._kept_seconds = kept_seconds
        self._lock = threading.Lock()
        self._drawings: dict[str, Drawing] = {}
        self._looks_again = False

    def __len__(self) -> int:
        return len(self._drawings)

    @property
    def size(self) -> int:
        """Bytes that are held."""
        with self._lock:
            return self._size()

    def put(self, name: object, part: object, layer: object, content: object) -> None:
        """Keeps one picture: the "background", the "composite", or the "layer" of that number. Raises `BadInputError`
        for everything else."""
        number = _layer_number(layer) if part == "layer" else 0
        if part not in ("background", "composite", "layer") or not isinstance(name, str) or not 0 < len(name) <= 100:
            raise BadInputError("A drawing consists of a background, layers and a composite; please draw it again.")
        if not isinstance(content, bytes) or len(content) > MAX_BYTES:
            raise BadInputError(f"A drawing may have {MAX_BYTES >> 20} MB at most; please use a smaller picture.")
        with self._lock:
            drawing = self._drawings.setdefault(name, Drawing(self._clock()))
            if part == "layer":
                drawing.layers[number] = content
            elif part == "background":
                drawing.background = content
            else:
                drawing.composite = content
            self._forget()
            self._look_again()

    def take(self, name: str) -> Drawing | None:
        """What was sent under that name, which is forgotten with it; None if nothing was, or too long ago."""
        with self._lock:
            self._forget()
            return self._drawings.pop(name, None)

    def _forget(self) -> None:
        size, until = self._size(), self._clock() - self._kept_seconds
        for name, drawing in list(self._drawings.items()):  # the oldest come first
            if drawing.since >= until and size <= MAX_BYTES_IN_ALL and len(self._drawings) <= MAX_DRAWINGS:
                return
            size -= drawing.size
            del self._drawings[name]

    def _look_again(self) -> None:
        """Sees to it that drawings are forgotten also when nobody draws any more."""
        if self._drawings and not self._looks_again:
            self._looks_again = True
            timer = threading.Timer(self._kept_seconds, self._looked_again)
            timer.daemon = True
            timer.start()

    def _looked_again(self) -> None:
        with self._lock:
            self._looks_again = False
            self._forget()
            self._look_again()
        give_memory_back()

    def _size(self) -> int:
        return sum(drawing.size for drawing in self._drawings.values())


def _layer_number(layer: object) -> int:
    """Before anything grows to hold it: the page sends text, and "null" where there is none."""
    number = int(layer) if isinstance(layer, str) and layer.isascii() and layer.isdigit() and len(layer) < 9 else layer
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < MAX_LAYERS:
        raise BadInputError(f"At most {MAX_LAYERS} layers can be read; please merge them.")
    return number
