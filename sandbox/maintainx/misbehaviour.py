"""How MaintainX shows injected faults (target `maintainx`).

`session_expired` is a key that does not count: 401 without a body. `status_429` says in `X-Rate-Limit-Reset` how many
seconds are left. MaintainX has no condition for a change, so it cannot show `conflict`.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Scope

from sandbox.faults import KINDS, Fault, Faults
from sandbox.http_faults import HttpMisbehaviour
from sandbox.maintainx.errors import Problem, wrong
from sandbox.maintainx.operations import operation_of

TARGET: Final = "maintainx"
SHOWN: Final = KINDS - {"late", "conflict"}
"""The kinds that this server can show."""


class Misbehaviour(HttpMisbehaviour):
    """See the module."""

    wait_header = "X-Rate-Limit-Reset"

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        super().__init__(app, faults, TARGET, SHOWN)

    def operation(self, scope: Scope) -> str:
        found = operation_of(scope)
        return "unknown" if found is None else found.name

    def rows(self, body: object) -> list[object] | None:
        rows = body.get("workOrders") if isinstance(body, dict) else None
        return rows if isinstance(rows, list) else None

    def refusal(self, fault: Fault, scope: Scope) -> Response:  # noqa: ARG002  # it refuses every request alike
        match fault.kind:
            case "session_expired":
                return Problem(401).answer()
            case "status_429":
                return Problem(429, "Too many requests").answer()
            case "refuse_field":
                field = fault.text("field")
                return wrong(field, None, f"{field} is required").answer()
        return Problem(500, "Internal server error").answer()
