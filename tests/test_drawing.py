"""Drawings and masks from the canvas: bytes from the page, files from programs, and what cannot be used."""

import time
from io import BytesIO
from pathlib import Path

import gradio as gr
import pytest
from fastapi import HTTPException
from gradio.components.image_editor import EditorData
from gradio.data_classes import DataWithFiles, FileData
from PIL import Image

from demos.blobs import KEPT_SECONDS, MAX_BYTES, MAX_BYTES_IN_ALL, MAX_DRAWINGS, MAX_LAYERS, Blobs
from demos.drawing import blobs, drawing_canvas, read_drawing, read_mask
from demos.model_picker import model_input
from demos.pictures import picture_input
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


def sent(content: bytes, **data: object) -> DataWithFiles:
    """As the page sends a picture ahead of its event."""
    return DataWithFiles(data=data, files=[("blob", content)])


@pytest.mark.parametrize(
    "data",
    [
        sent(b"x", id="one", type="layer", index="25000000"),
        sent(b"x", id="one", type="layer", index="9" * 5000),
        sent(b"x", id="one", type="layer", index=MAX_LAYERS),
        sent(b"x", id="one", type="layer", index=-1),
        sent(b"x", id="one", type="layer", index="null"),
        sent(b"x", id="one", type="layer", index=1e400),
        sent(b"x", id="one", type="anything", index="0"),
        sent(b"x", id=7, type="composite", index="null"),
        sent(b"x", id="n" * 101, type="composite", index="null"),
        sent(b"x" * (MAX_BYTES + 1), id="one", type="composite", index="null"),
        sent(b"x"),
        DataWithFiles(data={"id": "one", "type": "composite"}, files=[]),
        {"id": "one"},
        None,
    ],
)
def test_a_blob_that_no_page_sends_is_refused_in_words(data: object) -> None:
    with pytest.raises(HTTPException) as refused:
        drawing_canvas(render=False).accept_blobs(data)
    assert refused.value.status_code == 422
    assert refused.value.detail.endswith(".")
    assert not len(blobs), "nothing has grown"


def test_blobs_that_nobody_fetches_are_bounded_in_number_bytes_and_age() -> None:
    now = 0.0
    kept = Blobs(lambda: now)
    for number in range(2 * MAX_DRAWINGS):
        kept.put(f"drawing {number}", "composite", None, b"x")
    assert len(kept) == MAX_DRAWINGS
    assert kept.take("drawing 0") is None, "the oldest go first"
    assert kept.take(f"drawing {2 * MAX_DRAWINGS - 1}") is not None

    large = bytes(MAX_BYTES)
    for number in range(MAX_LAYERS * 4):
        kept.put(f"large {number // MAX_LAYERS}", "layer", number % MAX_LAYERS, large)
        assert kept.size <= MAX_BYTES_IN_ALL
    kept.put("late", "composite", None, b"x")
    assert len(kept) > 1
    now = KEPT_SECONDS + 1
    assert kept.take("late") is None
    assert kept.size == 0


@pytest.mark.parametrize(
    "component", [drawing_canvas(render=False), picture_input(render=False), model_input("a model")]
)
def test_a_component_that_gradio_makes_anew_for_a_visitor_is_still_ours(component: gr.components.Component) -> None:
    """As `Blocks.postprocess_data` does after every update of it."""
    anew = type(component)(**component.constructor_args | {"render": False})
    assert anew.preprocess.__func__ is component.preprocess.__func__  # type: ignore[attr-defined]
    assert anew.preprocess.__module__.startswith("demos.")
    assert anew.get_config()["name"] == component.get_config()["name"] == type(component).__name__.lower()
    assert anew.get_config().get("server_fns") == component.get_config().get("server_fns")


def test_a_drawing_is_forgotten_also_when_nobody_draws_any_more() -> None:
    kept = Blobs(kept_seconds=0.2)
    kept.put("one", "composite", None, b"x")
    assert len(kept) == 1
    deadline = time.monotonic() + 20
    while len(kept) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not len(kept)


def test_the_canvas_hands_over_what_the_page_sent(tmp_path: Path) -> None:
    canvas = drawing_canvas(render=False)
    drawn = png(painted((8, 8), (0, 0, 4, 4)))
    for part, number in (("layer", "0"), ("composite", "null")):
        canvas.accept_blobs(sent(drawn, id="one", type=part, index=number))
    assert read_drawing(canvas.preprocess(EditorData(id="one"))).size == (8, 8)
    assert not len(blobs), "nothing is kept"
    for forgotten in (EditorData(id="one"), None):
        with pytest.raises(BadInputError, match="draw something first"):
            read_drawing(canvas.preprocess(forgotten))

    path = tmp_path / "drawing.png"
    path.write_bytes(drawn)
    assert read_drawing(canvas.preprocess(EditorData(composite=FileData(path=str(path))))).size == (8, 8)
