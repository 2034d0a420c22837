"""Sessions that weigh little. Gradio 6.31 keeps, for every session name it ever hears, the configuration of all
components of the page: for this one 70 ms of the event loop and 1.7 MB, for up to ten thousand names. Only deep links
read it, and nothing here makes any.

For upstream: `SessionState.__init__` could build `config_values` when `components` is first read, and share the
dictionaries of `BlocksConfig` until a session changes one of them (a `ChainMap`).
"""

from collections import ChainMap
from typing import Any, cast

import gradio as gr
from gradio.blocks import BlocksConfig
from gradio.state_holder import SessionState, StateHolder

MOST_SESSIONS = 2000
"""Several halls. Beyond that whoever has been silent for longest starts anew: what is on the page stays there."""
SECONDS_OF_A_CLOSED_PAGE = 3600
"""How long what a closed page held is kept, in case it comes back."""


class LightSession(SessionState):
    """What a visitor has changed, over what all share. Without the configuration of each component."""

    def __init__(self, blocks: gr.Blocks) -> None:
        shared = blocks.default_config
        self.blocks_config = BlocksConfig(blocks)
        self.blocks_config.blocks = cast(dict[int, Any], ChainMap({}, shared.blocks))
        self.blocks_config.fns = shared.fns
        self.blocks_config.fn_id = shared.fn_id
        self.config_values = {}
        self.state_data = {}
        self._state_ttl = {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = SECONDS_OF_A_CLOSED_PAGE

    def __setitem__(self, key: int, value: Any) -> None:
        super().__setitem__(key, value)
        self.config_values.clear()

    def _update_config(self, key: int) -> None:
        """Nothing to bring up to date."""

    def _update_value_in_config(self, key: int, value: Any) -> None:
        """Nothing to bring up to date."""


class LightSessions(StateHolder):
    """At most `MOST_SESSIONS` of them."""

    def __getitem__(self, session_id: str) -> SessionState:
        if session_id not in self.session_data:
            self.session_data[session_id] = LightSession(self.blocks)
        return super().__getitem__(session_id)


def keep_sessions_light(page: gr.Blocks) -> None:
    """For a page that has been launched."""
    sessions = LightSessions()  # type: ignore[no-untyped-call]
    sessions.set_blocks(page)
    sessions.capacity = MOST_SESSIONS
    page.app.state_holder = sessions
