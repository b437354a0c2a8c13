"""Shows injected faults, as a middleware around the application."""

import asyncio
import json
from collections.abc import Callable

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.faults import KINDS, Fault, Faults
from sandbox.http_faults import PROXY_PAGE, ROW_EDITS, unsent, until_gone
from sandbox.http_server import drop_connection
from sandbox.maximo.admission import not_logged_in
from sandbox.maximo.errors import UNSTATED, MaximoError
from sandbox.maximo.operations import API, operation_of

TARGET = "maximo"
SHOWN = KINDS - {"conflict", "late"}
_MEMBERS = ("member", "rdfs:member")


class Misbehaviour:
    """An ASGI middleware that takes one fault, if any, for each request. It can show every kind of `SHOWN`.

    `duplicate_answer` and `reorder_answers` change the members of a query's answer and leave any other as it is.
    """

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults
        faults.declare(TARGET, SHOWN)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._faults.take(TARGET, operation_of(scope)) if scope["type"] == "http" else None
        if fault is None:
            await self._app(scope, receive, send)
        elif fault.kind in ("down", "drop_then_nothing"):
            await drop_connection(scope)
        elif fault.kind == "timeout":
            await until_gone(receive, fault.seconds)
            await drop_connection(scope)
        elif fault.kind == "commit_then_drop":
            await self._app(scope, receive, unsent)
            await drop_connection(scope)
        elif fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            await self._app(scope, receive, send)
        elif fault.kind in ("duplicate_answer", "reorder_answers"):
            await self._with_members(ROW_EDITS[fault.kind], scope, receive, send)
        else:
            await _answer(fault)(scope, receive, send)

    async def _with_members(
        self, edit: Callable[[list[object]], list[object]], scope: Scope, receive: Receive, send: Send
    ) -> None:
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)

        await self._app(scope, receive, hold)
        body: object = json.loads(b"".join(message.get("body", b"") for message in held[1:]) or b"null")
        members = next((name for name in _MEMBERS if isinstance(body, dict) and name in body), None)
        if isinstance(body, dict) and members is not None:
            body[members] = edit(body[members])
            await JSONResponse(body)(scope, receive, send)
            return
        for message in held:
            await send(message)


def _answer(fault: Fault) -> Response:
    if fault.kind == "html":
        return HTMLResponse(PROXY_PAGE)
    if fault.kind == "session_expired":
        error = not_logged_in()
    elif fault.kind == "refuse_field":
        text = fault.text("message", f"{fault.text('field')} is not valid.")
        error = MaximoError(fault.text("code"), text, attribute=fault.text("field"), object_name="workorder")
    elif fault.kind == "status_429":
        error = MaximoError(UNSTATED, "Too many requests.", status=429)
    else:
        error = MaximoError(UNSTATED, "An internal error occurred.", status=500)
    headers = {"Retry-After": f"{fault.seconds:.0f}"} if error.status == 429 else None
    return JSONResponse(error.body(API, lean=True, batch=False), error.status, headers)
