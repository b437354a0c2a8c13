"""XML-RPC in front of the JSON-2 API: `/xmlrpc/2/common` signs in, `/xmlrpc/2/object` calls a method by `execute_kw`.

Each call becomes one of the JSON-2 API, so both do the same and faults are met by the same names. A fault has status
200. What Odoo's XML-RPC cannot write is a fault after the method was carried out: a null, and an answer whose keys are
numbers. Control characters are taken out of answers.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from xml.parsers.expat import ExpatError
from xmlrpc.client import Fault, dumps, loads

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.odoo.errors import Problem
from sandbox.odoo.methods import method_of
from sandbox.odoo.routes import JSON_2
from sandbox.odoo.schema import MODELS
from sandbox.odoo.store import Store

_PREFIX: Final = "/xmlrpc/2/"
_VERSION: Final = {
    "server_version": "19.0",
    "server_version_info": [19, 0, 0, "final", 0, ""],
    "server_serie": "19.0",
    "protocol_version": 1,
}
_CODES: Final[Mapping[str, int]] = {
    "odoo.exceptions.UserError": 2,
    "odoo.exceptions.ValidationError": 2,
    "odoo.exceptions.MissingError": 2,
    "odoo.exceptions.AccessDenied": 3,
    "werkzeug.exceptions.Unauthorized": 3,
    "odoo.exceptions.AccessError": 4,
}
"""By the name of an exception. Every other one is 1, with its stack trace."""
_TRACE_HEAD: Final = 'Traceback (most recent call last):\n  File "odoo/http.py", line 1, in dispatch\n    …\n'
_LACKS: Final = "missing a required argument"
_CONTROL: Final = dict.fromkeys(set(range(32)) - {9, 10, 13})
_NUMBERS_AS_KEYS: Final = "get_external_id"


class XmlRpcFront:
    """The ASGI application; requests for other addresses go on as they are.

    Args:
        app: the JSON-2 API.
        database: the name of the only database.
    """

    def __init__(self, app: ASGIApp, store: Store, database: str) -> None:
        self._app = app
        self._store = store
        self._database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith(_PREFIX):
            await self._app(scope, receive, send)
            return
        content = await Request(scope, receive).body()
        try:
            arguments, method = loads(content)
            answer = await self._answer(scope, receive, str(scope["path"]).removeprefix(_PREFIX), method, arguments)
        except ExpatError as error:
            answer = _fault(1, f"{_TRACE_HEAD}xml.parsers.expat.ExpatError: {error}\n")
        if answer is not None:
            await answer(scope, receive, send)

    async def _answer(
        self, scope: Scope, receive: Receive, service: str, method: str | None, arguments: Sequence[Any]
    ) -> Response | None:
        """The answer of a service; None if the connection was cut."""
        if (service, method) == ("common", "version"):
            return _xml(_VERSION)
        if (service, method) == ("common", "authenticate"):
            database, login, key, _ = arguments
            if database != self._database:
                return self._no_database(database)
            found = [user.id for user in self._store.users.values() if (user.login, user.key) == (login, key)]
            return _xml(found[0] if found else False)
        if (service, method) != ("object", "execute_kw"):
            return _fault(1, f"{_TRACE_HEAD}KeyError: {service!r}\n")
        return await self._execute(scope, receive, *arguments)

    async def _execute(
        self,
        scope: Scope,
        receive: Receive,
        database: str,
        number: int,
        key: str,
        model: str,
        name: str,
        given: Sequence[Any],
        named: Mapping[str, Any] | None = None,
    ) -> Response | None:
        if database != self._database:
            return self._no_database(database)
        user = self._store.users.get(number)
        if user is None:
            record = f"(Record: res.users({number},), User: {number})"
            return _fault(2, f"Record does not exist or has been deleted.\n{record}")
        if user.key != key:
            return _fault(3, "Access Denied")
        if model not in MODELS:
            return _fault(2, f"Object {model} doesn't exist")
        body = _body(model, name, given, named or {})
        status, content = await self._asked(scope, receive, f"{JSON_2}{model}/{name}", key, body)
        return None if status is None else _translated(name, status, content)

    async def _asked(
        self, scope: Scope, receive: Receive, path: str, key: str, body: object
    ) -> tuple[int | None, Response]:
        """What the JSON-2 API answers; no status if it cut the connection."""
        headers = [(b"authorization", f"bearer {key}".encode()), (b"x-odoo-database", self._database.encode())]
        messages: list[Message] = []
        sent = [{"type": "http.request", "body": json.dumps(body).encode()}]

        async def receive_body() -> Message:
            return sent.pop() if sent else await receive()

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app({**scope, "path": path, "headers": headers}, receive_body, keep)
        content = b"".join(message.get("body", b"") for message in messages[1:])
        if not messages:
            return None, Response()
        kept = Response(content, messages[0]["status"])
        kept.raw_headers = [*messages[0].get("headers", [])]
        return messages[0]["status"], kept

    def _no_database(self, database: str) -> Response:
        words = f'connection to server failed: FATAL:  database "{database}" does not exist'
        return _fault(1, f"{_TRACE_HEAD}psycopg2.OperationalError: {words}\n\n")


def _body(model: str, name: str, given: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """The body that the JSON-2 API has for the arguments of a call, which may stand without their names."""
    if name.startswith("_"):
        return dict(named)
    try:
        method = method_of(model, name)
    except Problem:  # The JSON-2 API refuses it next, and says why.
        return dict(named)
    arguments = [*given]
    ids = {} if method.of_model or not arguments else {"ids": arguments.pop(0)}
    names = [*inspect.signature(method.call).parameters][1:]
    return {**ids, **dict(zip(names, arguments, strict=False)), **named}


def _translated(name: str, status: int, kept: Response) -> Response:
    """An answer of the JSON-2 API as one of XML-RPC; a page, or what a proxy says, as it is."""
    if "json" not in kept.headers.get("content-type", ""):
        return kept
    value = json.loads(bytes(kept.body))
    if status == 200:
        if value is None:
            return _fault(1, f"{_TRACE_HEAD}TypeError: cannot marshal None unless allow_none is enabled\n")
        if name == _NUMBERS_AS_KEYS:
            return _fault(1, f"{_TRACE_HEAD}TypeError: dictionary key must be string\n")
        return _xml(value)
    code = _CODES.get(value["name"], 1)
    if code == 3:
        return _fault(3, "Access Denied")
    if code > 1:
        return _fault(code, value["message"])
    # JSON-2 looks at the arguments before the call, XML-RPC does not.
    called = value["message"].replace(_LACKS, f"BaseModel.{name}() missing 1 required positional argument")
    return _fault(1, f"{_TRACE_HEAD}{_raised(value['name'])}: {called}\n")


def _raised(name: str) -> str:
    """An exception as a stack trace names it."""
    translated = {
        "werkzeug.exceptions.NotFound": "AttributeError",
        "werkzeug.exceptions.UnprocessableEntity": "TypeError",
    }
    return translated.get(name, name.removeprefix("builtins."))


def _xml(value: object) -> Response:
    return _sent(dumps((_plain(value),), methodresponse=True))  # type: ignore[arg-type]  # plain JSON


def _fault(code: int, words: str) -> Response:
    return _sent(dumps(Fault(code, words.translate(_CONTROL)), methodresponse=True))


def _sent(content: str) -> Response:
    return Response(content, media_type="text/xml")


def _plain(value: object) -> object:
    """A value without control characters in its texts."""
    match value:
        case str():
            return value.translate(_CONTROL)
        case list():
            return [_plain(each) for each in value]
        case dict():
            return {name: _plain(each) for name, each in value.items()}
    return value
