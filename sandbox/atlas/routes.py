"""What the server answers to each operation."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from sandbox.atlas import answers, checks
from sandbox.atlas.errors import Problem, no_such_address, too_many_requests
from sandbox.atlas.operations import Operation, operation_of
from sandbox.atlas.search import ASSET_FIELDS, RECORD_FIELDS, searched
from sandbox.atlas.sessions import RateLimit, Sessions
from sandbox.atlas.store import ORDER, REQUEST, STATUSES, Comment, KeptRecord, Store, User, Work, linked

_FREE_ORDERS: Final = 30
_OPEN_TO_ALL: Final = ("signin", "refresh")
_ORDER_OF_A_REQUEST: Final = (
    "org.hibernate.TransientObjectException: persistent instance references an unsaved transient instance of "
    "'com.grash.model.WorkOrder' (save the transient instance before flushing)"
)
_DELETED: Final[Mapping[str, object]] = {"success": True, "message": "Deleted successfully"}


@dataclass(frozen=True)
class _Asked:
    """A request, who made it, and the id in its address (0 if there is none)."""

    request: Request
    user: User
    number: int


class Routes:
    """The ASGI application.

    Args:
        old: whether this is version 1.3.
        licensed: whether what later versions give to licensed companies only is given.
    """

    def __init__(self, store: Store, sessions: Sessions, limit: RateLimit, *, old: bool, licensed: bool) -> None:
        self._store = store
        self._sessions = sessions
        self._limit = limit
        self._old = old
        self._free = not old and not licensed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        operation = operation_of(scope, old=self._old)
        try:
            reply = await self._answer(request, operation)
        except Problem as problem:
            reply = problem.answer()
        await reply(scope, receive, send)

    async def _answer(self, request: Request, operation: Operation | None) -> Response:
        if operation is not None and operation.name in _OPEN_TO_ALL:
            body = await self._body(request)
            if operation.name == "signin":
                return JSONResponse(self._sessions.sign_in(self._store.users, body))
            return JSONResponse(self._sessions.refresh(body.get("refreshToken")))
        user = self._sessions.user(request.headers.get("authorization", ""))
        if not self._old and self._limit.exceeded(user):
            return too_many_requests()
        if operation is None:
            if request.url.path == "/auth/refresh":
                raise Problem(405, "Request method 'POST' not supported")
            if not self._old:
                raise Problem(500, f"No static resource {request.url.path.removeprefix('/')}.")
            return no_such_address(request.url.path, answers.offset(self._store.now()) or "")
        number = next((int(part) for part in request.url.path.split("/") if part.isdigit()), 0)
        handlers: Mapping[str, Callable[[_Asked], Awaitable[object]]] = {
            "me": self._me,
            "search_assets": self._search_assets,
            "asset": self._asset,
            "search_requests": self._search_records,
            "search_orders": self._search_records,
            "request": self._record,
            "order": self._record,
            "create_request": self._create,
            "create_order": self._create,
            "change_request": self._change,
            "change_order": self._change,
            "approve": self._approve,
            "cancel": self._cancel,
            "delete_request": self._delete,
            "delete_order": self._delete,
            "change_status": self._change_status,
            "comments": self._comments,
            "comment": self._comment,
            "labor": self._labor,
            "log_labor": self._log_labor,
            "parts": self._parts,
        }
        return JSONResponse(await handlers[operation.name](_Asked(request, user, number)))

    async def _me(self, asked: _Asked) -> object:
        return answers.whoami(asked.user)

    async def _search_assets(self, asked: _Asked) -> object:
        rows = [*self._store.assets.values()]
        return searched(rows, ASSET_FIELDS, await self._body(asked.request), answers.asset, old=self._old)

    async def _asset(self, asked: _Asked) -> object:
        if asked.number not in self._store.assets:
            raise Problem(404, "Not found")
        return answers.asset(self._store.assets[asked.number])

    async def _search_records(self, asked: _Asked) -> object:
        rows = [*self._store.records[_kind(asked.request)].values()]
        return searched(rows, RECORD_FIELDS, await self._body(asked.request), self._shown, old=self._old)

    async def _record(self, asked: _Asked) -> object:
        return self._shown(self._store.record(_kind(asked.request), asked.number))

    async def _create(self, asked: _Asked) -> object:
        kind, body = _kind(asked.request), await self._body(asked.request)
        if kind == REQUEST and asked.user.role != "ADMIN":
            raise Problem(403, "Access denied")
        content = checks.content_of(body, self._store, old=self._old, new=True)
        orders = self._store.records[ORDER].values()
        if kind == ORDER and self._free and sum(row.status != "COMPLETE" for row in orders) >= _FREE_ORDERS:
            words = f"Free Limit of {_FREE_ORDERS} incomplete work orders reached"
            raise Problem(403, f"You need a license to add a new work order. {words}")
        return self._shown(self._store.add_record(kind, await self._store.next_custom_id(kind), content, asked.user.id))

    async def _change(self, asked: _Asked) -> object:
        record, body = self._store.record(_kind(asked.request), asked.number), await self._body(asked.request)
        if record.kind == REQUEST and record.other is not None:
            raise Problem(406, "Can't patch an approved request")
        record.content = checks.content_of(body, self._store, old=self._old, new=False)
        if record.kind == ORDER:
            record.archived = bool(body.get("archived"))
        else:
            record.cancelled = bool(body.get("cancelled"))
        self._store.changed(record, asked.user.id)
        return self._shown(record)

    async def _approve(self, asked: _Asked) -> object:
        await self._body(asked.request)
        request = self._store.record(REQUEST, asked.number)
        self._store.check_waits(request)
        number = await self._store.next_custom_id(ORDER)
        return self._shown(self._store.approve(request, number, asked.user.id))

    async def _cancel(self, asked: _Asked) -> object:
        record, reason = self._store.record(REQUEST, asked.number), asked.request.query_params.get("reason", "")
        self._store.check_waits(record)
        if not reason.strip():
            raise Problem(406, "Please give a reason")
        record.cancelled, record.reason = True, reason
        self._store.changed(record, asked.user.id)
        return self._shown(record)

    async def _delete(self, asked: _Asked) -> object:
        record = self._store.record(_kind(asked.request), asked.number)
        if record.kind == ORDER and record.other is not None and not self._old:
            raise Problem(500, _ORDER_OF_A_REQUEST)
        self._store.delete(record)
        return dict(_DELETED)

    async def _change_status(self, asked: _Asked) -> object:
        body = await self._body(asked.request)
        order = self._store.records[ORDER].get(asked.number)
        if order is None:
            raise Problem(500, "No value present")
        status, feedback = body.get("status"), body.get("feedback")
        if status is None:
            raise Problem(406, "Status can't be null")
        if status not in STATUSES:
            raise Problem(500, "JSON parse error: Cannot deserialize value of type `com.grash.model.enums.Status`")
        self._store.change_status(order, str(status), None if feedback is None else str(feedback), asked.user.id)
        return self._shown(order)

    async def _comments(self, asked: _Asked) -> object:
        self._store.record(ORDER, asked.number)
        found = [row for row in self._store.comments if row.order == asked.number]
        return [answers.comment(row, self._store) for row in reversed(found)]

    async def _comment(self, asked: _Asked) -> object:
        body = await self._body(asked.request)
        order = self._store.record(ORDER, linked(body.get("workOrder")) or 0)
        content = body.get("content")
        if not isinstance(content, str) or not content.strip():
            raise Problem(400, "must not be blank")
        row = Comment(self._store.next_id(), order.id, asked.user.id, checks.cleaned(content), self._store.now())
        self._store.comments.append(row)
        return answers.comment(row, self._store)

    async def _labor(self, asked: _Asked) -> object:
        return [answers.work(row, self._store) for row in self._store.work if row.order == asked.number]

    async def _log_labor(self, asked: _Asked) -> object:
        if self._free:
            raise Problem(403, "You need a license to create a labor")
        body = await self._body(asked.request)
        order = self._store.record(ORDER, linked(body.get("workOrder")) or 0)
        person, seconds = linked(body.get("assignedTo")) or asked.user.id, body.get("duration")
        row = Work(
            self._store.next_id(), order.id, person, seconds if isinstance(seconds, int) else 0, self._store.now()
        )
        self._store.work.append(row)
        return answers.work(row, self._store)

    async def _parts(self, asked: _Asked) -> object:
        return [answers.part_use(row) for row in self._store.parts if row.order == asked.number]

    def _shown(self, record: KeptRecord) -> dict[str, object]:
        return answers.record(record, self._store, custom_fields=not self._old)

    async def _body(self, request: Request) -> dict[str, object]:
        try:
            body: object = json.loads(await request.body())
        except ValueError:
            raise Problem(500, "Required request body is missing") from None
        if not isinstance(body, dict):
            raise Problem(500, "JSON parse error: Cannot deserialize value")
        return body


def _kind(request: Request) -> str:
    return REQUEST if request.url.path.startswith("/requests") else ORDER
