"""What the server answers to each operation."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from sandbox.maintainx import answers, checks
from sandbox.maintainx.errors import Problem
from sandbox.maintainx.limits import RateLimit
from sandbox.maintainx.listing import Query, asset_listing, expanded, listing
from sandbox.maintainx.operations import Operation, operation_of
from sandbox.maintainx.store import Store, User
from sandbox.maintainx.subscriptions import Subscription, Subscriptions

_SCHEME: Final = "Bearer "
_ONE: Final = "x-organization-id"
_SEVERAL: Final = "x-organization-ids"
_CREATED: Final = ("comment", "subscribe")
_OF_AN_ORDER: Final = ("expand", "useSequentialId")
_OF_A_WRITE: Final = ("skipWebhook",)


@dataclass(frozen=True)
class _Asked:
    """A request, who made it for which organisation, its query, and the id in its address (0 if there is none)."""

    request: Request
    user: User
    organization: int
    query: Query
    number: int

    def flag(self, name: str) -> bool:
        """Whether the query sets a flag."""
        return list(self.query.get(name, ())) == ["true"]

    def only(self, *names: str) -> None:
        """Refuses every other parameter."""
        for name in self.query:
            if name not in names:
                raise Problem(400, f"{name} is not allowed", name)


class Routes:
    """The ASGI application."""

    def __init__(self, store: Store, subscriptions: Subscriptions, limit: RateLimit) -> None:
        self._store = store
        self._subscriptions = subscriptions
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        user = self._user(request)
        if user is None:
            reply = Problem(401).answer()
        else:
            reply = await self._limited(request, user)
            reply.headers.update(self._limit.headers(user.id))
        await reply(scope, receive, send)

    async def _limited(self, request: Request, user: User) -> Response:
        if not self._limit.count(user.id):
            return Problem(429, "Too many requests").answer()
        try:
            return await self._answer(request, user, operation_of(request.scope))
        except Problem as problem:
            return problem.answer()

    async def _answer(self, request: Request, user: User, operation: Operation | None) -> Response:
        if operation is None:
            raise Problem(404, "Not found")
        number = next((int(part) for part in request.url.path.split("/") if part.isdigit()), 0)
        query = parse_qs(request.url.query, keep_blank_values=True)
        asked = _Asked(request, user, _organization(request, user), query, number)
        handlers: Mapping[str, Callable[[_Asked], Awaitable[object]]] = {
            "create_order": self._create,
            "list_orders": self._list,
            "order": self._order,
            "change_order": self._change,
            "change_status": self._change_status,
            "comment": self._comment,
            "list_assets": self._list_assets,
            "asset": self._asset,
            "subscribe": self._subscribe,
            "list_subscriptions": self._list_subscriptions,
            "secret": self._secret,
            "unsubscribe": self._unsubscribe,
        }
        answer = await handlers[operation.name](asked)
        return JSONResponse(answer, 201 if operation.name in _CREATED else 200)

    def _user(self, request: Request) -> User | None:
        given = request.headers.get("authorization", "")
        key = given.removeprefix(_SCHEME) if given.startswith(_SCHEME) else ""
        return next((user for user in self._store.users if user.key == key), None)

    async def _create(self, asked: _Asked) -> object:
        asked.only(*_OF_A_WRITE)
        content = checks.order_fields(await _body(asked.request), self._store, asked.organization, new=True)
        return {"id": self._store.add(content, asked.organization).id}

    async def _list(self, asked: _Asked) -> object:
        url = str(asked.request.url).partition("?")[0]
        return listing(self._store.of(asked.organization), asked.query, self._store, url)

    async def _order(self, asked: _Asked) -> object:
        asked.only(*_OF_AN_ORDER)
        order = self._store.order(asked.number, asked.organization, sequential=asked.flag("useSequentialId"))
        return {"workOrder": answers.single(order, self._store, expanded(asked.query))}

    async def _change(self, asked: _Asked) -> object:
        asked.only(*_OF_A_WRITE)
        order = self._store.order(asked.number, asked.organization)
        content = checks.order_fields(await _body(asked.request), self._store, asked.organization, new=False)
        extra = content.pop("extraFields", None)
        order.extra_fields |= extra if isinstance(extra, dict) else {}
        order.content |= content
        self._store.changed(order)
        return {"id": order.id}

    async def _change_status(self, asked: _Asked) -> object:
        asked.only(*_OF_A_WRITE)
        order = self._store.order(asked.number, asked.organization)
        before, status = order.status, checks.status_of(await _body(asked.request))
        self._store.change_status(order, status, asked.user.id)
        if not asked.flag("skipWebhook"):
            self._subscriptions.tell(order, before, asked.user.id)
        return {"id": order.id}

    async def _comment(self, asked: _Asked) -> object:
        asked.only(*_OF_A_WRITE)
        order = self._store.order(asked.number, asked.organization)
        order.comments.append(checks.comment_of(await _body(asked.request)))
        return {"id": self._store.next_id()}

    async def _list_assets(self, asked: _Asked) -> object:
        url = str(asked.request.url).partition("?")[0]
        return asset_listing(self._store.assets_of(asked.organization), asked.query, url)

    async def _asset(self, asked: _Asked) -> object:
        asked.only()
        for each in self._store.assets_of(asked.organization):
            if each.id == asked.number:
                return {"asset": answers.asset(each)}
        raise Problem(404, "Not Found.")

    async def _subscribe(self, asked: _Asked) -> object:
        body = await _body(asked.request)
        checks.check_subscription(body)
        row = self._subscriptions.add(asked.organization, body)
        return {**_shown(row), "secret": row.secret}

    async def _list_subscriptions(self, asked: _Asked) -> object:
        return {"subscriptions": [_shown(row) for row in self._subscriptions.of(asked.organization)]}

    async def _secret(self, asked: _Asked) -> object:
        return {"secret": self._subscriptions.one(asked.number, asked.organization).secret}

    async def _unsubscribe(self, asked: _Asked) -> object:
        self._subscriptions.remove(self._subscriptions.one(asked.number, asked.organization))
        return {"id": asked.number}


def _shown(row: Subscription) -> dict[str, object]:
    return {"id": row.id, "status": "VALID", "type": row.type, "url": row.url}


def _organization(request: Request, user: User) -> int:
    """The organisation that a request is for. A key that counts for several must name one.

    Raises:
        Problem: none is named, or both headers are sent, or the key does not count for it.
    """
    one, several = request.headers.get(_ONE), request.headers.get(_SEVERAL)
    if one is not None and several is not None:
        raise Problem(400, f"{_ONE} and {_SEVERAL} cannot both be sent")
    given = one if one is not None else several
    if given is None:
        if len(user.organizations) > 1:
            raise Problem(400, f"{_ONE} is required for a token of several organizations")
        return user.organizations[0]
    if not given.isdecimal() or int(given) not in user.organizations:
        raise Problem(403, "The token is not of this organization")
    return int(given)


async def _body(request: Request) -> dict[str, object]:
    try:
        body: object = json.loads(await request.body())
    except ValueError:
        raise Problem(400, "The body is not JSON") from None
    if not isinstance(body, dict):
        raise Problem(400, "The body is not an object")
    return body
