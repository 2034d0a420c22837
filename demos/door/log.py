"""A log that visitors cannot fill: records are cut, however long the words in them are."""

import logging

LONGEST = 8_000
"""Characters: enough for a traceback."""


class ShortFormatter(logging.Formatter):
    """The beginning and the end of what is too long."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if len(text) <= LONGEST:
            return text
        half = LONGEST // 2
        return f"{text[:half]}\n... {len(text) - LONGEST:,} characters left out ...\n{text[-half:]}"


def keep_log_short() -> None:
    """Sends the gallery's own records, refusals included, to the standard error, and cuts those of the server."""
    formatter = ShortFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    own = logging.StreamHandler()
    own.setFormatter(formatter)
    for name in ("demos", "models"):
        logger = logging.getLogger(name)
        logger.handlers = [own]
        logger.setLevel(logging.INFO)
        logger.propagate = False
    for name in ("uvicorn", "uvicorn.error", "asyncio"):
        for handler in logging.getLogger(name).handlers:
            handler.setFormatter(formatter)
