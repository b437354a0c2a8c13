"""The requests that the server takes, by their names in `sandbox.sap_dm.operations`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.clock import Clock
from sandbox.http_faults import LATE
from sandbox.sap_dm import answers, checks
from sandbox.sap_dm.errors import Problem, stale
from sandbox.sap_dm.floor import Floor
from sandbox.sap_dm.operations import OPERATIONS, Operation
from sandbox.sap_dm.tokens import Tokens

_NO_CONTENT: Final = 204
Answer = Mapping[str, object] | list[Mapping[str, object]] | None


class Routes:
    """Checks a request, does what it asks of the floor, and writes the answer.

    Args:
        plant: the plant that there is.
        floor: its shop floor.
        clock: plant time.
        tokens: who may ask.
        save: keeps what changed.
    """

    def __init__(self, plant: str, floor: Floor, clock: Clock, tokens: Tokens, save: Callable[[], None]) -> None:
        self._plant = plant
        self._floor = floor
        self._clock = clock
        self._tokens = tokens
        self._save = save
        self.comments: list[tuple[str, str]] = []
        """What was said with each hold, release and change of status: the object and the comment."""
        self._later: set[asyncio.TimerHandle] = set()

    def app(self) -> Starlette:
        """The ASGI application."""
        table: Mapping[str, Callable[[Request], Awaitable[Answer]]] = {
            "token": self._token,
            "resource": self._resource,
            "resources": self._resources,
            "update_resource": self._update_resource,
            "change_status": self._change_status,
            "sfcs_in_work": self._sfcs_in_work,
            "sfc_detail": self._sfc_detail,
            "worklist": self._worklist,
            "hold": self._hold,
            "release": self._release,
            "start": self._start,
            "complete": self._complete,
        }
        return Starlette(
            routes=[
                Route(each.path, self._endpoint(each, table[each.name]), methods=[each.method]) for each in OPERATIONS
            ]
        )

    def _endpoint(
        self, operation: Operation, answer: Callable[[Request], Awaitable[Answer]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                if operation.name != "token":
                    self._tokens.check(request.headers.get("authorization", ""))
                self._floor.advance(self._clock.now())
                body = await answer(request)
            except Problem as problem:
                return answers.refusal(problem, operation.form, operation.path)
            self._save()
            return Response(status_code=_NO_CONTENT) if body is None else JSONResponse(body)

        return endpoint

    async def _token(self, request: Request) -> Answer:
        form = dict(parse_qsl((await request.body()).decode()))
        return self._tokens.give(request.headers.get("authorization", ""), form)

    async def _resource(self, request: Request) -> Answer:
        now = self._clock.now()
        asked = self._asked(request)
        resource = self._floor.resource(checks.name(asked, "resource", checks.RESOURCE))
        return answers.whole_resource(resource, self._plant, self._floor.status_of(resource, now), now)

    async def _resources(self, request: Request) -> Answer:
        now, asked = self._clock.now(), self._asked(request)
        size, number = checks.whole(asked, "size", 100, 1, 100), checks.whole(asked, "page", 0, 0, 10**6)
        rows: list[Mapping[str, object]] = [
            answers.resource_row(each, self._plant, self._floor.status_of(each, now))
            for each in self._floor.resources.values()
        ]
        return answers.page(rows, number, size)

    async def _update_resource(self, request: Request) -> Answer:
        body = await self._body(request)
        resource = self._floor.resource(checks.name(body, "resource", checks.RESOURCE))
        status = checks.one_of(body, "status", checks.STATUSES)
        if body.get("modifiedDateTime") != answers.offset(resource.modified):
            raise stale()
        if status is not None:
            self._floor.change_status(resource, status, "", self._clock.now())
        return None

    async def _change_status(self, request: Request) -> Answer:
        body = await self._body(request)
        resource = self._floor.resource(checks.name(body, "resource", checks.RESOURCE))
        status = checks.one_of(body, "status", checks.STATUSES, required=True) or ""
        checks.text(body, "user", 80, required=True)
        checks.one_of(body, "recordType", checks.RECORD_TYPES)
        comment = body.get("comments", "")
        if not isinstance(comment, str) or len(comment) > 2000:
            raise Problem(400, "comments must have at most 2000 characters")
        if body.get("immediate") is not True and self._floor.in_work(resource, self._clock.now()):
            # It would come into force when the last SFC is completed, which this plant never does for a held one.
            return None
        self._act(
            request,
            resource.block,
            comment,
            lambda: self._floor.change_status(resource, status, comment, self._clock.now()),
        )
        return None

    async def _sfcs_in_work(self, request: Request) -> Answer:
        asked = self._asked(request)
        resource = self._floor.resource(checks.name(asked, "resource", checks.RESOURCE))
        first = checks.whole(asked, "page.offset", 0, 0, 10**9)
        size = checks.whole(asked, "page.size", 100, 1, 1000)
        rows = self._floor.in_work(resource, self._clock.now())
        return [{"sfc": sfc.name, "operation": "OP-10"} for sfc in rows[first : first + size]]

    async def _sfc_detail(self, request: Request) -> Answer:
        asked = self._asked(request)
        sfc = self._floor.sfc(checks.text(asked, "sfc", checks.SFC, required=True) or "", self._clock.now())
        return answers.sfc_detail(sfc, steps=asked.get("includeSfcSteps") == "true")

    async def _worklist(self, request: Request) -> Answer:
        asked = self._asked(request)
        size, number = checks.whole(asked, "size", 20, 1, 500), checks.whole(asked, "page", 0, 0, 10**6)
        names = [name for name in asked.get("resources", "").split(",") if name]
        if len(names) > 5:
            raise Problem(400, "resources must have at most 5 items")
        resources = [self._floor.resource(name) for name in names] or list(self._floor.resources.values())
        statuses = set(request.query_params.getlist("sfcStatuses"))
        rows: list[Mapping[str, object]] = [
            answers.listed_sfc(sfc)
            for resource in resources
            for sfc in self._floor.listed(resource, self._clock.now())
            if not statuses or sfc.status in statuses
        ]
        return answers.page(rows, number, size)

    async def _hold(self, request: Request) -> Answer:
        body = await self._body(request)
        names, comment = checks.sfcs(body), checks.text(body, "comments", 2048) or ""
        now = self._clock.now()
        for name in names:
            self._floor.sfc(name, now)
        held: list[int] = []
        self._act(request, ",".join(names), comment, lambda: held.extend(self._floor.hold(names, comment, now)))
        return {"holdIds": [f"HOLD-{number}" for number in held] or [f"HOLD-{name}" for name in names]}

    async def _release(self, request: Request) -> Answer:
        body = await self._body(request)
        names, comment = checks.sfcs(body), checks.text(body, "releaseComments", 2048) or ""
        now = self._clock.now()
        self._act(request, ",".join(names), comment, lambda: self._floor.release(names, now))
        return {"releasedSfcs": names}

    async def _start(self, request: Request) -> Answer:
        body = await self._body(request)
        checks.text(body, "operation", 36, required=True)
        resource = self._floor.resource(checks.name(body, "resource", checks.RESOURCE))
        names = checks.sfcs(body)
        for name in names:
            self._floor.start(resource, name, self._clock.now())
        return {"sfcs": names}

    async def _complete(self, request: Request) -> Answer:
        body = await self._body(request)
        checks.text(body, "operation", 36, required=True)
        resource = self._floor.resource(checks.name(body, "resource", checks.RESOURCE))
        names = checks.sfcs(body)
        for name in names:
            self._floor.complete(resource, name)
        return {"success": True, "sfcs": names, "doneStatuses": [{"sfc": name, "done": True} for name in names]}

    def _act(self, request: Request, on: str, comment: str, act: Callable[[], object]) -> None:
        """Do it now, or later where a fault asks for that."""
        self.comments.append((on, comment))
        delay = request.scope.get(LATE)
        if delay is None:
            act()
            return

        def do() -> None:
            act()
            self._save()

        self._later = {handle for handle in self._later if not handle.cancelled()}
        self._later.add(asyncio.get_running_loop().call_later(float(delay), do))

    def cancel(self) -> None:
        """Forget what was to be done later."""
        for handle in self._later:
            handle.cancel()
        self._later.clear()

    def _asked(self, request: Request) -> Mapping[str, str]:
        """The query of a request about this plant."""
        asked = dict(request.query_params)
        self._insist_on_plant(checks.name(asked, "plant", checks.PLANT))
        return asked

    async def _body(self, request: Request) -> Mapping[str, object]:
        """The body of a request about this plant."""
        try:
            body = json.loads(await request.body())
        except ValueError:
            raise Problem(400, "The request body is not JSON", code="request.unreadable") from None
        if not isinstance(body, dict):
            raise Problem(400, "The request body must be an object", code="request.unreadable")
        self._insist_on_plant(checks.text(body, "plant", checks.PLANT, required=True) or "")
        return body

    def _insist_on_plant(self, plant: str) -> None:
        if plant != self._plant:
            raise Problem(404, f"Plant {plant} was not found", code="plant.notFound")
