"""How SAP Plant Maintenance shows injected faults (target `sap_pm`): every kind but `late`.

`session_expired` ends all sessions: a reading is answered as one that is not signed in, a change as one without its
token. `conflict` is a change of the record by somebody else. `duplicate_answer` and `reorder_answers` change lists; any
other answer they send again as 200 and without its headers.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Scope

from sandbox.faults import KINDS, Fault, Faults
from sandbox.http_faults import HttpMisbehaviour
from sandbox.sap_pm.errors import Refusal, changed_meanwhile, not_signed_in, without_token
from sandbox.sap_pm.routes import operation_of
from sandbox.sap_pm.sessions import Sessions

TARGET: Final = "sap_pm"


class Misbehaviour(HttpMisbehaviour):
    """See the module."""

    def __init__(self, app: ASGIApp, faults: Faults, sessions: Sessions) -> None:
        super().__init__(app, faults, TARGET, KINDS - {"late"})
        self._sessions = sessions

    def operation(self, scope: Scope) -> str:
        return operation_of(scope["method"], scope["path"])

    def rows(self, body: object) -> list[object]:
        """The results of a list. Of any other answer none, so that its body alone is sent."""
        results = body.get("d", {}).get("results") if isinstance(body, dict) else None
        return results if isinstance(results, list) else []

    def refusal(self, fault: Fault, scope: Scope) -> Response:
        match fault.kind:
            case "session_expired":
                self._sessions.end()
                if scope["method"] != "GET":
                    return without_token()
                refusal = not_signed_in()
            case "status_429":
                refusal = Refusal(429, "/IWFND/CM_MGW/429", "Too many requests")
            case "conflict":
                refusal = changed_meanwhile()
            case "refuse_field":
                words = fault.text("message", f"{fault.text('field')} is not valid")
                refusal = Refusal(400, fault.text("code"), words, fault.text("field"))
            case _:
                refusal = Refusal(500, "SY/500", "Internal server error")
        return JSONResponse(refusal.body(), refusal.status)
