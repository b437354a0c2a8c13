"""The sandbox's twin service: over HTTP for its clients, and in process for the plant that plays in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.faults import Faults
from sandbox.http_server import HttpServer
from sandbox.twins.cloud_event import CloudEvent
from sandbox.twins.data_plane import DataPlane
from sandbox.twins.document import JsonObject, JsonValue, copy_object
from sandbox.twins.endpoints import Endpoints
from sandbox.twins.errors import ServiceError
from sandbox.twins.json_patch import read_patch
from sandbox.twins.notifier import Cause
from sandbox.twins.request_gate import RequestGate, refusal


def wall_clock() -> datetime:
    """Now, aware UTC."""
    return datetime.now(UTC)


class TwinService:
    """Azure Digital Twins' data plane on the loopback.

    The methods below do what the endpoints do, without HTTP, for those in the same process; they raise
    `ServiceError` where an endpoint would answer one. Documents they return are not to be changed.

    Args:
        directory: where `twins.sqlite` lies or shall lie; None keeps everything in memory.
        emit: called with an event for each route that lets it through, before the change is answered.
        port: the TCP port, 0 for one the system chooses.
        faults: misbehaviour to show (target `twins`, operations as in `Endpoints.table`, kinds as in
            `request_gate.KINDS`); raises ValueError here when another kind waits already.
        now: the wall clock; `$metadata` times and the query lag go by it.
        query_lag: how far queries are behind point reads.
    """

    def __init__(
        self,
        directory: Path | None,
        emit: Callable[[CloudEvent], None],
        port: int = 0,
        faults: Faults | None = None,
        now: Callable[[], datetime] = wall_clock,
        query_lag: timedelta = timedelta(0),
    ) -> None:
        self._plane = DataPlane(directory, emit, now, query_lag)
        gate = RequestGate(faults or Faults(), self._plane.twins)
        self.app = Starlette(
            routes=[
                Route(path, gate.guard(operation, handler), methods=[method])
                for method, path, operation, handler in Endpoints(self._plane).table()
            ],
            exception_handlers={HTTPException: _outside},
        )
        self._server = HttpServer(self.app, port)

    async def start(self) -> None:
        """Answer on 127.0.0.1; raises OSError when the port is taken."""
        await self._server.start()

    async def stop(self) -> None:
        """Stop answering and close the journal; the service cannot start again, a new one goes on from disk."""
        await self._server.stop()
        self._plane.close()

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def url(self) -> str:
        return self._server.url

    def put_models(self, documents: Sequence[Mapping[str, object]]) -> None:
        """Upload DTDL models that may refer to each other; those that are there already, as they are, stay."""
        new = [copy_object(document) for document in documents]
        known = {model.interface.id: model.interface.document for model in self._plane.catalogue}
        missing: list[JsonValue] = [each for each in new if known.get(str(each.get("@id"))) != each]
        if missing:
            self._plane.add_models(missing)

    def put_model(self, document: Mapping[str, object]) -> None:
        """Upload one DTDL model, see `put_models`."""
        self.put_models([document])

    def put_route(self, route_id: str, endpoint: str, condition: str = "true") -> None:
        """Create or replace an event route; `condition` is its filter."""
        self._plane.put_route(route_id, {"endpointName": endpoint, "filter": condition})

    def put_twin(self, twin_id: str, body: Mapping[str, object]) -> None:
        """Create or replace a twin: `{"$metadata": {"$model": …}, property: value, …}`."""
        self._plane.twins.put(twin_id, copy_object(body))

    def put_relationship(
        self,
        source: str,
        relationship_id: str,
        name: str,
        target: str,
        properties: Mapping[str, object] | None = None,
    ) -> None:
        """Create or replace the relationship `name` from one twin to another."""
        body = {**(properties or {}), "$relationshipName": name, "$targetId": target}
        self._plane.relationships.put(source, relationship_id, copy_object(body))

    def patch_twin(
        self,
        twin_id: str,
        ops: Sequence[Mapping[str, object]],
        time: datetime | None = None,
        traceparent: str | None = None,
    ) -> None:
        """Change a twin by JSON Patch; `time` (aware) is the event's, the wall clock's where None."""
        patch = read_patch([copy_object(operation) for operation in ops])
        self._plane.twins.patch(twin_id, patch, cause=Cause(time, traceparent))

    def publish_telemetry(
        self,
        twin_id: str,
        data: Mapping[str, object],
        *,
        message_id: str | None = None,
        time: datetime | None = None,
        traceparent: str | None = None,
    ) -> None:
        """Announce telemetry; `data` is JSON and passed on as it is, `message_id` becomes the event's id."""
        value = cast("JsonValue", data)
        self._plane.twins.publish(twin_id, value, message_id=message_id, cause=Cause(time, traceparent))

    def twin(self, twin_id: str) -> JsonObject | None:
        """The current twin, None where there is none."""
        try:
            return self._plane.twins.get(twin_id)
        except ServiceError:
            return None

    def twins(self) -> Iterator[JsonObject]:
        """All current twins, in order of creation."""
        return iter(self._plane.twins)

    def relationships(self, twin_id: str) -> list[JsonObject]:
        """The outgoing relationships of a twin."""
        return self._plane.relationships.of(twin_id)


async def _outside(_: Request, error: Exception) -> Response:
    wrong_method = isinstance(error, HTTPException) and error.status_code == 405
    code = "MethodNotAllowed" if wrong_method else "NotFound"
    return refusal(ServiceError(code, "There is no such operation in the data plane."))
