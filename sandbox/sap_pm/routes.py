"""The requests that both services answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.sap_pm.errors import Refusal, changed_meanwhile, malformed, without_token
from sandbox.sap_pm.fields import ACTIVITY, CAUSE, ITEM, NOTIFICATION, ORDER, Kind, Property
from sandbox.sap_pm.functions import NOTIFICATION_FUNCTIONS, ORDER_FUNCTIONS, Act
from sandbox.sap_pm.odata import Filter, Record, Value, key_of, shown, text_of_literal
from sandbox.sap_pm.sessions import Sessions
from sandbox.sap_pm.store import Entity, Store

_ITEMS: Final = "to_Item"


@dataclass(frozen=True)
class Service:
    """One service with its entity."""

    path: str
    entity: str
    properties: Mapping[str, Property]
    functions: Mapping[str, Act]


SERVICES: Final = (
    Service(
        "/sap/opu/odata/sap/API_MAINTNOTIFICATION", "MaintenanceNotification", NOTIFICATION, NOTIFICATION_FUNCTIONS
    ),
    Service("/sap/opu/odata/sap/API_MAINTENANCEORDER;v=2", "MaintenanceOrder", ORDER, ORDER_FUNCTIONS),
)


def operation_of(method: str, path: str) -> str:
    """What a request is for; faults name it so."""
    service, segment = _split(path)
    if service is None or not segment:
        return "session"
    of_order = "_order" if service.entity == "MaintenanceOrder" else ""
    if segment in service.functions:
        return segment
    if key_of(segment) is not None:
        return ("read" if method == "GET" else "change") + of_order
    return ("query" if method == "GET" else "create") + of_order


def _split(path: str) -> tuple[Service | None, str]:
    for service in SERVICES:
        if path.startswith(service.path):
            return service, path.removeprefix(service.path).strip("/")
    return None, ""


class Routes:
    """Answers requests, each signed in, and each change with the token of its session."""

    def __init__(self, store: Store, sessions: Sessions, page_limit: int) -> None:
        self._store = store
        self._sessions = sessions
        self.page_limit = page_limit
        self.asked: list[str] = []

    async def answer(self, request: Request) -> Response:
        """The answer to a request."""
        try:
            by = self._sessions.user(request.headers.get("authorization", ""))
            return await self._answer(request, by)
        except Refusal as refusal:
            return JSONResponse(refusal.body(), refusal.status)

    async def _answer(self, request: Request, by: str) -> Response:
        cookies, token = request.headers.get("cookie", ""), request.headers.get("x-csrf-token", "")
        if request.method != "GET" and not self._sessions.accepts(token, cookies):
            return without_token()
        # The path as it was sent: a quotation mark or a slash of a key is not one of the path.
        raw = request.scope.get("raw_path", b"").decode("ascii") or request.url.path
        service, segment = _split(unquote(raw.partition("?")[0]))
        params = dict(parse_qsl(request.url.query, keep_blank_values=True))
        self.asked.append(f"{request.method} {unquote(raw)}?{request.url.query}")
        if service is None:
            raise Refusal(404, "/IWFND/MED/170", "No service found for namespace and name")
        reply = await self._of_service(request, service, segment, params, by)
        if request.method == "GET" and token.lower() == "fetch":
            fresh, cookie = self._sessions.fetch(cookies)
            reply.headers["x-csrf-token"] = fresh
            reply.headers.append("set-cookie", cookie)
            reply.headers.append("set-cookie", "sap-usercontext=sap-client=100; path=/")
        return reply

    async def _of_service(
        self, request: Request, service: Service, segment: str, params: Mapping[str, str], by: str
    ) -> Response:
        if not segment:
            return JSONResponse({"d": {"EntitySets": [service.entity]}})
        if segment in service.functions:
            return self._function(request, service, segment, params, by)
        key = key_of(segment)
        if key is not None:
            return await self._one(request, service, key, params)
        if segment != service.entity:
            raise Refusal(404, "/IWBEP/CM_MGW_RT/020", f"Resource not found for segment '{segment}'")
        if request.method == "GET":
            return self._list(request, service, params)
        return await self._create(request, service, by)

    def _list(self, request: Request, service: Service, params: Mapping[str, str]) -> Response:
        where = Filter(params["$filter"], service.properties) if params.get("$filter") else None
        found = [each for each in self._records(service).values() if where is None or where(each.values)]
        for name in reversed([name.strip() for name in params.get("$orderby", service.entity).split(",")]):
            property_name, _, direction = name.partition(" ")
            of = service.properties.get(property_name)
            if of is None or not of.filterable or direction not in ("", "asc", "desc"):
                raise malformed(f"Property '{name}' cannot be sorted by", name)
            found.sort(key=lambda each: _sorting(each.values, property_name), reverse=direction == "desc")
        skip = int(params.get("$skip", "0")) + int(params.get("$skiptoken", "0"))
        left = found[skip:]
        top = int(params.get("$top", str(len(left))))
        page = left[: min(top, self.page_limit)]
        body: dict[str, object] = {"results": [self._shown(request, service, each, params) for each in page]}
        if len(page) < min(top, len(left)):
            body["__next"] = f"{request.url.scheme}://{request.url.netloc}{service.path}?$skiptoken={skip + len(page)}"
        return JSONResponse({"d": body})

    async def _one(self, request: Request, service: Service, key: str, params: Mapping[str, str]) -> Response:
        record = self._found(service, key)
        if request.method == "GET":
            return JSONResponse({"d": self._shown(request, service, record, params)}, headers={"etag": record.etag})
        if request.method != "PATCH" or service.entity != "MaintenanceNotification":
            raise Refusal(405, "/IWFND/CM_MGW/005", "Method not allowed")
        _check_etag(request, record)
        self._store.change_notification(record, await _body(request))
        return Response(status_code=204)

    async def _create(self, request: Request, service: Service, by: str) -> Response:
        body = await _body(request)
        add = self._store.add_order if service.entity == "MaintenanceOrder" else self._store.add_notification
        record = add(body, by)
        return JSONResponse({"d": self._shown(request, service, record, {})}, 201)

    def _function(self, request: Request, service: Service, name: str, params: Mapping[str, str], by: str) -> Response:
        if request.method != "POST":
            raise Refusal(405, "/IWFND/CM_MGW/005", "Method not allowed")
        record = self._found(service, text_of_literal(params.get(service.entity, "''")))
        _check_etag(request, record)
        service.functions[name](self._store, record, params, by)
        if service.entity == "MaintenanceOrder":
            return JSONResponse({"d": {"IsInvalid": False}})
        return JSONResponse({"d": self._shown(request, service, record, {})})

    def _records(self, service: Service) -> Mapping[str, Entity]:
        return self._store.orders if service.entity == "MaintenanceOrder" else self._store.notifications

    def _found(self, service: Service, key: str) -> Entity:
        record = self._records(service).get(key)
        if record is None:
            raise Refusal(404, "/IWBEP/CM_MGW_RT/020", f"Resource not found for segment '{service.entity}'")
        return record

    def _shown(
        self, request: Request, service: Service, record: Entity, params: Mapping[str, str]
    ) -> dict[str, object]:
        uri = f"{request.url.scheme}://{request.url.netloc}{service.path}/{service.entity}('{record.number}')"
        body: dict[str, object] = {"__metadata": {"id": uri, "uri": uri, "etag": record.etag}}
        body |= _properties(record.values, service.properties)
        if service.entity == "MaintenanceNotification":
            expanded = params.get("$expand", "").split(",")
            body[_ITEMS] = {"__deferred": {"uri": f"{uri}/{_ITEMS}"}}
            if _ITEMS in expanded:
                body[_ITEMS] = {"results": [_item(item, expanded) for item in record.items]}
        return body


def _properties(values: Record, properties: Mapping[str, Property]) -> dict[str, object]:
    return {name: shown(_plain(values.get(name), of), of.kind) for name, of in properties.items()}


def _plain(value: Value, of: Property) -> Value:
    return "" if value is None and of.kind is Kind.TEXT else value


def _item(item: Mapping[str, object], expanded: list[str]) -> dict[str, object]:
    body = _properties({name: value for name, value in item.items() if isinstance(value, str)}, ITEM)
    for link, properties in (("to_ItemCause", CAUSE), ("to_ItemActivity", ACTIVITY)):
        rows = item[link]
        if f"{_ITEMS}/{link}" in expanded and isinstance(rows, list):
            body[link] = {"results": [_properties(row, properties) for row in rows]}
        else:
            body[link] = {"__deferred": {"uri": link}}
    return body


def _sorting(values: Record, name: str) -> str:
    value = values.get(name)
    return value.isoformat() if isinstance(value, datetime) else str(value or "")


def _check_etag(request: Request, record: Entity) -> None:
    given = request.headers.get("if-match")
    if given is None:
        raise Refusal(428, "/IWFND/CM_MGW/525", "Header 'If-Match' is required for this request")
    if given != record.etag:
        raise changed_meanwhile()


async def _body(request: Request) -> dict[str, object]:
    try:
        body = json.loads(await request.body())
    except ValueError:
        raise malformed("The request body is not JSON") from None
    if not isinstance(body, dict):
        raise malformed("The request body is no object")
    return body
