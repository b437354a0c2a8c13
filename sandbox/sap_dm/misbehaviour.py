"""Shows injected faults (target `sap_dm`), as a middleware around the application.

`duplicate_answer` and `reorder_answers` change lists, and leave other answers as they are. `session_expired` lets the
token of the request expire. `late` answers a hold, a release or a change of status, and does it later. `conflict` is
the 412 of an update by somebody else.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.faults import KINDS, Fault, Faults
from sandbox.http_faults import PROXY_PAGE, ROW_EDITS, unsent, until_gone
from sandbox.http_server import drop_connection
from sandbox.sap_dm.answers import refusal
from sandbox.sap_dm.errors import Form, Problem
from sandbox.sap_dm.operations import Operation, operation_of
from sandbox.sap_dm.tokens import Tokens

TARGET: Final = "sap_dm"
LATE: Final = "sandbox.sap_dm.late"
_UNKNOWN: Final = Operation("", "", "unknown", Form.SFC_READING)


class Misbehaviour:
    """An ASGI middleware that takes one fault, if any, for each request. It can show every kind."""

    def __init__(self, app: ASGIApp, faults: Faults, tokens: Tokens) -> None:
        self._app = app
        self._faults = faults
        self._tokens = tokens
        faults.declare(TARGET, KINDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        operation = operation_of(scope) or _UNKNOWN if scope["type"] == "http" else _UNKNOWN
        fault = self._faults.take(TARGET, operation.name)
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
            case "late":
                await self._app({**scope, LATE: fault.seconds}, receive, send)
            case "duplicate_answer" | "reorder_answers":
                await self._with_rows(ROW_EDITS[fault.kind], scope, receive, send)
            case _:
                if fault.kind == "session_expired":
                    self._tokens.expire(Headers(scope=scope).get("authorization", ""))
                await _answer(fault, operation)(scope, receive, send)

    async def _with_rows(
        self, edit: Callable[[list[object]], list[object]], scope: Scope, receive: Receive, send: Send
    ) -> None:
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)

        await self._app(scope, receive, hold)
        body: object = json.loads(b"".join(message.get("body", b"") for message in held[1:]) or b"null")
        if isinstance(body, list):
            body = edit(body)
        elif isinstance(body, dict) and isinstance(body.get("content"), list):
            body["content"] = edit(body["content"])
        else:
            for message in held:
                await send(message)
            return
        await Response(json.dumps(body), media_type="application/json")(scope, receive, send)


def _answer(fault: Fault, operation: Operation) -> Response:
    match fault.kind:
        case "html":
            return HTMLResponse(PROXY_PAGE)
        case "session_expired":
            problem = Problem(401, "The token has expired", code="invalid_token")
        case "status_429":
            problem = Problem(429, "Too many requests", code="tooManyRequests")
        case "conflict":
            words = "The resource has already been updated by another user"
            problem = Problem(412, words, code="resource.stale")
        case "refuse_field":
            words = fault.text("message", f"{fault.text('field')} is not valid")
            problem = Problem(400, words, code=fault.text("code"), parameter=fault.text("field"))
        case _:
            problem = Problem(500, "An internal error occurred", code="internal")
    reply = refusal(problem, operation.form, operation.path)
    if problem.status == 429:
        reply.headers["Retry-After"] = f"{fault.seconds:.0f}"
    return reply
