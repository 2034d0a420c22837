"""What every test in a browser does first."""

import re
from collections.abc import Sequence

from playwright.sync_api import Locator, Page

from demos import page as demos_page


def open_tab(page: Page, gallery: str, tab: demos_page.Page) -> None:
    """Opens a tab by its address and waits until the server has answered what the opening asks of it.

    That answer draws the tab's hidden settings again; a program that changes one of them before it comes, as no person
    could, would lose the change now and then.
    """
    opened = re.compile(rf'"value":\s*"{re.escape(tab.tab_name)}"')
    with page.expect_response(
        lambda response: (
            "/gradio_api/run/" in response.url and opened.search(response.request.post_data or "") is not None
        )
    ):
        page.goto(f"{gallery}?demo={tab.slug}")


def draw_stroke(page: Page, editor: Locator, points: Sequence[tuple[float, float]]) -> None:
    """Draws with the mouse on the canvas of a `gr.ImageEditor`: presses at the first point, goes through the others and
    lets go at the last. Points are shares (0 to 1) of the width and height of the editor's own area, tools included."""
    canvas = editor.locator("canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None, "the editor is visible"
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for x, y in places[1:]:
        page.mouse.move(x, y, steps=8)
    page.mouse.up()
