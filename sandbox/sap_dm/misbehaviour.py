"""How SAP Digital Manufacturing shows injected faults (target `sap_dm`): every kind.

`session_expired` lets the token of the request expire. `late` answers a hold, a release or a change of status, and
does it later. `conflict` is the 412 of an update by somebody else.
"""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Scope

from sandbox.faults import KINDS, Fault, Faults
from sandbox.http_faults import HttpMisbehaviour, rows_of_page
from sandbox.sap_dm.answers import refusal
from sandbox.sap_dm.errors import Form, Problem, stale
from sandbox.sap_dm.operations import Operation, operation_of
from sandbox.sap_dm.tokens import Tokens

TARGET: Final = "sap_dm"
_UNKNOWN: Final = Operation("", "", "unknown", Form.SFC_READING)


class Misbehaviour(HttpMisbehaviour):
    """See the module."""

    def __init__(self, app: ASGIApp, faults: Faults, tokens: Tokens) -> None:
        super().__init__(app, faults, TARGET, KINDS)
        self._tokens = tokens

    def operation(self, scope: Scope) -> str:
        return (operation_of(scope) or _UNKNOWN).name

    def rows(self, body: object) -> list[object] | None:
        return rows_of_page(body)

    def refusal(self, fault: Fault, scope: Scope) -> Response:
        match fault.kind:
            case "session_expired":
                self._tokens.expire(Headers(scope=scope).get("authorization", ""))
                problem = Problem(401, "The token has expired", code="invalid_token")
            case "status_429":
                problem = Problem(429, "Too many requests", code="tooManyRequests")
            case "conflict":
                problem = stale()
            case "refuse_field":
                words = fault.text("message", f"{fault.text('field')} is not valid")
                problem = Problem(400, words, code=fault.text("code"), parameter=fault.text("field"))
            case _:
                problem = Problem(500, "An internal error occurred", code="internal")
        operation = operation_of(scope) or _UNKNOWN
        return refusal(problem, operation.form, operation.path)
