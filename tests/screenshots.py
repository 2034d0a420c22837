"""`python -m tests.screenshots [SLUG ...]`: takes the pictures of the tabs in assets/screenshots/.

Each tab as it opens: 1280 x 800 light and dark, 390 x 844.
"""

import shutil
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, ViewportSize, sync_playwright

from demos.gallery import APPLICATIONS, build_gallery, launch
from demos.services import make_services
from demos.settings import read_settings

FOLDER = Path(__file__).parent.parent / "assets" / "screenshots"
VIEWS = {"1280": (1280, 800, "light"), "1280-dark": (1280, 800, "dark"), "390": (390, 844, "light")}


def main() -> None:
    slugs = sys.argv[1:] or [*(demo.PAGE.slug for demo in APPLICATIONS), "models"]
    FOLDER.mkdir(parents=True, exist_ok=True)
    settings = replace(read_settings([]), port=7999)
    page = build_gallery(make_services(settings))
    address = launch(page, settings, block=False)
    executable = shutil.which("chromium") or "chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        for slug in slugs:
            for name, (width, height, mode) in VIEWS.items():
                shoot(browser, f"{address}?demo={slug}", width, height, mode).save(
                    FOLDER / f"{slug}-{name}.png", optimize=True
                )
                print(f"{slug}-{name}.png")
        browser.close()
    page.close()


def shoot(browser: Browser, address: str, width: int, height: int, mode: str) -> Image.Image:
    """The page at `address` once it has settled, in 256 colours: small enough for every clone."""
    viewport = ViewportSize(width=width, height=height)
    context = browser.new_context(viewport=viewport, color_scheme="dark" if mode == "dark" else "light")
    page = context.new_page()
    page.goto(address)
    page.locator(".card:visible").first.wait_for()
    # A lazy picture below the first screen is never fetched.
    page.wait_for_function("[...document.images].every((image) => image.complete || image.loading === 'lazy')")
    page.wait_for_timeout(1500)  # fonts, players and sliders lay themselves out after the last request
    picture = Image.open(BytesIO(page.screenshot()))
    context.close()
    return picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)


if __name__ == "__main__":
    main()
