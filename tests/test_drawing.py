"""Drawings and masks from the canvas: bytes from the page, files from programs, and what cannot be used."""

from io import BytesIO
from pathlib import Path

import pytest
from gradio.components.image_editor import EditorData, EditorDataBlobs
from gradio.data_classes import FileData
from PIL import Image

from demos.drawing import MAX_LAYERS, drawing_canvas, read_drawing, read_mask
from models.errors import BadInputError


def png(picture: Image.Image, **options: object) -> bytes:
    content = BytesIO()
    picture.save(content, "PNG", **options)
    return content.getvalue()


def painted(size: tuple[int, int], box: tuple[int, int, int, int], alpha: int = 255) -> Image.Image:
    """A transparent layer with a red box."""
    layer = Image.new("RGBA", size)
    layer.paste((255, 0, 0, alpha), box)
    return layer


def value(background: object = None, layers: object = (), composite: object = None) -> dict[str, object]:
    return {"background": background, "layers": list(layers), "composite": composite}  # type: ignore[call-overload]


def test_a_drawing_is_laid_on_white() -> None:
    drawing = read_drawing(value(composite=png(painted((20, 10), (0, 0, 5, 5)))))
    assert (drawing.mode, drawing.size) == ("RGB", (20, 10))
    assert drawing.getpixel((2, 2)) == (255, 0, 0)
    assert drawing.getpixel((15, 8)) == (255, 255, 255)


@pytest.mark.parametrize(
    "blank",
    [
        None,
        "text",
        {},
        value(),
        value(composite=b""),
        value(composite=png(Image.new("RGBA", (30, 30)))),
        value(composite=png(Image.new("RGB", (1, 1), "red"))),
    ],
)
def test_a_blank_canvas_gets_a_sentence(blank: object) -> None:
    with pytest.raises(BadInputError, match="please draw something first"):
        read_drawing(blank)


def test_a_mask_is_the_union_of_all_paint() -> None:
    picture = Image.new("RGB", (20, 10), "blue")
    layers = [png(painted((20, 10), (0, 0, 2, 2))), None, png(painted((20, 10), (4, 4, 6, 6), alpha=3))]
    background, mask = read_mask(value(png(picture), layers, png(picture)))
    assert background.tobytes() == picture.tobytes()
    assert mask.shape == (10, 20)
    assert mask.sum() == 8
    assert [bool(mask[place, place]) for place in (1, 3, 5)] == [True, False, True]


def test_a_mask_without_paint_is_empty() -> None:
    picture = png(Image.new("RGB", (7, 5), "blue"))
    for layers in ([], [png(Image.new("RGBA", (7, 5)))]):
        assert not read_mask(value(picture, layers))[1].any()


def test_a_photograph_under_the_mask_stands_upright() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    content = BytesIO()
    Image.new("RGB", (20, 10)).save(content, "JPEG", exif=turned)
    background, mask = read_mask(value(content.getvalue(), [png(painted((10, 20), (0, 0, 1, 1)))]))
    assert background.size == (10, 20)
    assert mask.sum() == 1


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (value(), "give a picture first"),
        (value(b"no picture"), "not a PNG, JPEG or WebP"),
        (value(png(Image.new("RGB", (40, 40)))[:60]), "damaged"),
        (value(png(Image.new("1", (10_000, 10_000)))), "100 megapixels; at most 16"),
        (value(png(Image.new("RGB", (9, 9))), [png(Image.new("RGBA", (9, 8)))]), "differ in size"),
        (value(png(Image.new("RGB", (9, 9))), [b"x"] * (MAX_LAYERS + 1)), "At most"),
    ],
)
def test_what_cannot_be_read_gets_a_sentence(broken: object, sentence: str) -> None:
    with pytest.raises(BadInputError, match=sentence):
        read_mask(broken)


def test_the_canvas_hands_over_what_the_page_sent(tmp_path: Path) -> None:
    canvas = drawing_canvas(render=False)
    drawn = png(painted((8, 8), (0, 0, 4, 4)))
    canvas.blob_storage["one"] = EditorDataBlobs(background=None, layers=[drawn], composite=drawn)
    assert read_drawing(canvas.preprocess(EditorData(id="one"))).size == (8, 8)
    assert not canvas.blob_storage, "nothing is kept"
    for forgotten in (EditorData(id="one"), None):
        with pytest.raises(BadInputError, match="draw something first"):
            read_drawing(canvas.preprocess(forgotten))

    path = tmp_path / "drawing.png"
    path.write_bytes(drawn)
    assert read_drawing(canvas.preprocess(EditorData(composite=FileData(path=str(path))))).size == (8, 8)
