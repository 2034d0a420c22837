"""Files that visitors name, opened so that no name can do harm: whatever is no plain file is refused, and opening never
waits, as it would for the other end of a pipe."""

import os
import stat
from typing import BinaryIO

from models.errors import BadInputError

LARGEST_FILE = 64 * 2**20
"""Bytes. An upload has a third of that at most; what the gallery made, and a visitor hands back, may have more."""
_NO_FILES = ("/proc/", "/sys/")
"""What lies here looks like files and is the system."""
REFUSED = "This file is not here any more (uploads are kept for an hour); please upload it again."
"""For whatever is refused, whether it is there or not: who tries out paths learns nothing."""


def open_upload(path: str) -> BinaryIO:
    """The file at `path`, for reading. Raises `BadInputError`, always with the same sentence, for anything that is not
    a regular file of at most 64 MiB which this process may read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError):  # ValueError: a zero byte in the name
        raise BadInputError(REFUSED) from None
    facts = os.fstat(descriptor)
    is_file = stat.S_ISREG(facts.st_mode) and facts.st_size <= LARGEST_FILE
    if not is_file or os.path.realpath(path).startswith(_NO_FILES):
        os.close(descriptor)
        raise BadInputError(REFUSED)
    return os.fdopen(descriptor, "rb")
