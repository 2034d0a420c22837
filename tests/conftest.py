"""Shared fixtures: the cache of real weights, the gallery served on loopback, a headless browser."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace

import pytest
from gradio_client import Client
from playwright.sync_api import Browser, Page, expect, sync_playwright

from demos.gallery import build_gallery, launch
from demos.services import Services, make_services
from demos.settings import read_settings
from models.devices import Device
from models.locations import default_cache
from models.registry import Registry
from models.store import WeightStore
from tests.served_gallery import free_port

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# Galleries of one machine share Gradio's folder of served files, and each cleans it up when it ends.
os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp(prefix="gallery-tests-")

# A busy machine is no fault of the page's.
expect.set_options(timeout=60_000)

CPU = Device("cpu", "test processor", 8_000_000_000, "float32", 2)


@pytest.fixture(scope="session")
def store() -> WeightStore:
    """The user's own cache of weights: what is there is not fetched again."""
    return WeightStore(default_cache())


@pytest.fixture(scope="session")
def services() -> Iterator[Services]:
    """The gallery's own services over the real weights; models load once for the whole test run."""
    services = make_services(read_settings([]))
    yield services
    services.registry.close()


@pytest.fixture(scope="session")
def registry(services: Services) -> Registry:
    """The real catalog over the real weights."""
    return services.registry


@pytest.fixture(scope="session")
def gallery(services: Services) -> Iterator[str]:
    """The whole gallery, served; the value is its address."""
    page = build_gallery(services)
    yield launch(page, replace(services.settings, port=free_port()), block=False)
    page.close()


@pytest.fixture(scope="session")
def client(gallery: str) -> Client:
    """A program that calls the public endpoints."""
    return Client(gallery, verbose=False)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Headless Chromium. Skipped where it is not installed, but never in CI."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        assert not os.environ.get("CI"), "CI must install chromium"
        pytest.skip("needs chromium on the PATH")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
        arguments.append("--autoplay-policy=no-user-gesture-required")
        browser = playwright.chromium.launch(executable_path=executable, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A fresh browser page at 1280 x 800. The test fails if the page logs an error."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.set_default_timeout(60_000)
    yield page
    context.close()
    assert errors == []
