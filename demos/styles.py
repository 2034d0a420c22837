"""What can be chosen as a style: the 26 learnt ones, the public-domain paintings of the gallery, any picture."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from demos.examples import example
from demos.pictures import read_picture
from demos.ranges import number_from
from demos.uploads import open_upload
from models.errors import BadInputError
from models.styling import LEARNT_STYLES, LONGEST_STYLE, StyleSource, check_size, style_number

LEARNT, ANY = "learnt-styles", "any-style"
"""The two models: what each takes as a style differs, so the tab shows other controls for it."""
NO_BLEND = "Nothing"
LARGEST_STYLE = 1024
"""Pixels of the longer side: no model looks closer at a style."""


@dataclass(frozen=True)
class Painting:
    """A painting in the public domain that ships with the gallery."""

    title: str
    painter: str
    year: str
    file: str

    @property
    def path(self) -> str:
        return example(self.file)

    @property
    def caption(self) -> str:
        return f"{self.painter}, {self.title}, {self.year}"


PAINTINGS = (
    Painting("The Great Wave off Kanagawa", "Katsushika Hokusai", "about 1831", "great-wave.jpg"),
    Painting("Village Street in Auvers", "Vincent van Gogh", "1890", "village-street-in-auvers.jpg"),
    Painting("Composition VIII", "Wassily Kandinsky", "1923", "composition-viii.jpg"),
    Painting("Poppies", "Katsushika Hokusai", "1833-1834", "poppies.jpg"),
    Painting("Summertime", "Mary Cassatt", "1894", "summertime.jpg"),
    Painting(
        "The Benzaiten Shrine at Inokashira in Snow",
        "Utagawa Hiroshige",
        "19th century",
        "benzaiten-shrine-in-snow.jpg",
    ),
)


def names_for(model: str) -> tuple[str, ...]:
    """The styles that `model` can be asked for by name."""
    return tuple(painting.title for painting in PAINTINGS) if model == ANY else LEARNT_STYLES


def named_style(model: str, name: str) -> StyleSource:
    """A style of `model` by its name: a learnt style, or a painting of the gallery as a picture.

    Raises `BadInputError`, which names others, if there is no such style.
    """
    name = name if isinstance(name, str) else ""
    if model != ANY:
        return LEARNT_STYLES[style_number(name)]
    for painting in PAINTINGS:
        if painting.title.casefold() == name[:LONGEST_STYLE].strip().casefold():
            return read_picture(painting.path)
    offered = ", ".join(f"“{painting.title}”" for painting in PAINTINGS[:3])
    raise BadInputError(
        f"There is no painting “{name[:LONGEST_STYLE]}” here; try {offered}, or give a picture as the style."
    )


def pictured_style(path: str) -> Image.Image:
    """An uploaded picture as a style. Raises `BadInputError` for one that cannot be used."""
    picture = read_picture(path, at_most=LARGEST_STYLE)
    check_size(picture)
    return picture


def title_of(path: str) -> str:
    """What to call a picture that serves as a style: the painting's caption if it is one of ours."""
    with open_upload(path) as file:
        content = file.read()
    # By content, since Gradio hands out copies and a visitor's own file may bear the same name.
    return next((p.caption for p in PAINTINGS if Path(p.path).read_bytes() == content), "your picture")


def chosen_styles(
    model: str, name: str, picture: str | None, second: str = NO_BLEND, share: float = 50
) -> tuple[tuple[StyleSource, float], ...]:
    """The mixture to paint in: the style called `name`, or for the model of any styles the one in the file `picture`,
    blended with `share` per cent of the style called `second`. Raises `BadInputError` for what is no style."""
    if model == ANY and picture:
        first: StyleSource = pictured_style(picture)
    else:
        first = named_style(model, name or "")
    share = number_from("The share of the second style", share, 0, 100) / 100
    if second == NO_BLEND or share == 0:
        return ((first, 1.0),)
    other = named_style(model, second)
    return ((first, 1 - share), (other, share)) if share < 1 else ((other, 1.0),)


def mixture_in_words(model: str, name: str, picture: str | None, second: str, share: float) -> str:
    """The styles of a request, as a caption names them."""
    first = title_of(picture) if model == ANY and picture else name
    if second == NO_BLEND or not share:
        return first
    return f"{100 - share:g}% {first}, {share:g}% {second}" if share < 100 else second


def words_for(styles: str, strength: float, keep_colours: bool) -> str:
    """How a painting was made, in words."""
    parts = [f"Style: {styles}"]
    if strength < 1:
        parts.append(f"strength {strength:g}")
    if keep_colours:
        parts.append("colours of the photograph")
    return ", ".join(parts)
