"""Errors that a student may read. Everything that is not a `ModelError` is a bug.

The message of a `ModelError` is one sentence that says what to do; the page shows it as it stands. Any other exception
is logged with an id and shown as "something broke (id)".
"""


class ModelError(Exception):
    """Something a person can act on. `str(error)` is the sentence shown to them."""


class UnknownModelError(ModelError, LookupError):
    """No model of that id is registered; the message names the nearest known ones."""


class DuplicateModelError(ValueError):
    """Two specs with one id: a mistake in the catalog, so it stops the start-up."""


class ModelUnavailableError(ModelError):
    """The model cannot run here and now: wrong device, too little memory, or resting after repeated failures."""


class FetchError(ModelError):
    """The weights could not be downloaded: offline, cut off, gated or missing."""


class IntegrityError(FetchError):
    """The downloaded bytes are not the ones whose sha256 the catalog pins; they have been deleted."""


class BusyError(ModelError):
    """Every place of the model is taken and the wait grew too long."""


class DeadlineError(ModelError):
    """The request took longer than its task may take, and was stopped."""


class OutOfMemoryError(ModelError):
    """The request does not fit into the memory that is left, or the model does not fit at all."""


class BadInputError(ModelError):
    """The input cannot be used: empty, too long, too large, unreadable."""
