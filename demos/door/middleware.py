"""The door itself: ASGI middleware before everything of Gradio's."""

import shutil
from typing import Any
from urllib.parse import urlsplit

import gradio as gr
from starlette.middleware import Middleware
from starlette.requests import Request

from demos.door import outcome
from demos.door.bodies import LARGEST_JSON, LARGEST_UPLOAD, BoundedBody
from demos.door.calls import check_call, read_json
from demos.door.crowd import check_crowd
from demos.door.headers import security_headers
from demos.door.refusals import Refused, answer_with
from demos.door.routes import FORMS, PREFIX, is_open
from demos.door.visitor import HOSTED_CLIENT, forwarded_for
from demos.pictures import cache_folder
from demos.settings import Settings
from demos.status import sentence_for

SPARE_DISK = 500_000_000
"""Bytes that uploads leave free: what they have taken is free again after an hour."""


class Door:
    """Lets through what the page and its clients ask for, in bounds; answers everything else with a sentence."""

    def __init__(self, app: Any, page: gr.Blocks, settings: Settings) -> None:
        self._app = app
        self._page = page
        self._settings = settings
        self._headers = security_headers(settings.frame_ancestors)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        # A WebSocket is let go unanswered: nothing here speaks it.

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        started = streams = False
        called = scope["path"].startswith((f"{PREFIX}/run/", f"{PREFIX}/api/"))
        result = scope[outcome.KEY] = outcome.Outcome()

        async def answer(message: Any) -> None:
            nonlocal started, streams
            if message["type"] == "http.response.start":
                started = True
                streams = all(name.lower() != b"content-length" for name, _ in message.get("headers", ()))
                message = message | {"headers": [*message.get("headers", ()), *self._headers]}
                # Gradio answers every fault of a direct call with 500, also those of the caller.
                if called and message["status"] == 500 and not result.is_bug:
                    message["status"] = 422
            await send(message)

        try:
            await self._app(scope, await self._let_in(scope, receive), answer)
        except ConnectionError:
            return
        except Refused as refused:
            if not started:
                await answer_with(refused, scope, answer)
        except Exception as error:  # noqa: BLE001 - Gradio's own faults become a sentence too
            if not started:
                await answer_with(_in_words(error, scope["path"]), scope, answer)
            elif streams:  # Gradio has told what was wrong, and raises it besides
                await answer({"type": "http.response.body", "body": b"", "more_body": False})

    async def _let_in(self, scope: Any, receive: Any) -> Any:
        """Raises `Refused`, or returns the `receive` for the application."""
        headers = dict(scope["headers"])
        method, path = scope["method"], scope["path"]
        if self._settings.hosted and (seen := forwarded_for(scope["headers"])):
            scope[HOSTED_CLIENT] = seen
        if not is_open(method, path):
            raise Refused(404, "There is nothing at this address.")
        if method in ("GET", "HEAD"):
            return receive
        if _is_foreign(headers):  # also when a browser asks beforehand (OPTIONS) whether it may call
            raise Refused(403, "Calls from other websites are not answered.")
        if method == "OPTIONS":
            return receive
        kind = headers.get(b"content-type", b"").lower()
        if path.rstrip("/") in FORMS:
            if not kind.startswith(b"multipart/form-data"):
                raise Refused(415, "Please send a form with the file.")
            if shutil.disk_usage(cache_folder().parent).free < SPARE_DISK:
                raise Refused(507, "The disk of the server is full just now; please try again in an hour.")
            return BoundedBody(headers, receive, LARGEST_UPLOAD).receive
        if not kind.startswith(b"application/json"):
            raise Refused(415, "Please send application/json.")
        body = await BoundedBody(headers, receive, LARGEST_JSON).whole()
        content = read_json(body)
        check_call(self._page, path, content)
        if path.startswith((f"{PREFIX}/queue/", f"{PREFIX}/call/")):
            check_crowd(self._page, content.get("session_hash"), Request(scope), self._settings.max_queue)
        return _again(body, receive)


def stand_before(page: gr.Blocks, settings: Settings) -> None:
    """Puts the door before a page that has been launched: before Gradio's own middleware too, which answers browsers
    that ask whether another website may call."""
    page.app.user_middleware.insert(0, Middleware(Door, page=page, settings=settings))
    page.app.middleware_stack = page.app.build_middleware_stack()


def _again(body: bytes, receive: Any) -> Any:
    """A `receive` that begins with the body that has been read."""
    pieces = [{"type": "http.request", "body": body, "more_body": False}]

    async def bring() -> Any:
        return pieces.pop() if pieces else await receive()

    return bring


def _is_foreign(headers: dict[bytes, bytes]) -> bool:
    """Whether a page of another website makes this call. Programs send no origin. A proxy may tell the name that the
    visitor used; a page of another website cannot, without being refused when its browser asks beforehand."""
    origin = headers.get(b"origin")
    if origin is None:
        return False
    own = [headers[name] for name in (b"host", b"x-forwarded-host") if headers.get(name)]
    return urlsplit(origin.decode("latin-1")).netloc.encode("latin-1") not in own


def _in_words(error: Exception, path: str) -> Refused:
    """Arguments that go by name, and parts of a form, are looked at by Gradio alone, which falls over wrong ones."""
    if isinstance(error, KeyError | TypeError | ValueError | IndexError) and (
        path.startswith((f"{PREFIX}/call/v2/", f"{PREFIX}/component_server", f"{PREFIX}/upload"))
    ):
        return Refused(422, "These arguments do not fit; please look at the description of this function.")
    return Refused(500, sentence_for(error))
