"""Style transfer in one pass through a network, with onnxruntime.

`LearntStyles` knows 26 styles by heart: each is a set of scales and shifts in its normalisation layers (conditional
instance normalisation, Dumoulin et al. 2017, arXiv:1610.07629), so mixing styles means mixing those numbers.
`AnyStyle` has a second network that reads the same kind of numbers off any picture (Ghiasi et al. 2017,
arXiv:1705.06830).
"""

from collections.abc import Generator
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

from models.devices import Device
from models.errors import BadInputError
from models.styling import LEARNT_STYLES, StyleRequest, StyleSource, Stylised, style_number
from models.tasks import Progress

Floats = NDArray[np.float32]


def load_learnt_styles(files: Path, device: Device) -> "LearntStyles":
    """26 styles, in `files / "multistyle26.onnx"`."""
    return LearntStyles(_session(files / "multistyle26.onnx", device))


def load_any_style(files: Path, device: Device) -> "AnyStyle":
    """Two networks, in `files / "arbitrary_predict.onnx"` and `files / "arbitrary_transform.onnx"`."""
    return AnyStyle(
        _session(files / "arbitrary_predict.onnx", device), _session(files / "arbitrary_transform.onnx", device)
    )


def _session(path: Path, device: Device) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = device.threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # threads that wait leave the cores free
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _run(network: onnxruntime.InferenceSession, **inputs: Floats) -> Floats:
    """The network's only output."""
    (output,) = network.run(None, inputs)
    return np.asarray(output, np.float32)


class LearntStyles:
    """A `Stylist` for `LEARNT_STYLES`. Any number of threads may use it at once.

    Strength fades to the photograph itself: among the styles there is none that changes nothing.
    """

    def __init__(self, network: onnxruntime.InferenceSession) -> None:
        self._network = network

    def stylise(self, request: StyleRequest) -> Generator[Progress | Stylised, None, None]:
        """Yields `Stylised` at once. Raises `BadInputError` for a style that is not among the learnt ones."""
        shares = np.zeros(len(LEARNT_STYLES), np.float32)
        for style, share in request.styles:
            if not isinstance(style, str):
                raise BadInputError("This model has learnt 26 styles and no others; choose “Any picture as the style”.")
            shares[style_number(style)] += share
        photo = request.image.convert("RGB")
        painting = self._paint(photo, shares / shares.sum())
        if request.keep_colours:
            painting = with_colours_of(photo, painting)
        yield Stylised(Image.blend(photo, painting, request.strength))

    def _paint(self, photo: Image.Image, shares: Floats) -> Image.Image:
        pixels = _as_numbers(photo)
        height, width, _ = pixels.shape
        # The network halves both sides twice: a mirrored border makes them divisible, and is cut off again.
        pixels = np.pad(pixels, ((0, -height % 4), (0, -width % 4), (0, 0)), mode="reflect")
        x = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])
        painting = _run(self._network, image=x, style_weights=shares)
        return _as_picture(painting[0].transpose(1, 2, 0)[:height, :width])


class AnyStyle:
    """A `Stylist` for any pictures as styles. Any number of threads may use it at once.

    The networks' sizes are fixed: a style is seen at 256 x 256 pixels, and the photograph is painted at 384 pixels on
    its longer side, then enlarged. Strength goes from the photograph's own style to the wanted one.
    """

    style_side = 256
    photo_side = 384

    def __init__(self, reader: onnxruntime.InferenceSession, painter: onnxruntime.InferenceSession) -> None:
        self._reader = reader
        self._painter = painter

    def stylise(self, request: StyleRequest) -> Generator[Progress | Stylised, None, None]:
        """Yields `Progress` after each style that has been read and `Stylised` last.

        Raises `BadInputError` if a style is a name instead of a picture.
        """
        photo = request.image.convert("RGB")
        wanted = np.zeros(100, np.float32)
        total = sum(share for _, share in request.styles)
        for number, (style, share) in enumerate(request.styles, 1):
            wanted += self.style_vector(style) * np.float32(share / total)
            yield Progress("style read", number, len(request.styles))
        if request.strength < 1:
            wanted = request.strength * wanted + (1 - request.strength) * self.style_vector(photo)
        painting = self._paint(photo, wanted.astype(np.float32))
        if request.keep_colours:
            painting = with_colours_of(photo, painting)
        yield Stylised(painting)

    def style_vector(self, style: StyleSource) -> Floats:
        """The 100 numbers that the first network reads off the square in the middle of a picture."""
        if isinstance(style, str):
            raise BadInputError("This model takes a picture as the style; give one, or choose the 26 learnt styles.")
        style = style.convert("RGB")
        side = min(style.size)
        left, top = (style.width - side) // 2, (style.height - side) // 2
        square = style.crop((left, top, left + side, top + side))
        square = square.resize((self.style_side, self.style_side), Image.Resampling.LANCZOS)
        return _run(self._reader, style_image=_as_numbers(square)[None]).reshape(100)

    def _paint(self, photo: Image.Image, vector: Floats) -> Image.Image:
        scale = self.photo_side / max(photo.size)
        width, height = (max(1, round(length * scale)) for length in photo.size)
        pixels = _as_numbers(photo.resize((width, height), Image.Resampling.LANCZOS))
        pixels = np.pad(pixels, ((0, self.photo_side - height), (0, self.photo_side - width), (0, 0)), mode="reflect")
        photo_input, style_input = (str(value.name) for value in self._painter.get_inputs())
        painting = _run(self._painter, **{photo_input: pixels[None], style_input: vector.reshape(1, 1, 1, 100)})
        return _as_picture(painting[0][:height, :width]).resize(photo.size, Image.Resampling.LANCZOS)


def with_colours_of(photo: Image.Image, painting: Image.Image) -> Image.Image:
    """The brightness of `painting` (Y of YCbCr) in the colours of `photo` (Cb and Cr); both RGB, of one size."""
    brightness = painting.convert("YCbCr").getchannel("Y")
    _, blue, red = photo.convert("YCbCr").split()
    return Image.merge("YCbCr", (brightness, blue, red)).convert("RGB")


def _as_numbers(picture: Image.Image) -> Floats:
    """RGB -> (height, width, 3) in [0, 1]."""
    return np.asarray(picture, np.float32) / np.float32(255)


def _as_picture(pixels: Floats) -> Image.Image:
    """(height, width, 3) in about [0, 1] -> RGB."""
    return Image.fromarray((pixels.clip(0, 1) * 255 + 0.5).astype(np.uint8))
