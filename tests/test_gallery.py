"""The page as a whole: tabs, deep links, keys, the Models tab, phones, the server's settings."""

import re

import httpx
import pytest
from gradio_client import Client
from playwright.sync_api import Page, expect

from demos.gallery import APPLICATIONS
from demos.recorded import load
from demos.services import Services
from demos.settings import read_settings


def test_deep_link_opens_that_tab_and_the_address_follows(page: Page, gallery: str) -> None:
    page.goto(f"{gallery}?demo=models")
    expect(page.get_by_role("tab", name="Models")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("cell", name="SmolLM2-135M-Instruct (llama.cpp)")).to_be_visible()
    page.get_by_role("tab", name="Super-resolution", exact=True).click()
    expect(page).to_have_url(re.compile(r"demo=super-resolution"))


def test_unknown_deep_link_opens_the_first_tab(page: Page, gallery: str) -> None:
    page.goto(f"{gallery}?demo=<script>alert(1)</script>")
    expect(page.get_by_role("tab", name=APPLICATIONS[0].PAGE.title)).to_have_attribute("aria-selected", "true")


def test_arrow_keys_move_between_tabs(page: Page, gallery: str) -> None:
    page.goto(gallery)
    first = page.get_by_role("tab", name=APPLICATIONS[0].PAGE.title)
    first.focus()
    page.keyboard.press("ArrowRight")
    expect(first).to_have_attribute("aria-selected", "false")
    expect(page.get_by_role("tab", selected=True)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(first).to_have_attribute("aria-selected", "true")


@pytest.mark.parametrize("width", [390, 1280])
def test_no_tab_scrolls_sideways(page: Page, gallery: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(gallery)
    for demo in APPLICATIONS:
        page.get_by_role("tab", name=demo.PAGE.tab_name, exact=True).click()
        expect(page.locator(f"#tab-{demo.PAGE.slug} .run-button:visible").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, demo.PAGE.slug


def test_light_and_dark_are_remembered(page: Page, gallery: str) -> None:
    page.goto(gallery)
    switch = page.get_by_role("button", name="Switch between light and dark")
    switch.click()
    dark = page.evaluate("document.body.classList.contains('dark')")
    page.reload()
    expect(switch).to_be_visible()
    assert page.evaluate("document.body.classList.contains('dark')") == dark


@pytest.mark.parametrize("demo", APPLICATIONS, ids=lambda demo: demo.PAGE.slug)
def test_recorded_results_name_models_and_settings_that_exist(demo: object, services: Services) -> None:
    recorded = load(demo.PAGE.slug)  # type: ignore[attr-defined]
    assert recorded.model in services.registry
    assert demo.PAGE.task in services.registry[recorded.model].tasks  # type: ignore[attr-defined]
    assert recorded.seconds > 0
    assert recorded.settings


def test_queue_cannot_be_skipped_and_monitoring_is_closed(gallery: str) -> None:
    assert httpx.post(f"{gallery}gradio_api/run/super_resolution", json={"data": [None, "bicubic"]}).status_code >= 400
    assert httpx.get(f"{gallery}monitoring").status_code >= 400


CONTRACT = {
    "/generate_images": ["count", "seed", "model"],
    "/super_resolution": ["image", "model"],
    "/inpaint": ["image", "mask", "prompt", "model", "seed"],
    "/colorize": ["image", "model", "seed"],
    "/text_to_image": ["prompt", "steps", "guidance", "seed", "model"],
    "/stroke_to_image": ["image", "prompt", "strength", "seed", "model"],
    "/style_transfer": ["image", "style", "strength", "model"],
    "/translate_image": ["image", "prompt", "model", "seed"],
    "/speak": ["text", "voice", "speed"],
    "/audio_super_resolution": ["audio", "model"],
    "/wavenet": ["seconds", "temperature", "seed", "text", "blocks", "model"],
    "/translate": ["text", "model"],
    "/continue_text": ["prompt", "max_new_tokens", "temperature", "top_p", "seed", "model"],
    "/complete_code": ["prefix", "suffix", "max_new_tokens", "temperature", "seed", "model"],
}
"""The agreed names and order of the first arguments; each endpoint may take more, with defaults."""


def test_endpoints_keep_their_contract(client: Client) -> None:
    offered = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(offered) == set(CONTRACT), "nothing else is public"
    for name, endpoint in offered.items():
        names = [parameter["parameter_name"] for parameter in endpoint["parameters"]]
        assert names[: len(CONTRACT[name])] == CONTRACT[name]
        assert all(parameter["parameter_has_default"] for parameter in endpoint["parameters"][1:])
        main, facts = endpoint["returns"]
        assert main["component"] in ("Image", "Audio", "Textbox", "Code")
        assert facts["component"] == "Json"


def test_page_fetches_nothing_from_elsewhere(page: Page, gallery: str) -> None:
    elsewhere: list[str] = []
    page.on(
        "request",
        lambda request: None if request.url.startswith((gallery, "data:", "blob:")) else elsewhere.append(request.url),
    )
    page.goto(gallery)
    expect(page.locator(".run-button:visible").first).to_be_visible()
    assert elsewhere == []


def test_settings_come_from_the_environment_and_the_command_line() -> None:
    environment = {
        "GALLERY_PORT": "8000",
        "GALLERY_DEMOS": "speech, language",
        "GALLERY_OFFLINE": "1",
        "GALLERY_FILTER": "1",
    }
    settings = read_settings(["--port", "9000"], environment)
    assert (settings.port, settings.demos, settings.offline) == (9000, ("speech", "language"), True)
    assert settings.filter
    assert not read_settings([], {"GALLERY_FILTER": "0"}).filter
    with pytest.raises(SystemExit):
        read_settings(["--max-queue", "0"], {})
