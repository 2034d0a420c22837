"""From a picture file to pixels within bounds: so many and no more, and one large picture at a time.

A file of a few hundred kilobytes may hold more pixels than the machine has memory for. So the header is looked at
first, what is large waits for its turn and is reduced before anybody else sees it, and the memory of it goes back to
the system at once.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from PIL import ExifTags, Image, JpegImagePlugin, UnidentifiedImageError

from demos.memory import give_memory_back
from models.errors import BadInputError, BusyError

MAX_PIXELS = 2**24
"""16 megapixels: as many are decoded."""
MAX_JPEG_PIXELS = 2**26
"""A JPEG, as telephones make them, may have four times as many: it is reduced while it is being decoded."""
LARGE = 2**22
"""Pixels: what has more is decoded alone."""
PATIENCE = 60.0
"""Seconds that a large picture waits for those before it."""
_FORMATS = ("PNG", "JPEG", "WEBP")
_MOST_SCANS = 200
"""Of a JPEG. A progressive one has about ten; ten thousand, each of which goes over all of its pixels, take minutes."""
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each orientation of EXIF."""
_LIMITS = (
    f"at most {MAX_PIXELS // 10**6} can be read, of a JPEG {MAX_JPEG_PIXELS // 10**6}. Please make it smaller first."
)
_large_one = threading.Semaphore(1)
# In blocks of Pillow's own 16 MB the C library keeps the memory of large pictures for later; anything above 32 MB it
# gives back as soon as it is freed.
Image.core.set_block_size(4 * MAX_PIXELS)  # type: ignore[attr-defined]


def decode(file: BinaryIO, finish: Callable[[Image.Image], Image.Image], *, at_most: int | None = None) -> Image.Image:
    """The picture in `file` (PNG, JPEG or WebP; of moving ones the first frame), after `finish`, upright, and no wider
    and higher than `at_most` pixels.

    Raises `BadInputError` for what is no such picture, damaged or too large, and `BusyError` where large pictures come
    faster than they can be read.
    """
    # Opened twice: what a large picture took shall be free again when its turn ends.
    with _turn(_checked_size(file)):
        return _pixels(file, finish, at_most)


def _checked_size(file: BinaryIO) -> int:
    """Pixels, by the header alone."""
    try:
        with Image.open(file, formats=_FORMATS) as picture:
            pixels = picture.width * picture.height
            jpeg = isinstance(picture, JpegImagePlugin.JpegImageFile)
    except UnidentifiedImageError:
        raise BadInputError("This file is not a PNG, JPEG or WebP picture; please choose one that is.") from None
    except Image.DecompressionBombError:  # so many that Pillow does not even open it
        raise BadInputError(f"This picture has far too many megapixels; {_LIMITS}") from None
    except Exception:  # noqa: BLE001 - a decoder raises whatever it stumbles over in a damaged file
        raise _damaged() from None
    if pixels > (MAX_JPEG_PIXELS if jpeg else MAX_PIXELS):
        raise BadInputError(f"This picture has {pixels / 1e6:.0f} megapixels; {_LIMITS}")
    if jpeg and _scans(file) > _MOST_SCANS:
        raise _damaged()
    return pixels


def _pixels(file: BinaryIO, finish: Callable[[Image.Image], Image.Image], at_most: int | None) -> Image.Image:
    try:
        with Image.open(file, formats=_FORMATS) as picture:
            _reduce_while_decoding(picture, at_most)
            picture.load()
            orientation = _orientation(picture)
            whole = finish(picture)
            if at_most is not None:
                whole.thumbnail((at_most, at_most), Image.Resampling.LANCZOS)
            return whole.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else whole
    except Exception:  # noqa: BLE001 - as above
        raise _damaged() from None


def _damaged() -> BadInputError:
    return BadInputError("This picture is damaged and cannot be read; please try another one.")


def _reduce_while_decoding(picture: Image.Image, at_most: int | None) -> None:
    """Lets the decoder of a large JPEG leave out frequencies, to a half, a quarter or an eighth of the side: as it must
    for `MAX_PIXELS`, and as it may with twice of what is kept left. No other format can."""
    pixels = picture.width * picture.height
    if pixels <= LARGE:
        return
    enough = 2 * at_most if at_most else max(picture.size)
    part = next((part for part in (8, 4, 2) if max(picture.size) // part >= enough), 2 if pixels > MAX_PIXELS else 1)
    picture.draft(None, (picture.width // part, picture.height // part))


def _scans(file: BinaryIO) -> int:
    """How many times the data of a JPEG go over the picture."""
    file.seek(0)
    return file.read().count(b"\xff\xda")


def _orientation(picture: Image.Image) -> int:
    """How the camera was held, 1 to 8 as in EXIF; 1 where nothing is said, or nothing that can be read."""
    try:
        return int(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 - of the notes on a picture none is worth more than the picture
        return 1


@contextmanager
def _turn(pixels: int) -> Iterator[None]:
    """Lets one large picture at a time through."""
    if pixels <= LARGE:
        yield
        return
    if not _large_one.acquire(timeout=PATIENCE):
        raise BusyError("Many large pictures are being read just now; please try again in a minute.")
    try:
        yield
    finally:
        _large_one.release()
        give_memory_back()
