"""How a server over HTTP shows injected faults (`sandbox.faults`), as a middleware around its application."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import ClassVar, Final

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.faults import Fault, Faults
from sandbox.http_server import drop_connection

LATE: Final = "sandbox.late"
"""The key of a request's scope under which `late` says how many seconds later its effect is to show."""
_PROXY_PAGE: Final = (
    "<html><head><title>Maintenance</title></head><body><h1>We will be back shortly.</h1></body></html>"
)
"""A page of a proxy in the place of an answer."""


class HttpMisbehaviour(ABC):
    """An ASGI middleware that takes one fault, if any, for each request, and shows it.

    A vendor's class says what is the vendor's own: the names of its operations, where an answer has its rows, and how
    it refuses.

    Args:
        app: the server as it behaves.
        target: the name by which faults name the server.
        shown: the kinds of fault that it can show.

    Raises:
        ValueError: the list already holds a fault for the target of a kind that it cannot show.
    """

    wait_header: ClassVar[str] = "Retry-After"
    """Where the vendor says how many seconds to wait."""

    def __init__(self, app: ASGIApp, faults: Faults, target: str, shown: Collection[str]) -> None:
        self._app = app
        self._faults = faults
        self._target = target
        faults.declare(target, shown)

    @abstractmethod
    def operation(self, scope: Scope) -> str:
        """The name by which faults name the operation of a request."""

    @abstractmethod
    def rows(self, body: object) -> list[object] | None:
        """The list in the body of an answer that `duplicate_answer` and `reorder_answers` change.

        Where it is None the answer is sent as it is.
        """

    @abstractmethod
    def refusal(self, fault: Fault, scope: Scope) -> Response:
        """What the vendor answers to a request that it does not carry out."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._faults.take(self._target, self.operation(scope))
        if fault is None:
            await self._app(scope, receive, send)
            return
        match fault.kind:
            case "down" | "drop_then_nothing":
                await drop_connection(scope)
            case "timeout":
                await _until_gone(receive, fault.seconds)
                await drop_connection(scope)
            case "commit_then_drop":
                await self._app(scope, receive, _unsent)
                await drop_connection(scope)
            case "slow":
                await asyncio.sleep(fault.seconds)
                await self._app(scope, receive, send)
            case "late":
                await self._app({**scope, LATE: fault.seconds}, receive, send)
            case "duplicate_answer" | "reorder_answers":
                await self._with_rows(_ROW_EDITS[fault.kind], scope, receive, send)
            case "html":
                await HTMLResponse(_PROXY_PAGE)(scope, receive, send)
            case "status_429":
                reply = self.refusal(fault, scope)
                reply.headers[self.wait_header] = f"{fault.seconds:.0f}"
                await reply(scope, receive, send)
            case _:
                await self.refusal(fault, scope)(scope, receive, send)

    async def _with_rows(
        self, edit: Callable[[list[object]], list[object]], scope: Scope, receive: Receive, send: Send
    ) -> None:
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)

        await self._app(scope, receive, hold)
        body: object = json.loads(b"".join(message.get("body", b"") for message in held[1:]) or b"null")
        rows = self.rows(body)
        if rows is None:
            for message in held:
                await send(message)
            return
        rows[:] = edit(rows)
        await JSONResponse(body)(scope, receive, send)


def rows_of_page(body: object) -> list[object] | None:
    """The rows of a list, or of a page as Spring writes it; None where the body is neither."""
    rows = body.get("content") if isinstance(body, dict) else body
    return rows if isinstance(rows, list) else None


def _twice(rows: list[object]) -> list[object]:
    return rows[:1] + rows


def _reversed(rows: list[object]) -> list[object]:
    return rows[::-1]


_ROW_EDITS: Final[Mapping[str, Callable[[list[object]], list[object]]]] = {
    "duplicate_answer": _twice,
    "reorder_answers": _reversed,
}
"""The faults that change the rows of an answer."""


async def _unsent(_message: Message) -> None:
    """Takes an answer, and sends it to nobody."""


async def _until_gone(receive: Receive, seconds: float) -> None:
    """Wait, but not longer than the client does."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return
