"""Event routes: which notifications go to which endpoint.

Source: learn.microsoft.com/azure/digital-twins/how-to-create-routes, "Supported route filters".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

from sandbox.twins.cloud_event import CloudEvent
from sandbox.twins.document import JsonObject, JsonValue
from sandbox.twins.errors import ServiceError
from sandbox.twins.expression import MISSING, Condition, ConditionParser, Value
from sandbox.twins.lexer import ExpressionError, Path, TokenReader

_ATTRIBUTES: Final = frozenset({"type", "source", "subject", "dataschema", "datacontenttype", "specversion", "id"})
_ID: Final = re.compile(r"[A-Za-z0-9\-_.]{1,50}")
_CONTENT_TYPE: Final = "application/json"


@dataclass(frozen=True)
class EventRoute:
    """A route; `passes` is its filter, ready to be asked."""

    id: str
    endpoint: str
    filter: str
    passes: Condition

    def body(self) -> JsonObject:
        """The route as the service answers it."""
        return {"id": self.id, "endpointName": self.endpoint, "filter": self.filter}


def read_route(route_id: str, body: JsonObject) -> EventRoute:
    """A route as it is put.

    Raises:
        ServiceError: EventRouteIdInvalid, EventRouteEndpointInvalid, EventRouteFilterInvalid.
    """
    if not _ID.fullmatch(route_id):
        raise ServiceError("EventRouteIdInvalid", f"The event route id {route_id!r} is not valid.")
    endpoint, text = body.get("endpointName"), body.get("filter")
    if not isinstance(endpoint, str) or not endpoint:
        raise ServiceError("EventRouteEndpointInvalid", "The event route has no endpointName.")
    if not isinstance(text, str):
        raise ServiceError("EventRouteFilterInvalid", "The event route has no filter.")
    return EventRoute(route_id, endpoint, text, _read_filter(text))


class Router:
    """The routes, and the one place that every notification passes.

    Args:
        host: the instance's host name, the `source` of its notifications.
        emit: receives an event for each route that lets it through.
    """

    def __init__(self, host: str, emit: Callable[[CloudEvent], None]) -> None:
        self._host = host
        self._emit = emit
        self._routes: dict[str, EventRoute] = {}

    def __iter__(self) -> Iterator[EventRoute]:
        return iter(self._routes.values())

    def get(self, route_id: str) -> EventRoute:
        """Raises ServiceError EventRouteNotFound."""
        route = self._routes.get(route_id)
        if route is None:
            raise ServiceError("EventRouteNotFound", f"There is no event route with the id {route_id}.")
        return route

    def put(self, route: EventRoute) -> None:
        self._routes[route.id] = route

    def remove(self, route_id: str) -> None:
        """Raises ServiceError EventRouteNotFound."""
        self.get(route_id)
        del self._routes[route_id]

    def publish(
        self,
        kind: str,
        data: JsonValue,
        time: datetime,
        *,
        subject: str | None,
        traceparent: str | None,
        sender: str = "",
        event_id: str | None = None,
        dataschema: str | None = None,
    ) -> None:
        """Send one notification along every route that lets it through, under the same id.

        Args:
            kind: the event's type.
            sender: appended to the host as the event's source (telemetry).
        """
        notification = _Notification(
            id=event_id or str(uuid4()),
            source=self._host + sender,
            type=kind,
            subject=subject,
            time=time,
            dataschema=dataschema,
            traceparent=traceparent,
            data=data,
        )
        for route in list(self._routes.values()):
            if route.passes(notification):
                self._emit(notification.along(route.id))


@dataclass(frozen=True, slots=True)
class _Notification:
    id: str
    source: str
    type: str
    subject: str | None
    time: datetime
    dataschema: str | None
    traceparent: str | None
    data: JsonValue

    datacontenttype = _CONTENT_TYPE
    specversion = CloudEvent.specversion

    def lookup(self, path: Path) -> Value:
        if path[0] != "$body":
            value: str | None = getattr(self, path[0])
            return value
        found: JsonValue = self.data
        for name in path[1:]:
            if not isinstance(found, dict) or name not in found:
                return MISSING
            found = found[name]
        return found

    def along(self, route_id: str) -> CloudEvent:
        return CloudEvent(
            self.id,
            self.source,
            self.type,
            self.subject,
            self.time,
            self.datacontenttype,
            self.dataschema,
            self.traceparent,
            self.data,
            route_id,
        )


def _read_filter(text: str) -> Condition:
    try:
        reader = TokenReader(text)
        parser = ConditionParser(reader)
        condition = parser.condition()
        reader.end()
    except ExpressionError as error:
        raise ServiceError("EventRouteFilterInvalid", f"The event route filter is invalid: {error}.") from error
    for path in parser.paths:
        if path[0] != "$body" and (path[0] not in _ATTRIBUTES or len(path) > 1):
            raise ServiceError(
                "EventRouteFilterInvalid", f"The event route filter is invalid: unknown field {'.'.join(path)}."
            )
    return condition
