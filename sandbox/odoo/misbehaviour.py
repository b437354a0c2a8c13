"""How Odoo shows injected faults (target `odoo`); an operation is named `<model>/<method>`.

`session_expired` is a key that does not count any more. A `status_429` comes from a proxy: Odoo has no rate limit.
`conflict` is another transaction that wrote the same record first: `load` says so with status 200, every other method
after it was tried five times.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Scope

from sandbox.faults import KINDS, Fault, Faults
from sandbox.http_faults import HttpMisbehaviour
from sandbox.odoo.errors import Problem, invalid, json_answer, unauthorized
from sandbox.odoo.loading import conflict, missing_value, not_loaded
from sandbox.odoo.routes import INVALID_KEY, JSON_2

TARGET: Final = "odoo"
SHOWN: Final = KINDS - {"late"}
"""The kinds that this server can show."""
_SERIALIZATION: Final = "psycopg2.errors.SerializationFailure"
_DISCONNECTED: Final = "server closed the connection unexpectedly"


class Misbehaviour(HttpMisbehaviour):
    """See the module."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        super().__init__(app, faults, TARGET, SHOWN)

    def operation(self, scope: Scope) -> str:
        return str(scope["path"]).removeprefix(JSON_2)

    def rows(self, body: object) -> list[object] | None:
        return body if isinstance(body, list) else None

    def refusal(self, fault: Fault, scope: Scope) -> Response:
        loading = self.operation(scope).endswith("/load")
        match fault.kind:
            case "session_expired":
                return unauthorized(INVALID_KEY).answer()
            case "status_429":
                return PlainTextResponse("Too Many Requests", 429)
            case "conflict" if loading:
                return json_answer(not_loaded([conflict()]))
            case "conflict":
                return Problem(_SERIALIZATION, str(conflict()["message"]), 500).answer()
            case "refuse_field" if loading:
                return json_answer(not_loaded([missing_value(fault.text("field"))]))
            case "refuse_field":
                return invalid(str(missing_value(fault.text("field"))["message"])).answer()
        return Problem("psycopg2.OperationalError", _DISCONNECTED, 500).answer()
