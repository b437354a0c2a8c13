"""How Maximo shows injected faults (target `maximo`)."""

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Scope

from sandbox.faults import KINDS, Fault, Faults
from sandbox.http_faults import HttpMisbehaviour
from sandbox.maximo.admission import not_logged_in
from sandbox.maximo.errors import UNSTATED, MaximoError
from sandbox.maximo.operations import API, operation_of

TARGET = "maximo"
SHOWN = KINDS - {"conflict", "late"}
_MEMBERS = ("member", "rdfs:member")


class Misbehaviour(HttpMisbehaviour):
    """It can show every kind of `SHOWN`."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        super().__init__(app, faults, TARGET, SHOWN)

    def operation(self, scope: Scope) -> str:
        return operation_of(scope)

    def rows(self, body: object) -> list[object] | None:
        """The members of a query's answer."""
        return next((body[name] for name in _MEMBERS if isinstance(body, dict) and name in body), None)

    def refusal(self, fault: Fault, scope: Scope) -> Response:  # noqa: ARG002 -- the same for all requests
        match fault.kind:
            case "session_expired":
                error = not_logged_in()
            case "refuse_field":
                text = fault.text("message", f"{fault.text('field')} is not valid.")
                error = MaximoError(fault.text("code"), text, attribute=fault.text("field"), object_name="workorder")
            case "status_429":
                error = MaximoError(UNSTATED, "Too many requests.", status=429)
            case _:
                error = MaximoError(UNSTATED, "An internal error occurred.", status=500)
        return JSONResponse(error.body(API, lean=True, batch=False), error.status)
