"""The table that shows what truncation does: a row of pictures for each factor, and how much they differ."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from demos.latents import diversity
from demos.sampling import TRUNCATIONS, Drawn
from demos.sheets import tiled
from models.generation import Pixels


@dataclass(frozen=True)
class Row:
    """The pictures made with noise times `factor`, as one WebP, and their diversity (0 to 1)."""

    factor: float
    webp: bytes
    diversity: float

    @classmethod
    def of(cls, factor: float, pictures: Pixels) -> "Row":
        content = BytesIO()
        strip = tiled(pictures, len(pictures), max(1, 128 // pictures.shape[1]))
        strip.save(content, "WEBP", quality=90, method=2)
        return cls(factor, content.getvalue(), diversity(pictures))


def truncation_rows(drawn: Drawn) -> list[Row]:
    """A row of the table for each of `TRUNCATIONS`, of the pictures that `draw_truncations` made."""
    each = len(drawn.pictures) // len(TRUNCATIONS)
    rows = [drawn.pictures[start : start + each] for start in range(0, len(drawn.pictures), each)]
    return [Row.of(factor, pictures) for factor, pictures in zip(TRUNCATIONS, rows, strict=True)]


def truncation_table(rows: Sequence[Row]) -> str:
    """HTML; the pictures are inside it."""
    body = "".join(
        f"<tr><th>ψ = {row.factor:g}</th><td><img alt='Pictures made with noise times {row.factor:g}' "
        f"src='data:image/webp;base64,{base64.b64encode(row.webp).decode()}'></td>"
        f"<td class='number'>{row.diversity:.0%}</td></tr>"
        for row in rows
    )
    head = "<tr><th>Truncation</th><th>The same eight latents</th><th class='number'>Two differ by</th></tr>"
    return f"<div class='table-scroll'><table class='facts'><thead>{head}</thead><tbody>{body}</tbody></table></div>"
