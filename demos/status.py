"""The line under the button that says in words what is going on. Everything in it is escaped."""

import html
import logging
import secrets

from models.errors import ModelError

log = logging.getLogger(__name__)

BUG = "Something broke on our side"
"""How the sentence for a fault of the gallery's own begins."""


def working(words: str) -> str:
    return _line("working", words)


def done(words: str) -> str:
    return _line("done", words)


def problem(words: str) -> str:
    return _line("problem", words)


def sentence_for(error: Exception) -> str:
    """The sentence to show for `error`. A bug gets an id that also stands, with its traceback, in the log."""
    if isinstance(error, ModelError):
        return str(error)
    bug = secrets.token_hex(2)
    log.error("bug %s", bug, exc_info=error)
    return f"{BUG} (id {bug}); your input is still here, please try again."


def _line(kind: str, words: str) -> str:
    role = "alert" if kind == "problem" else "status"
    return f"<p class='status {kind}' role='{role}'>{html.escape(words)}</p>"
