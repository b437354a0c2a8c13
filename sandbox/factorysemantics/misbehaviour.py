"""How FactorySemantics MES shows injected faults (target `factorysemantics`).

`session_expired` ends the session of the request's token. `late` answers a change, and commits it later. A `status_429`
comes from a proxy: the server has no rate limit.
"""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Scope

from sandbox.factorysemantics.changes import CHANGES
from sandbox.factorysemantics.errors import bad_input, sign_in_required
from sandbox.factorysemantics.readings import READINGS
from sandbox.factorysemantics.sessions import Sessions
from sandbox.faults import KINDS, Fault, Faults
from sandbox.http_faults import HttpMisbehaviour

TARGET: Final = "factorysemantics"
SHOWN: Final = KINDS - {"conflict"}
"""The kinds that this server can show."""
OPERATIONS: Final = (
    ("GET", "/health", "health"),
    ("POST", "/auth/login", "login"),
    ("GET", "/auth/me", "me"),
    *(("GET", each.path, each.name) for each in READINGS),
    *(("POST", each.path, each.name) for each in CHANGES),
)
"""The method, the path and the name of each request that the server takes."""
_PATTERNS: Final = [(method, compile_path(path)[0], name) for method, path, name in OPERATIONS]


class Misbehaviour(HttpMisbehaviour):
    """See the module."""

    def __init__(self, app: ASGIApp, faults: Faults, sessions: Sessions) -> None:
        super().__init__(app, faults, TARGET, SHOWN)
        self._sessions = sessions

    def operation(self, scope: Scope) -> str:
        for method, pattern, name in _PATTERNS:
            if method == scope["method"] and pattern.match(scope["path"]):
                return name
        return "unknown"

    def rows(self, body: object) -> list[object] | None:
        rows = body.get("items") if isinstance(body, dict) else body
        return rows if isinstance(rows, list) else None

    def refusal(self, fault: Fault, scope: Scope) -> Response:
        match fault.kind:
            case "session_expired":
                self._sessions.expire(Headers(scope=scope).get("authorization", ""))
                return sign_in_required().answer()
            case "status_429":
                return PlainTextResponse("Too Many Requests", 429)
            case "refuse_field":
                return bad_input(fault.text("message", f"{fault.text('field')} is not valid")).answer()
        return PlainTextResponse("Internal Server Error", 500)
