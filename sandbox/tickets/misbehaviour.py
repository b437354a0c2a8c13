"""How the ticket system shows injected faults (target `tickets`): every kind but `late` and `conflict`."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Scope

from sandbox.faults import KINDS, Fault, Faults
from sandbox.http_faults import HttpMisbehaviour
from sandbox.tickets.errors import Problem, too_many_requests
from sandbox.tickets.operations import asked_for

TARGET: Final = "tickets"
SHOWN: Final = KINDS - {"late", "conflict"}
"""The kinds that this server can show."""


class Misbehaviour(HttpMisbehaviour):
    """See the module. `duplicate_answer` and `reorder_answers` send a list without its headers."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        super().__init__(app, faults, TARGET, SHOWN)

    def operation(self, scope: Scope) -> str:
        found = asked_for(scope)
        return "unknown" if found is None else found[0].name

    def rows(self, body: object) -> list[object] | None:
        return body if isinstance(body, list) else None

    def refusal(self, fault: Fault, scope: Scope) -> Response:  # noqa: ARG002  # every refusal is the same there
        match fault.kind:
            case "session_expired":
                return Problem(401, "401 Unauthorized").answer()
            case "status_429":
                return too_many_requests()
            case "refuse_field":
                return Problem(400, {fault.text("field"): ["can't be blank"]}).answer()
        return Problem(500, "500 Internal Server Error").answer()
