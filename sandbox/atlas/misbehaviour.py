"""Shows injected faults (target `atlas`), as a middleware around the application.

`duplicate_answer` and `reorder_answers` change the rows of a page or a list, and leave other answers as they are.
`session_expired` lets the token of the request end. `conflict` is the 409 of an update by somebody else. Atlas sends
no `Retry-After` with its 429; the fault has one, as a proxy would add it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.atlas.checks import missing
from sandbox.atlas.errors import Problem
from sandbox.atlas.operations import operation_of
from sandbox.atlas.sessions import Sessions
from sandbox.faults import KINDS, Fault, Faults
from sandbox.http_faults import PROXY_PAGE, ROW_EDITS, unsent, until_gone
from sandbox.http_server import drop_connection

TARGET: Final = "atlas"
SHOWN: Final = KINDS - {"late"}
"""The kinds that this server can show."""


class Misbehaviour:
    """An ASGI middleware that takes one fault, if any, for each request.

    Args:
        old: whether this is version 1.3.
    """

    def __init__(self, app: ASGIApp, faults: Faults, sessions: Sessions, *, old: bool) -> None:
        self._app = app
        self._faults = faults
        self._sessions = sessions
        self._old = old
        faults.declare(TARGET, SHOWN)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        operation = operation_of(scope, old=self._old) if scope["type"] == "http" else None
        fault = self._faults.take(TARGET, operation.name if operation is not None else "unknown")
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
                if fault.kind == "session_expired":
                    self._sessions.expire(Headers(scope=scope).get("authorization", ""))
                await self._answer(fault)(scope, receive, send)

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
        await JSONResponse(body)(scope, receive, send)

    def _answer(self, fault: Fault) -> Response:
        match fault.kind:
            case "html":
                return HTMLResponse(PROXY_PAGE)
            case "session_expired":
                return Problem(403).answer()
            case "status_429":
                words = "You have exceeded the rate limit. Please try again later."
                reply = JSONResponse({"error": "Rate limit exceeded", "message": words}, 429)
                reply.headers["Retry-After"] = f"{fault.seconds:.0f}"
                return reply
            case "conflict":
                words = "The resource was modified by another request. Please refresh and retry."
                return Problem(409, words).answer()
            case "refuse_field":
                return Problem(400, missing(fault.text("field")) if self._old else "must not be null").answer()
        return Problem(500, "could not initialize proxy - no Session").answer()
