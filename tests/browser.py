"""What every test in a browser does first."""

import re

from playwright.sync_api import Page

from demos import page as demos_page


def open_tab(page: Page, gallery: str, tab: demos_page.Page) -> None:
    """Opens a tab by its address and waits until the server has answered what the opening asks of it.

    That answer draws the tab's hidden settings again; a program that changes one of them before it comes, as no person
    could, would lose the change now and then.
    """
    opened = re.compile(rf'"value":\s*"{re.escape(tab.title)}"')
    with page.expect_response(
        lambda response: (
            "/gradio_api/run/" in response.url and opened.search(response.request.post_data or "") is not None
        )
    ):
        page.goto(f"{gallery}?demo={tab.slug}")
