"""The REST endpoints of the data plane, api-version 2023-10-31.

Source: learn.microsoft.com/rest/api/digital-twins/dataplane and the requests of azure-digitaltwins-core 1.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from sandbox.twins.data_plane import DataPlane
from sandbox.twins.document import JsonObject, parse_array, parse_object
from sandbox.twins.errors import ServiceError
from sandbox.twins.json_patch import Operation, read_patch
from sandbox.twins.notifier import Cause
from sandbox.twins.precondition import Precondition
from sandbox.twins.query_page import QueryPage
from sandbox.twins.request_gate import Handler, json_answer

PAGE_SIZE: Final = 100
_TWIN: Final = "/digitaltwins/{twin_id}"
_RELATIONSHIP: Final = _TWIN + "/relationships/{relationship_id}"
_COMPONENT: Final = _TWIN + "/components/{component}"


class Endpoints:
    """One method for each operation of the REST reference."""

    def __init__(self, data_plane: DataPlane) -> None:
        self._plane = data_plane
        self._twins = data_plane.twins
        self._relationships = data_plane.relationships

    def table(self) -> list[tuple[str, str, str, Handler]]:
        """Method, path, operation (the name faults know it by), handler."""
        return [
            ("GET", "/models", "list_models", self.list_models),
            ("POST", "/models", "create_models", self.create_models),
            ("GET", "/models/{model_id}", "get_model", self.get_model),
            ("PATCH", "/models/{model_id}", "decommission_model", self.decommission_model),
            ("DELETE", "/models/{model_id}", "delete_model", self.delete_model),
            ("GET", _RELATIONSHIP, "get_relationship", self.get_relationship),
            ("PUT", _RELATIONSHIP, "put_relationship", self.put_relationship),
            ("PATCH", _RELATIONSHIP, "patch_relationship", self.patch_relationship),
            ("DELETE", _RELATIONSHIP, "delete_relationship", self.delete_relationship),
            ("GET", _TWIN + "/relationships", "list_relationships", self.list_relationships),
            ("GET", _TWIN + "/incomingrelationships", "list_incoming", self.list_incoming),
            ("POST", _TWIN + "/telemetry", "telemetry", self.telemetry),
            ("POST", _COMPONENT + "/telemetry", "component_telemetry", self.telemetry),
            ("GET", _COMPONENT, "get_component", self.get_component),
            ("PATCH", _COMPONENT, "patch_component", self.patch_component),
            ("GET", _TWIN, "get_twin", self.get_twin),
            ("PUT", _TWIN, "put_twin", self.put_twin),
            ("PATCH", _TWIN, "patch_twin", self.patch_twin),
            ("DELETE", _TWIN, "delete_twin", self.delete_twin),
            ("POST", "/query", "query", self.query),
            ("GET", "/eventroutes", "list_routes", self.list_routes),
            ("GET", "/eventroutes/{route_id}", "get_route", self.get_route),
            ("PUT", "/eventroutes/{route_id}", "put_route", self.put_route),
            ("DELETE", "/eventroutes/{route_id}", "delete_route", self.delete_route),
        ]

    async def list_models(self, request: Request) -> Response:
        named = [each for text in request.query_params.getlist("dependenciesFor") for each in text.split(",") if each]
        models = self._plane.catalogue.needed_by(named) if named else list(self._plane.catalogue)
        full = _wants_definition(request)
        return _page(request, [model.body(with_definition=full) for model in models])

    async def create_models(self, request: Request) -> Response:
        added = self._plane.add_models(parse_array(await request.body()))
        return json_answer([model.body(with_definition=False) for model in added], 201)

    async def get_model(self, request: Request) -> Response:
        model = self._plane.catalogue.get(request.path_params["model_id"])
        return json_answer(model.body(with_definition=_wants_definition(request)))

    async def decommission_model(self, request: Request) -> Response:
        for operation in await _patch(request):
            if operation.path != ("decommissioned",) or operation.value is not True:
                raise ServiceError("JsonPatchInvalid", "A model can only be decommissioned.")
        self._plane.decommission_model(request.path_params["model_id"])
        return Response(status_code=204)

    async def delete_model(self, request: Request) -> Response:
        self._plane.delete_model(request.path_params["model_id"])
        return Response(status_code=204)

    async def get_twin(self, request: Request) -> Response:
        return _document(self._twins.get(request.path_params["twin_id"]))

    async def put_twin(self, request: Request) -> Response:
        body = parse_object(await request.body())
        return _document(self._twins.put(request.path_params["twin_id"], body, _precondition(request), _cause(request)))

    async def patch_twin(self, request: Request) -> Response:
        patch = await _patch(request)
        return _changed(
            self._twins.patch(request.path_params["twin_id"], patch, _precondition(request), _cause(request))
        )

    async def delete_twin(self, request: Request) -> Response:
        self._twins.delete(request.path_params["twin_id"], _precondition(request), _cause(request))
        return Response(status_code=204)

    async def get_component(self, request: Request) -> Response:
        twin_id, name = request.path_params["twin_id"], request.path_params["component"]
        return _document(self._twins.component(twin_id, name), self._twins.get(twin_id))

    async def patch_component(self, request: Request) -> Response:
        twin_id, name = request.path_params["twin_id"], request.path_params["component"]
        patch = await _patch(request)
        return _changed(self._twins.patch_component(twin_id, name, patch, _precondition(request), _cause(request)))

    async def telemetry(self, request: Request) -> Response:
        message_id = request.headers.get("message-id")
        if not message_id:
            raise ServiceError("InvalidArgument", "The Message-Id header is required.")
        self._twins.publish(
            request.path_params["twin_id"],
            parse_object(await request.body()),
            component=request.path_params.get("component"),
            message_id=message_id,
            cause=Cause(_source_time(request), request.headers.get("traceparent")),
        )
        return Response(status_code=204)

    async def get_relationship(self, request: Request) -> Response:
        return _document(self._relationships.get(*_relationship(request)))

    async def put_relationship(self, request: Request) -> Response:
        body = parse_object(await request.body())
        source, relationship_id = _relationship(request)
        return _document(
            self._relationships.put(source, relationship_id, body, _precondition(request), _cause(request))
        )

    async def patch_relationship(self, request: Request) -> Response:
        patch = await _patch(request)
        source, relationship_id = _relationship(request)
        return _changed(
            self._relationships.patch(source, relationship_id, patch, _precondition(request), _cause(request))
        )

    async def delete_relationship(self, request: Request) -> Response:
        source, relationship_id = _relationship(request)
        self._relationships.delete(source, relationship_id, _precondition(request), _cause(request))
        return Response(status_code=204)

    async def list_relationships(self, request: Request) -> Response:
        name = request.query_params.get("relationshipName")
        return _page(request, self._relationships.of(request.path_params["twin_id"], name))

    async def list_incoming(self, request: Request) -> Response:
        return _page(request, list(self._relationships.incoming(request.path_params["twin_id"])))

    async def query(self, request: Request) -> Response:
        page = QueryPage.read(parse_object(await request.body()))
        answer = self._plane.query(page, _page_size(request))
        return json_answer(answer, headers={"query-charge": "1.0"})

    async def list_routes(self, request: Request) -> Response:
        return _page(request, [route.body() for route in self._plane.router])

    async def get_route(self, request: Request) -> Response:
        return json_answer(self._plane.router.get(request.path_params["route_id"]).body())

    async def put_route(self, request: Request) -> Response:
        self._plane.put_route(request.path_params["route_id"], parse_object(await request.body()))
        return Response(status_code=204)

    async def delete_route(self, request: Request) -> Response:
        self._plane.delete_route(request.path_params["route_id"])
        return Response(status_code=204)


def _document(document: JsonObject, owner: JsonObject | None = None) -> Response:
    return json_answer(document, headers={"ETag": str((owner or document)["$etag"])})


def _changed(document: JsonObject) -> Response:
    return Response(status_code=204, headers={"ETag": str(document["$etag"])})


def _page(request: Request, items: Sequence[JsonObject]) -> Response:
    """`{value, nextLink?}`; the link carries the request's own parameters and where the next page begins."""
    parameters = dict(request.query_params)
    start = parameters.pop("continuationToken", "0")
    if not start.isdigit():
        raise ServiceError("InvalidArgument", "The continuation token is invalid.")
    following = int(start) + _page_size(request)
    answer: dict[str, object] = {"value": items[int(start) : following]}
    if following < len(items):
        answer["nextLink"] = f"{request.url.path}?{urlencode({**parameters, 'continuationToken': following})}"
    return json_answer(answer)


def _page_size(request: Request) -> int:
    text = request.headers.get("max-items-per-page", str(PAGE_SIZE))
    if not text.isdigit() or int(text) < 1:
        raise ServiceError("InvalidArgument", "The max-items-per-page header must be a positive number.")
    return min(int(text), PAGE_SIZE)


async def _patch(request: Request) -> list[Operation]:
    return read_patch(parse_array(await request.body(), "JsonPatchInvalid"))


def _precondition(request: Request) -> Precondition:
    return Precondition(request.headers.get("if-match"), request.headers.get("if-none-match"))


def _cause(request: Request) -> Cause:
    return Cause(None, request.headers.get("traceparent"))


def _relationship(request: Request) -> tuple[str, str]:
    return request.path_params["twin_id"], request.path_params["relationship_id"]


def _source_time(request: Request) -> datetime | None:
    text = request.headers.get("telemetry-source-time")
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ServiceError("InvalidArgument", f"Telemetry-Source-Time {text!r} is no timestamp.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _wants_definition(request: Request) -> bool:
    return request.query_params.get("includeModelDefinition", "false").lower() == "true"
