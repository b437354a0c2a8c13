"""The control API, by which the conductor runs the plant in lock-step, over HTTP on the loopback.

| request                              | answer                                                                    |
|--------------------------------------|---------------------------------------------------------------------------|
| GET /state                           | the clock, what waits on the bus, what comes next, see `Control.state`    |
| POST /publish {until}                | {published}: events that left, all that are due up to and with `until`    |
| POST /act                            | {acts}: what the people did at the clock's time                           |
| POST /breakdowns                     | {assets}: what broke down unseen, and was repaired by now                 |
| POST /clock {now}                    | {clock}; never backwards                                                  |
| POST /score {ordering: [{version, machine, component, time}]} | figures by version and asset class               |
| POST /export                         | lines of each file written to the plant's directory                       |
| GET, POST, DELETE /faults            | the misbehaviour to come; POST {target, operation, kind, times?, params?} |
| POST /shutdown                       | {}; the plant stops                                                       |

Times are ISO 8601 with a zone. A request that cannot be read is answered 400 {"error": text naming the field}.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.bus.server import ServiceBus
from sandbox.clock import PlantClock
from sandbox.cmms import PlantCmms
from sandbox.faults import Fault, Faults
from sandbox.mes import PlantMes
from sandbox.plant.breakdowns import Breakdowns
from sandbox.plant.dataset import Dataset
from sandbox.plant.export import export
from sandbox.plant.feed import SUBSCRIPTION, TOPIC, Feed
from sandbox.plant.heartbeats import Heartbeats
from sandbox.plant.people import People
from sandbox.plant.score import Ordering, Score, score
from sandbox.plant.shift_lead import ShiftLead
from sandbox.plant.signals import COMPONENTS
from sandbox.plant.timetable import stamp
from sandbox.twins.service import TwinService

_ENTITY: Final = f"{TOPIC}/Subscriptions/{SUBSCRIPTION}"


class BadRequestError(ValueError):
    """A request cannot be read; the text names the field."""


@dataclass(frozen=True, kw_only=True)
class Control:
    """The plant's parts, and what may be asked of them."""

    directory: Path
    dataset: Dataset
    asset_class_of: Callable[[int], str]
    clock: PlantClock
    bus: ServiceBus
    twins: TwinService
    cmms: PlantCmms
    mes: PlantMes
    feed: Feed
    heartbeats: Heartbeats
    people: People
    breakdowns: Breakdowns
    shift_lead: ShiftLead
    faults: Faults
    stopping: asyncio.Event

    @property
    def app(self) -> Starlette:
        """The ASGI application."""
        table: dict[tuple[str, str], Callable[[Mapping[str, object]], Awaitable[object]]] = {
            ("GET", "/state"): self.state,
            ("POST", "/publish"): self.publish,
            ("POST", "/act"): self.act,
            ("POST", "/breakdowns"): self.break_down,
            ("POST", "/clock"): self.move_clock,
            ("POST", "/score"): self.score,
            ("POST", "/export"): self.export,
            ("GET", "/faults"): self.list_faults,
            ("POST", "/faults"): self.add_fault,
            ("DELETE", "/faults"): self.clear_faults,
            ("POST", "/shutdown"): self.shut_down,
        }
        return Starlette(
            routes=[Route(path, _endpoint(answer), methods=[method]) for (method, path), answer in table.items()]
        )

    async def state(self, _: Mapping[str, object]) -> object:
        """The state of the plant; `next_event_time` and `next_act_time` are null if there is nothing left."""
        return {
            "clock": stamp(self.clock.now()),
            "data": self.dataset.label,
            "machines": [machine.id for machine in self.dataset.machines],
            "first": stamp(self.dataset.first),
            "last": stamp(self.dataset.last),
            "published": self.feed.published,
            "bus": self.bus.counts(_ENTITY),
            "drained": self.bus.drained(_ENTITY),
            "next_event_time": _stamp(self.feed.next_event_time()),
            "next_act_time": _stamp(_earliest(self.people.next_act_time(), self.shift_lead.next_act_time())),
            "open_orders": self.people.open_orders(),
        }

    async def publish(self, body: Mapping[str, object]) -> object:
        until = _time(body, "until")
        self.heartbeats.publish_until(until)
        return {"published": await self.feed.publish_until(until, self.twins)}

    async def act(self, _: Mapping[str, object]) -> object:
        now = self.clock.now()
        return {"acts": self.people.act(now) + await self.shift_lead.act(now)}

    async def break_down(self, _: Mapping[str, object]) -> object:
        return {"assets": self.breakdowns.report(self.clock.now())}

    async def move_clock(self, body: Mapping[str, object]) -> object:
        now = _time(body, "now")
        if now < self.clock.now():
            raise BadRequestError(f"now: the plant clock stands at {stamp(self.clock.now())} and cannot go back")
        self.clock.set(now)
        await self.mes.advance(now)
        return {"clock": stamp(now)}

    async def score(self, body: Mapping[str, object]) -> object:
        rows = body.get("ordering")
        if not isinstance(rows, list):
            raise BadRequestError("ordering: must be a list")
        scores = score(
            [_ordering(row, position) for position, row in enumerate(rows)], self.dataset, self.asset_class_of
        )
        return {
            version: {
                **_figures(each.total),
                "by_class": {name: _figures(part) for name, part in each.by_class.items()},
            }
            for version, each in scores.items()
        }

    async def export(self, _: Mapping[str, object]) -> object:
        return export(self.directory, self.cmms, self.mes, self.twins, self.dataset.failures)

    async def list_faults(self, _: Mapping[str, object]) -> object:
        return {
            "faults": [
                {
                    "target": fault.target,
                    "operation": fault.operation,
                    "kind": fault.kind,
                    "times": fault.times,
                    "params": dict(fault.params),
                }
                for fault in self.faults.list()
            ],
            "met": [
                {"target": target, "kind": kind, "times": times}
                for (target, kind), times in sorted(self.faults.met().items())
            ],
        }

    async def add_fault(self, body: Mapping[str, object]) -> object:
        times, params = body.get("times", 1), body.get("params", {})
        if times is not None and (not isinstance(times, int) or isinstance(times, bool)):
            raise BadRequestError("times: must be a whole number, or null until cleared")
        if not isinstance(params, dict) or not all(isinstance(value, str | int | float) for value in params.values()):
            raise BadRequestError("params: must be an object of texts and numbers")
        try:
            self.faults.add(Fault(_text(body, "target"), _text(body, "operation"), _text(body, "kind"), times, params))
        except ValueError as error:
            raise BadRequestError(str(error)) from error
        return await self.list_faults(body)

    async def clear_faults(self, body: Mapping[str, object]) -> object:
        named = {name: _text(body, name) for name in ("target", "kind") if name in body}
        self.faults.clear(named.get("target"), named.get("kind"))
        return await self.list_faults(body)

    async def shut_down(self, _: Mapping[str, object]) -> object:
        self.stopping.set()
        return {}


def _endpoint(
    answer: Callable[[Mapping[str, object]], Awaitable[object]],
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(await answer(_object(await request.body())))
        except BadRequestError as error:
            return JSONResponse({"error": str(error)}, 400)

    return endpoint


def _object(body: bytes) -> Mapping[str, object]:
    if not body:
        return {}
    try:
        parsed = json.loads(body)
    except ValueError as error:
        raise BadRequestError(f"body: is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise BadRequestError("body: must be a JSON object")
    return parsed


def _text(body: Mapping[str, object], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise BadRequestError(f"{name}: must be a text")
    return value


def _time(body: Mapping[str, object], name: str) -> datetime:
    text = _text(body, name)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequestError(f"{name}: {text!r} is not an ISO 8601 time") from None
    if moment.tzinfo is None:
        raise BadRequestError(f"{name}: {text!r} has no time zone")
    return moment


def _ordering(row: object, position: int) -> Ordering:
    if not isinstance(row, dict):
        raise BadRequestError(f"ordering[{position}]: must be an object")
    machine, component = row.get("machine"), row.get("component")
    if not isinstance(machine, int) or isinstance(machine, bool):
        raise BadRequestError(f"ordering[{position}].machine: must be a whole number")
    if component not in COMPONENTS:
        raise BadRequestError(f"ordering[{position}].component: must be one of {', '.join(COMPONENTS)}")
    try:
        return Ordering(_text(row, "version"), machine, component, _time(row, "time"))
    except BadRequestError as error:
        raise BadRequestError(f"ordering[{position}].{error}") from None


def _figures(figures: Score) -> dict[str, int | float | None]:
    return {
        "precision": figures.precision,
        "recall": figures.recall,
        "median_lead_hours": figures.median_lead_hours,
        "orders": figures.orders,
        "right": figures.right,
        "failures": figures.failures,
        "caught": figures.caught,
    }


def _earliest(*times: datetime | None) -> datetime | None:
    return min((time for time in times if time is not None), default=None)


def _stamp(time: datetime | None) -> str | None:
    return None if time is None else stamp(time)
