"""Shows injected faults (target `sap_pm`), as a middleware around the application.

`duplicate_answer` and `reorder_answers` change lists, and leave other answers as they are. `session_expired` ends all
sessions: a reading is answered as one that is not signed in, a change as one without its token. `conflict` is a change
of the record by somebody else.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Final

from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.faults import KINDS, Fault, Faults
from sandbox.http_faults import PROXY_PAGE, ROW_EDITS, unsent, until_gone
from sandbox.http_server import drop_connection
from sandbox.sap_pm.errors import Refusal
from sandbox.sap_pm.routes import operation_of
from sandbox.sap_pm.sessions import Sessions

TARGET: Final = "sap_pm"


class Misbehaviour:
    """An ASGI middleware that takes one fault, if any, for each request. It shows every kind but `late`."""

    def __init__(self, app: ASGIApp, faults: Faults, sessions: Sessions) -> None:
        self._app = app
        self._faults = faults
        self._sessions = sessions
        faults.declare(TARGET, KINDS - {"late"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._faults.take(TARGET, operation_of(scope["method"], scope["path"]))
        if fault is None:
            await self._app(scope, receive, send)
            return
        match fault.kind:
            case "down" | "drop_then_nothing":
                await drop_connection(scope)
            case "timeout":
                await until_gone(receive, fault.seconds)
                await drop_connection(scope)
            case "commit_then_drop":
                await self._app(scope, receive, unsent)
                await drop_connection(scope)
            case "slow":
                await asyncio.sleep(fault.seconds)
                await self._app(scope, receive, send)
            case "duplicate_answer" | "reorder_answers":
                await self._with_rows(ROW_EDITS[fault.kind], scope, receive, send)
            case _:
                await self._answer(fault, scope["method"])(scope, receive, send)

    async def _with_rows(
        self, edit: Callable[[list[object]], list[object]], scope: Scope, receive: Receive, send: Send
    ) -> None:
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        await self._app(scope, receive, keep)
        body = json.loads(b"".join(message.get("body", b"") for message in kept[1:]) or b"null")
        rows = body.get("d", {}).get("results") if isinstance(body, dict) else None
        if isinstance(rows, list):
            body["d"]["results"] = edit(rows)
        await Response(json.dumps(body), media_type="application/json")(scope, receive, send)

    def _answer(self, fault: Fault, method: str) -> Response:
        match fault.kind:
            case "html":
                return HTMLResponse(PROXY_PAGE)
            case "session_expired":
                self._sessions.end()
                if method != "GET":
                    return PlainTextResponse("CSRF token validation failed", 403, {"x-csrf-token": "Required"})
                refusal = Refusal(401, "SY/530", "Logon failed")
            case "status_429":
                refusal = Refusal(429, "/IWFND/CM_MGW/429", "Too many requests")
                return JSONResponse(refusal.body(), 429, {"retry-after": f"{fault.seconds:.0f}"})
            case "conflict":
                refusal = Refusal(412, "/IWFND/CM_MGW/524", "Precondition failed")
            case "refuse_field":
                words = fault.text("message", f"{fault.text('field')} is not valid")
                refusal = Refusal(400, fault.text("code"), words, fault.text("field"))
            case _:
                refusal = Refusal(500, "SY/500", "Internal server error")
        return JSONResponse(refusal.body(), refusal.status)
