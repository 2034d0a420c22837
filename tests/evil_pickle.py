"""What a pickled file could do to whoever reads it without care."""

import os
from pathlib import Path
from typing import Any


class Evil:
    """Pickled, it asks its reader to make a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.folder),)
