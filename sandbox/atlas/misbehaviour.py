"""How Atlas shows injected faults (target `atlas`).

`session_expired` lets the token of the request end. `conflict` is the 409 of an update by somebody else. Atlas sends
no `Retry-After` with its 429; the fault has one, as a proxy would add it.
"""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Scope

from sandbox.atlas.checks import missing
from sandbox.atlas.errors import Problem, too_many_requests
from sandbox.atlas.operations import operation_of
from sandbox.atlas.sessions import Sessions
from sandbox.faults import KINDS, Fault, Faults
from sandbox.http_faults import HttpMisbehaviour, rows_of_page

TARGET: Final = "atlas"
SHOWN: Final = KINDS - {"late"}
"""The kinds that this server can show."""


class Misbehaviour(HttpMisbehaviour):
    """See the module.

    Args:
        old: whether this is version 1.3.
    """

    def __init__(self, app: ASGIApp, faults: Faults, sessions: Sessions, *, old: bool) -> None:
        super().__init__(app, faults, TARGET, SHOWN)
        self._sessions = sessions
        self._old = old

    def operation(self, scope: Scope) -> str:
        found = operation_of(scope, old=self._old)
        return "unknown" if found is None else found.name

    def rows(self, body: object) -> list[object] | None:
        return rows_of_page(body)

    def refusal(self, fault: Fault, scope: Scope) -> Response:
        match fault.kind:
            case "session_expired":
                self._sessions.expire(Headers(scope=scope).get("authorization", ""))
                return Problem(403).answer()
            case "status_429":
                return too_many_requests()
            case "conflict":
                words = "The resource was modified by another request. Please refresh and retry."
                return Problem(409, words).answer()
            case "refuse_field":
                return Problem(400, missing(fault.text("field")) if self._old else "must not be null").answer()
        return Problem(500, "could not initialize proxy - no Session").answer()
