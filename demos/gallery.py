"""The whole page: header, one tab for each application in lecture order, the Models tab."""

import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType

import gradio as gr

from demos import (
    audio_super_resolution,
    code_completion,
    colorization,
    deepfakes,
    health,
    image_generation,
    image_translation,
    inpainting,
    language,
    speech,
    stroke_to_image,
    style_transfer,
    super_resolution,
    text_to_image,
    theme,
    translation,
    wavenet,
)
from demos.door.blocks import GuardedBlocks
from demos.door.log import keep_log_short
from demos.door.middleware import stand_before
from demos.door.protocol import PatientProtocol
from demos.door.sessions import keep_sessions_light
from demos.examples import EXAMPLES_FOLDER
from demos.model_picker import best_model
from demos.page import Page
from demos.services import Services, make_services
from demos.settings import Settings, read_settings

TITLE = "Deep Generative Models"
APPLICATIONS: tuple[ModuleType, ...] = (
    image_generation,
    super_resolution,
    inpainting,
    colorization,
    stroke_to_image,
    text_to_image,
    style_transfer,
    image_translation,
    speech,
    audio_super_resolution,
    wavenet,
    translation,
    language,
    code_completion,
    deepfakes,
)
"""In lecture order. Each module has a `PAGE` and a `build(services)`."""

WARM_UP_AFTER_SECONDS = 2.0
"""The first visitor's page fetches its pictures before the first model takes the processor."""

_HEADER = f"""
<div class="bar"><h1>{TITLE}: the gallery</h1>
<button id="mode-switch" type="button" aria-label="Switch between light and dark">Light / dark</button></div>
"""


def build_gallery(services: Services, applications: Sequence[ModuleType] = APPLICATIONS) -> gr.Blocks:
    """The page with the given applications, or those that the settings name."""
    wanted = services.settings.demos
    shown = [demo for demo in applications if not wanted or demo.PAGE.slug in wanted]
    with GuardedBlocks(title=TITLE, analytics_enabled=False, delete_cache=(600, 3600)) as page:
        gr.HTML(_HEADER, elem_id="page-header")
        with gr.Tabs(elem_id="applications", overflow_behavior="wrap") as tabs:
            for demo in shown:
                shown_as, slug = demo.PAGE.tab_name, demo.PAGE.slug
                with gr.Tab(shown_as, id=slug, elem_id=f"tab-{slug}", elem_classes=f"family-{demo.PAGE.family}"):
                    demo.build(services)
            with gr.Tab("Models", id="models", elem_id="tab-models", alignment="right"):
                health.build(services)
        pages = {demo.PAGE.slug: demo.PAGE for demo in shown}

        def open_linked_tab(request: gr.Request) -> gr.Tabs:
            asked = request.query_params.get("demo", "")
            opened = pages.get(asked) or next(iter(pages.values()), None)
            if opened is not None:
                model = best_model(services.registry, opened.task)
                timer = threading.Timer(WARM_UP_AFTER_SECONDS, services.registry.warm_up, [model])
                timer.daemon = True  # no load shall begin while the program ends: it would be torn down half-way
                timer.start()
            return gr.Tabs(selected=asked) if asked in [*pages, "models"] else gr.Tabs()

        page.load(open_linked_tab, None, tabs, queue=False, api_visibility="private")
    return page  # type: ignore[no-any-return]


def launch(page: gr.Blocks, settings: Settings, *, block: bool = True) -> str:
    """Serves `page` and returns its address. With `block` it returns when the server stops."""
    # A pandas summary of all events after each event would cost more than the event itself.
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000")
    os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")
    # With the default rate every waiting student is told of every finished job: quadratic in a full hall.
    page.queue(status_update_rate=2, max_size=settings.max_queue, api_open=False, default_concurrency_limit=8)
    _, address, _ = page.launch(
        server_name=settings.host,
        server_port=settings.port,
        theme=theme.theme(),
        css=theme.css() + _tab_colours(),
        head=theme.head(),
        favicon_path=str(theme.FAVICON),
        footer_links=["api"],
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        max_file_size="20mb",
        allowed_paths=[str(EXAMPLES_FOLDER)],  # wherever the server was started
        max_threads=160,
        prevent_thread_lock=True,
        quiet=not block,
        ssr_mode=False,
    )
    stand_before(page, settings)
    page.server.config.http_protocol_class = PatientProtocol
    keep_sessions_light(page)
    if block:
        keep_log_short()
        page.block_thread()
    return str(address)


def run_alone(demo: Page) -> None:
    """Serves a gallery with this one tab: `python -m demos.super_resolution`."""
    settings = replace(read_settings(), demos=(demo.slug,))
    launch(build_gallery(make_services(settings)), settings)


def _tab_colours() -> str:
    return "".join(
        f"#tab-{demo.PAGE.slug}-button {{ --family: var(--{demo.PAGE.family}); }}\n" for demo in APPLICATIONS
    )
