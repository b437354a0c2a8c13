"""Translates the client's exceptions to our three errors. The status selects the error, the error's code gives the
reason."""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)

from connectors.library_errors import PLAIN_ERRORS
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable

SYSTEM: Final = "digital_twins"

MEANINGS: Final[Mapping[int, tuple[type[ConnectorError], str]]] = {
    400: (Refused, "it does not accept the request"),
    401: (ActionRequired, "it does not accept our credentials"),
    403: (ActionRequired, "our identity lacks the role Azure Digital Twins Data Owner"),
    404: (ActionRequired, "it is not there"),
    408: (Unavailable, "it waited too long for our request"),
    412: (Unavailable, "the twin changed while we worked on it"),
    429: (Unavailable, "it asks us to slow down"),
}
_AWAY: Final = (ServiceRequestError, ServiceResponseError, IncompleteReadError, TimeoutError, OSError)
_VALIDATION: Final = ("ValidationFailed", "JsonPatchInvalid", "InvalidArgument")
_PASSWORD_FIELD: Final = re.compile(r"type\s*=\s*[\"']?password", re.IGNORECASE)
_LONGEST_RETRY_AFTER: Final = 86_400
_QUOTED: Final = 300


class PageInsteadError(AzureError):
    """An HTML page came instead of an answer."""

    def __init__(self, page: str) -> None:
        super().__init__("an HTML page instead of an answer")
        self.page = page


def translated(
    error: Exception, operation: str, subject: str, properties: Collection[str] = (), key: str | None = None
) -> ConnectorError:
    """Our error for one of the client's.

    Args:
        subject: the twin, query or endpoint that was asked for.
        properties: the properties that were written; a validation error may name one of them.
    """
    if isinstance(error, HttpResponseError) and error.status_code is not None and not isinstance(error, DecodeError):
        return _of_status(error, error.status_code, operation, subject, properties, key)
    if isinstance(error, PageInsteadError):
        return _of_page(error, operation, subject, key)
    words = _quoted(str(error))
    if isinstance(error, ClientAuthenticationError):
        problem = f"no identity of this machine could sign in: {words}"
        return ActionRequired(problem, system=SYSTEM, operation=operation, key=key)
    if isinstance(error, _AWAY):
        return Unavailable(f"nothing answers: {subject} ({words})", system=SYSTEM, operation=operation, key=key)
    return Refused(f"its answer cannot be read: {subject} ({words})", system=SYSTEM, operation=operation, key=key)


@contextmanager
def translating(operation: str, subject: str, properties: Collection[str] = ()) -> Iterator[None]:
    """Raises ours for each of the client's errors in the block; see `translated`."""
    try:
        yield
    except (AzureError, *PLAIN_ERRORS) as error:
        raise translated(error, operation, subject, properties) from error


def service_code(error: HttpResponseError) -> str | None:
    """The service's own code for an error, such as `DigitalTwinNotFound`; None if the answer has none. Without it a 404
    may come from anything in between, and says nothing of the twin."""
    return None if error.error is None else error.error.code


def named_property(error: HttpResponseError, properties: Collection[str]) -> str | None:
    """Which of some properties an error names."""
    return _named(_vendor_text(error), properties)


def _of_page(error: PageInsteadError, operation: str, subject: str, key: str | None) -> ConnectorError:
    words = f"it answered with an HTML page instead of JSON: {subject}"
    if _PASSWORD_FIELD.search(error.page):
        problem = f"{words}: a sign-in page stands in front of it"
        return ActionRequired(problem, system=SYSTEM, operation=operation, key=key)
    return Unavailable(f"{words}: a maintenance page or a proxy's", system=SYSTEM, operation=operation, key=key)


def _of_status(
    error: HttpResponseError,
    status: int,
    operation: str,
    subject: str,
    properties: Collection[str],
    key: str | None,
) -> ConnectorError:
    default = (Unavailable, "it fails") if status >= 500 else (Refused, "it does not accept the request")
    meaning, words = MEANINGS.get(status, default)
    text = _vendor_text(error)
    problem = f"{words}: {subject} (HTTP {status}: {text})"
    if status == 400 and any(code in text for code in _VALIDATION):
        named = _named(text, properties)
        if named is not None:
            return ActionRequired(problem, system=SYSTEM, operation=operation, key=key, field=named)
    if meaning is Unavailable:
        return Unavailable(problem, system=SYSTEM, operation=operation, key=key, retry_after=_retry_after(error))
    return meaning(problem, system=SYSTEM, operation=operation, key=key)


def _vendor_text(error: HttpResponseError) -> str:
    """The service's code and message with their details. Only the details name the property."""
    detail = error.error
    if detail is None or detail.code is None:
        return _quoted(error.message)
    parts = [f"{detail.code}: {detail.message}", *(str(inner.message) for inner in detail.details or ())]
    return _quoted("; ".join(parts))


def _named(text: str, properties: Collection[str]) -> str | None:
    # The longest name first, because `lastOutcomeAt` contains `lastOutcome`.
    for name in sorted(properties, key=len, reverse=True):
        if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text):
            return name
    return None


def _retry_after(error: HttpResponseError) -> timedelta | None:
    headers: Mapping[str, str] = getattr(error.response, "headers", {})
    value = headers.get("Retry-After", "")
    return timedelta(seconds=min(int(value[:9]), _LONGEST_RETRY_AFTER)) if value.isdecimal() else None


def _quoted(text: str) -> str:
    return " ".join(text.split())[:_QUOTED] or "no words"
