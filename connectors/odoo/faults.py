"""What the exceptions of Odoo mean for us, as data (Odoo 19.0: the JSON-2 API names the exception in each error).

The status alone misleads: a bad field is a 500, which is for ever, and a record that is locked may be a 500 as well.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import httpx

from connectors.http import StatusMeaning, VendorFault
from connectors.json_reading import parsed_json
from connectors.odoo.models import LoadMessage, OdooError
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable

MEANINGS: Final[Mapping[str, type[ConnectorError]]] = {
    "odoo.exceptions.AccessDenied": ActionRequired,
    "odoo.exceptions.AccessError": ActionRequired,
    "odoo.exceptions.ConcurrencyError": Unavailable,
    "odoo.exceptions.LockError": Unavailable,
    "odoo.exceptions.MissingError": Unavailable,  # it was deleted while we worked on it; the next reading shows it
    "odoo.exceptions.RedirectWarning": ActionRequired,
    "odoo.exceptions.UserError": ActionRequired,
    "odoo.exceptions.ValidationError": ActionRequired,
    "builtins.AttributeError": Refused,
    "builtins.KeyError": Refused,
    "builtins.TypeError": Refused,
    "builtins.ValueError": Refused,  # no such field, or a value that a selection does not have
    "psycopg2.OperationalError": Unavailable,
    "psycopg2.errors.DeadlockDetected": Unavailable,
    "psycopg2.errors.LockNotAvailable": Unavailable,
    "psycopg2.errors.SerializationFailure": Unavailable,
    "werkzeug.exceptions.NotFound": ActionRequired,  # no such model or method: a module is not installed
    "werkzeug.exceptions.UnprocessableEntity": Refused,  # the method does not take such arguments
}
"""By the exception's name. One that is not listed means what its HTTP status means."""

PAGES: Final[Mapping[int, StatusMeaning]] = {
    404: StatusMeaning(ActionRequired, "it has no such database, or no JSON-2 API (module rpc, Odoo 19 or newer)"),
}
"""What a page for people means in the place of an answer, by its status."""

XML_RPC_PAGES: Final[Mapping[int, StatusMeaning]] = {
    404: StatusMeaning(ActionRequired, "it has no XML-RPC (/xmlrpc/2)")
}
"""The same of a server that is asked by XML-RPC."""

_CONTENTION: Final = ("could not serialize access", "deadlock detected", "could not obtain lock")
"""PostgreSQL's words, which `load` gives with HTTP 200."""


def read_fault(reply: httpx.Response) -> VendorFault:
    """What an error reply says."""
    try:
        error = OdooError.model_validate(parsed_json(reply.content))
    except ValueError:
        return VendorFault()
    first_line = next(iter(error.message.strip().splitlines()), "")
    return VendorFault(problem=first_line or error.name, meaning=MEANINGS.get(error.name))


def load_fault(messages: Sequence[LoadMessage]) -> tuple[type[ConnectorError], str, str | None]:
    """Why `load` stored nothing: the error, the words and the field that it names.

    Another transaction that wrote the same rows first is no fault: the next look finds what it wrote.
    """
    words = "; ".join(message.message.strip() for message in messages) or "it does not say why"
    if any(part in words for part in _CONTENTION):
        return Unavailable, f"somebody else is changing the same record ({words})", None
    field = next((message.field for message in messages if message.field), None)
    return ActionRequired, f"it does not take the record: {words}", field
