"""The REST routes of `/maximo/api`."""

from collections.abc import Mapping
from datetime import tzinfo

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.maximo.admission import Admission, not_logged_in
from sandbox.maximo.errors import UNSTATED, MaximoError
from sandbox.maximo.mbo import Json, Mbo, key_of_rest_id
from sandbox.maximo.namespaces import PREFIXES, with_prefixes
from sandbox.maximo.operations import API
from sandbox.maximo.queries import Page, Queries
from sandbox.maximo.requests import Call
from sandbox.maximo.schemas import schema_of
from sandbox.maximo.select import Projection, Selection, everything, parse_select
from sandbox.maximo.statuses import StatusDomain
from sandbox.maximo.store import Store
from sandbox.maximo.structures import STRUCTURES, WORK_ORDER, ObjectStructure
from sandbox.maximo.work_orders import unknown_record, unknown_work_order
from sandbox.maximo.writes import Writes


class Routes:
    """Handlers of every route; what they refuse is answered in Maximo's error JSON."""

    def __init__(
        self,
        admission: Admission,
        store: Store,
        queries: Queries,
        writes: Writes,
        domain: StatusDomain,
        zone: tzinfo,
    ) -> None:
        self._admission = admission
        self._store = store
        self._queries = queries
        self._writes = writes
        self._domain = domain
        self._zone = zone

    def app(self) -> Starlette:
        """The application, without its misbehaviour."""
        return Starlette(
            routes=[
                Route(f"{API}/os/{{name}}", self._get_collection, methods=["GET"]),
                Route(f"{API}/os/{{name}}", self._post_collection, methods=["POST"]),
                Route(f"{API}/os/{{name}}/{{token}}", self._get_record, methods=["GET"]),
                Route(f"{API}/os/{{name}}/{{token}}", self._post_record, methods=["POST"]),
                Route(f"{API}/os/{{name}}/{{token}}/getlist~status", self._get_status_list, methods=["GET"]),
                Route(f"{API}/jsonschemas/{{name}}", self._get_schema, methods=["GET"]),
                Route("/maximo/oslc/{rest:path}", self._native_login, methods=["GET", "POST"]),
            ],
            exception_handlers={MaximoError: self._refuse, HTTPException: self._refuse},
        )

    async def _get_collection(self, request: Request) -> Response:
        call, structure = self._admit(request)
        params = call.params
        page = self._queries.answer(params, structure, self._store.all(structure.root.name))
        if params.get("count") == "1":
            return self._json({"totalCount": page.total})
        select = params.get("oslc.select")
        selection = parse_select(select, structure) if select is not None else None
        members: list[Json] = [self._record(call, structure, mbo, selection) for mbo in page.members]
        info = _response_info(call, structure, page)
        if call.lean:
            return self._json({"member": members, "responseInfo": info})
        return self._json(
            {
                "prefixes": dict(PREFIXES),
                "rdfs:member": with_prefixes(members),
                "rdf:about": call.collection_href(structure, {}).removesuffix("?"),
                "oslc:responseInfo": {
                    f"oslc:{name}": {"rdf:resource": value["href"]} if isinstance(value, dict) else value
                    for name, value in info.items()
                },
            }
        )

    async def _get_record(self, request: Request) -> Response:
        call, structure = self._admit(request)
        mbo = self._find(structure, request.path_params["token"])
        select = call.params.get("oslc.select")
        selection = everything(structure) if select is None else parse_select(select, structure)
        return self._show(call, structure, mbo, selection, 200)

    async def _get_status_list(self, request: Request) -> Response:
        call, structure = self._admit(request)
        mbo = self._find(structure, request.path_params["token"])
        if structure is not WORK_ORDER:
            raise MaximoError(UNSTATED, f"{structure.name} has no list of statuses.", status=404)
        members: list[Json] = [
            {
                "value": status.value,
                "maxvalue": status.maxvalue,
                "description": status.description,
                "domainid": "WOSTATUS",
                "defaults": status.default,
            }
            for status in self._domain.after(mbo.text("status"))
        ]
        if call.lean:
            return self._json({"member": members})
        return self._json({"prefixes": dict(PREFIXES), "rdfs:member": with_prefixes(members)})

    async def _get_schema(self, request: Request) -> Response:
        call, structure = self._admit(request)
        return self._json(schema_of(structure, call.params.get("oslc.select"), call.base))

    async def _post_collection(self, request: Request) -> Response:
        call, structure = self._admit(request)
        if call.override == "BULK":
            body = await call.json(namespaced="action" not in call.params)
            answers: list[Json] = [*self._writes.bulk(call, structure, body)]
            return self._json(answers)
        if call.override not in ("", "SYNC"):
            raise MaximoError(UNSTATED, f"A collection does not know x-method-override {call.override}.")
        asked = _properties(call, structure)
        mbo, created = self._writes.create_or_sync(call, structure, await call.json_object())
        return self._written(call, structure, mbo, asked, created=created)

    async def _post_record(self, request: Request) -> Response:
        call, structure = self._admit(request)
        mbo = self._find(structure, request.path_params["token"])
        if call.override != "PATCH":
            raise MaximoError(UNSTATED, "A record is changed by POST with x-method-override PATCH.")
        asked = _properties(call, structure)
        action = call.params.get("action")
        if action is not None:
            params = await call.json_object(namespaced=False)
            changed = self._writes.act(call, structure, mbo, action, params)
        else:
            changed = self._writes.update(call, structure, mbo, await call.json_object())
        return self._written(call, structure, changed, asked, created=False)

    async def _native_login(self, _request: Request) -> Response:
        """`/maximo/oslc` is behind the application server's own login, which an API key does not pass."""
        raise not_logged_in()

    def _admit(self, request: Request) -> tuple[Call, ObjectStructure]:
        call = Call(request, self._admission.user(request))
        name = str(request.path_params["name"]).lower()
        if name == "mxdomain":
            raise MaximoError("BMXAA9301E", "You are not authorized to use mxdomain.", status=403)
        structure = STRUCTURES.get(name)
        if structure is None:
            raise MaximoError(UNSTATED, f"There is no object structure {name}.", status=404)
        return call, structure

    def _find(self, structure: ObjectStructure, token: str) -> Mbo:
        mbo = self._store.get(structure.root.name, key_of_rest_id(token) or "")
        if mbo is None:
            raise unknown_work_order(token) if structure is WORK_ORDER else unknown_record(structure.name, token)
        return mbo

    def _record(self, call: Call, structure: ObjectStructure, mbo: Mbo, selection: Selection | None) -> dict[str, Json]:
        shown: dict[str, Json] = {"href": call.href(structure, mbo)}
        if selection is not None:
            keep_nulls = call.params.get("_dropnulls") == "0"
            projection = Projection(structure, selection, self._domain, self._zone, drop_nulls=not keep_nulls)
            shown.update(projection.show(mbo))
        return shown

    def _show(self, call: Call, structure: ObjectStructure, mbo: Mbo, selection: Selection, status: int) -> Response:
        shown = self._record(call, structure, mbo, selection)
        if call.lean:
            return self._json(shown, status)
        named = with_prefixes(shown)
        return self._json({"prefixes": dict(PREFIXES), **(named if isinstance(named, dict) else {})}, status)

    def _written(
        self, call: Call, structure: ObjectStructure, mbo: Mbo, asked: Selection | None, *, created: bool
    ) -> Response:
        """Nothing but the status and, of a new record, its place; the record only where `properties` asks for it."""
        if asked is None:
            response = Response(status_code=201 if created else 204)
            self._admission.tempt(response)
        else:
            response = self._show(call, structure, mbo, asked, 201 if created else 200)
        if created:
            response.headers["Location"] = call.href(structure, mbo)
        return response

    async def _refuse(self, request: Request, error: Exception) -> Response:
        call = Call(request)
        if isinstance(error, HTTPException):
            error = MaximoError(UNSTATED, str(error.detail), status=error.status_code)
        if not isinstance(error, MaximoError):
            raise error
        body = error.body(call.base, lean=call.lean, batch=call.batch_errors)
        return Response(orjson.dumps(body), error.status, media_type="application/json")

    def _json(self, body: Mapping[str, Json] | list[Json], status: int = 200) -> Response:
        response = Response(orjson.dumps(body), status, media_type="application/json")
        self._admission.tempt(response)
        return response


def _properties(call: Call, structure: ObjectStructure) -> Selection | None:
    return None if call.properties is None else parse_select(call.properties, structure)


def _response_info(call: Call, structure: ObjectStructure, page: Page) -> dict[str, Json]:
    info: dict[str, Json] = {"href": call.collection_href(structure, call.params), "pagenum": page.number}
    if page.following is not None:
        info["nextPage"] = {"href": call.collection_href(structure, dict(page.following))}
    if call.params.get("collectioncount") == "1":
        info["totalCount"] = page.total
        info["totalPages"] = -(-page.total // page.size) if page.size else 1
    return info
