"""What the server answers: the JSON-2 API, `POST /json/2/<model>/<method>`, and its version."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.odoo import methods
from sandbox.odoo.errors import Problem, json_answer, no_database, no_json, not_found, unauthorized
from sandbox.odoo.loading import NotLoaded, not_loaded
from sandbox.odoo.records import Records
from sandbox.odoo.session import Session
from sandbox.odoo.store import Store, User

JSON_2: Final = "/json/2/"
INVALID_KEY: Final = "Invalid apikey"
_VERSION: Final = {"version_info": [19, 0, 0, "final", 0, ""], "version": "19.0"}
_NO_KEY: Final = "User not authenticated, use an API Key with a Bearer Authorization header."
_BEARER: Final = "bearer "
_LOADING_SECONDS: Final = 0.002
"""How long a `load` takes, so that two at once meet each other as two transactions do."""


class Routes:
    """The ASGI application.

    Args:
        database: the name of the only database.
    """

    def __init__(self, store: Store, database: str) -> None:
        self._store = store
        self._database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            reply = await self._answer(request)
        except Problem as problem:
            reply = problem.answer()
        await reply(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = request.url.path
        if path in ("/web/version", "/json/version"):
            return json_answer(_VERSION)
        if request.headers.get("x-odoo-database", self._database) != self._database or not path.startswith(JSON_2):
            return no_database()
        model, _, method = path.removeprefix(JSON_2).partition("/")
        if request.method != "POST" or not method or "/" in method:
            raise not_found("Did you mean POST /json/2/<model>/<method>?")
        user = self._user(request.headers.get("authorization", ""))
        return json_answer(await self.called(user, model, method, await _body(request)))

    async def called(self, user: User, model: str, name: str, body: Mapping[str, object]) -> object:
        """What a method gives to a user.

        Raises:
            Problem: it is not carried out.
        """
        named = {**body}
        context, ids = named.pop("context", None), named.pop("ids", ())
        session = self.session(user, context)
        if name == "load":
            await asyncio.sleep(_LOADING_SECONDS)
        records = Records(session, model, tuple(ids) if isinstance(ids, list) else ())
        try:
            with self._store.transaction():
                return methods.by_names(methods.method_of(model, name), records, named)
        except NotLoaded as refused:
            return not_loaded(refused.messages)

    def session(self, user: User, context: object) -> Session:
        """A call that begins now."""
        given = context if isinstance(context, dict) else {}
        return Session(self._store, user, given, self._store.stamp(), self._store.snapshot)

    def _user(self, authorization: str) -> User:
        if not authorization.lower().startswith(_BEARER):
            raise unauthorized(_NO_KEY)
        key = authorization[len(_BEARER) :]
        for user in self._store.users.values():
            if user.key == key:
                return user
        raise unauthorized(INVALID_KEY)


async def _body(request: Request) -> dict[str, object]:
    content = await request.body()
    try:
        body: object = json.loads(content) if content else {}
    except ValueError as error:
        raise no_json(str(error)) from None
    return body if isinstance(body, dict) else {}
