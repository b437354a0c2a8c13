"""How Odoo refuses: an exception with its name, its words and the HTTP status of the JSON-2 API."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from starlette.responses import HTMLResponse, Response

JSON: Final = "application/json; charset=utf-8"
_TRACE: Final = "Traceback (most recent call last): …"
_NO_DATABASE: Final = (
    "<!DOCTYPE html>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n"
    "<p>No database is selected and the requested URL was not found in the server-wide controllers.</p>\n"
    "<p>Please verify the hostname, <a href=/web/login>login</a> and try again.</p>\n\n"
    "<!-- Alternatively, use the X-Odoo-Database header. -->\n"
)


@dataclass(eq=False)
class Problem(Exception):
    """A request that is not carried out.

    Args:
        name: of the exception with its module, such as `odoo.exceptions.UserError`.
        words: its message.
        status: the HTTP status of the JSON-2 API.
    """

    name: str
    words: str
    status: int

    def answer(self) -> Response:
        """What the JSON-2 API sends."""
        more = [self.status] if self.name.startswith("werkzeug.") else []
        return json_answer(
            {
                "name": self.name,
                "message": self.words,
                "arguments": [self.words, *more],
                "context": {},
                "debug": _TRACE,
            },
            self.status,
        )


def json_answer(content: object, status: int = 200) -> Response:
    """An answer in JSON, as Odoo writes it."""
    return Response(json.dumps(content), status, media_type=JSON)


def no_database() -> Response:
    """The page for a database that the server does not have."""
    return HTMLResponse(_NO_DATABASE, 404)


def wrong_value(words: str) -> Problem:
    """A field, a value or an operator that does not exist: an error inside, by Odoo's words."""
    return Problem("builtins.ValueError", words, 500)


def wrong_argument(words: str) -> Problem:
    """An argument that the method refuses after it was called."""
    return Problem("builtins.TypeError", words, 500)


def user_error(words: str) -> Problem:
    """What a person did wrong."""
    return Problem("odoo.exceptions.UserError", words, 422)


def invalid(words: str) -> Problem:
    """Values that no record may have."""
    return Problem("odoo.exceptions.ValidationError", f"The operation cannot be completed: {words}", 422)


def missing(model: str, number: int, user: int) -> Problem:
    """A record that is not there, or not any more."""
    record = f"(Record: {model}({number},), User: {user})"
    return Problem("odoo.exceptions.MissingError", f"Record does not exist or has been deleted.\n{record}", 404)


def denied(words: str) -> Problem:
    """What the user of the key may not do."""
    return Problem("odoo.exceptions.AccessError", words, 403)


def not_found(words: str) -> Problem:
    """A model, a method or an address that does not exist."""
    return Problem("werkzeug.exceptions.NotFound", words, 404)


def not_processable(words: str) -> Problem:
    """Arguments that the method does not take."""
    return Problem("werkzeug.exceptions.UnprocessableEntity", words, 422)


def unauthorized(words: str) -> Problem:
    """A key that does not count, or none."""
    return Problem("werkzeug.exceptions.Unauthorized", words, 401)


def no_json(words: str) -> Problem:
    """A body that is no JSON."""
    return Problem("werkzeug.exceptions.BadRequest", f"could not parse the body as json: {words}", 400)


def required(model: str, title: str, field: str, label: str) -> str:
    """Odoo's words for a field that must have a value and has none."""
    return (
        f"Missing required value for the field '{label}' ({field}).\nModel: '{title}' ({model})\n"
        "- create/update: a mandatory field is not set\n"
        "- delete: another model requires the record being deleted, you can archive it instead\n"
    )
