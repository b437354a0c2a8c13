"""How SAP writes its answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from starlette.responses import JSONResponse, Response

from sandbox.jobcontrol.schedule import WEEK, Calendar
from sandbox.sap_dm.errors import Form, Problem
from sandbox.sap_dm.floor import Resource, Sfc


def refusal(problem: Problem, form: Form, path: str) -> Response:
    """The answer to a request that is refused."""
    body = problem.body(problem.form or form, path)
    return Response(status_code=problem.status) if body is None else JSONResponse(body, problem.status)


def resource_row(resource: Resource, plant: str, status: str) -> dict[str, object]:
    """A resource in a list."""
    return {
        "plant": plant,
        "resource": resource.name,
        "description": f"Machine {resource.name}"[:40],
        "status": status,
        "process": True,
        "efficiency": 100,
        "sfcLimit": 0,
        "immediateStatusChange": False,
        "setupState": "OPEN",
        "createdDateTime": offset(datetime(2014, 12, 1, tzinfo=UTC)),
        "modifiedDateTime": offset(resource.modified),
    }


def whole_resource(resource: Resource, plant: str, status: str, now: datetime) -> dict[str, object]:
    """A resource by itself."""
    return {
        **resource_row(resource, plant, status),
        "types": [],
        "bins": [],
        "setups": [],
        "customValues": [],
        "shifts": shifts(resource.station.calendar, now),
    }


def shifts(calendar: Calendar, now: datetime) -> list[dict[str, object]]:
    """The shifts of a line around a time: from each planned stop to the next one."""
    stop = calendar.stop_after(now)
    length = WEEK - (stop.end - stop.start)
    periods = ((stop.end - WEEK, stop.start), (stop.end, stop.end + length))
    return [{"shift": "THREE-SHIFTS", "validFrom": millis(begins), "validTo": millis(ends)} for begins, ends in periods]


def sfc_detail(sfc: Sfc, *, steps: bool) -> dict[str, object]:
    """An SFC by itself."""
    shown: dict[str, object] = {
        "sfc": sfc.name,
        "status": {"code": sfc.code, "description": sfc.status},
        "quantity": sfc.quantity,
        "defaultBatchId": None,
        "material": {"material": sfc.material, "version": "A", "description": sfc.material.title()},
        "order": {
            "order": sfc.order,
            "orderType": "PRODUCTION",
            "orderPlannedStartDateTime": maybe(sfc.start),
            "orderPlannedCompleteDateTime": maybe(sfc.end),
        },
        "steps": [],
    }
    if steps:
        shown["steps"] = [
            {
                "stepId": "010",
                "operation": {"operation": "OP-10", "version": "A"},
                "resource": sfc.resource if sfc.in_work else None,
                "plannedWorkCenter": "",
                "quantityInQueue": 0 if sfc.in_work or sfc.status == "DONE" else sfc.left,
                "quantityInWork": sfc.left if sfc.in_work else 0,
                "quantityDone": sfc.quantity - sfc.left,
                "stepDone": sfc.status == "DONE",
                "operationScheduledStartDateTime": _seconds(sfc.start),
                "operationScheduledCompleteDateTime": _seconds(sfc.end),
            }
        ]
    return shown


def listed_sfc(sfc: Sfc) -> dict[str, object]:
    """An SFC of the work list."""
    return {
        "sfc": sfc.name,
        "status": {"code": sfc.code, "description": sfc.status},
        "order": sfc.order,
        "quantity": sfc.quantity,
        "quantityInQueue": 0 if sfc.in_work else sfc.left,
        "quantityInWork": sfc.left if sfc.in_work else 0,
        "material": {"material": sfc.material, "version": "A"},
        "orderScheduledStartDateTime": _seconds(sfc.start),
        "orderScheduledCompleteDateTime": _seconds(sfc.end),
        "defaultBatchId": None,
    }


def page(rows: list[Mapping[str, object]], number: int, size: int) -> dict[str, object]:
    """One page of rows."""
    shown = rows[number * size : (number + 1) * size]
    return {
        "content": shown,
        "number": number,
        "size": size,
        "totalElements": len(rows),
        "totalPages": -(-len(rows) // size),
        "empty": not shown,
    }


def offset(time: datetime) -> str:
    """`2022-10-04T08:59:51.679+00:00`."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds")


def maybe(time: datetime | None) -> str | None:
    """As `offset`, where there is one."""
    return None if time is None else offset(time)


def millis(time: datetime) -> str:
    """`2021-04-08T07:00:05.000Z`."""
    return offset(time).replace("+00:00", "Z")


def _seconds(time: datetime | None) -> str | None:
    """`2022-07-07T09:00:00Z`: SAP shows no part of a second."""
    if time is None:
        return None
    shown = time.astimezone(UTC) + timedelta(microseconds=500_000)
    return shown.replace(microsecond=0).isoformat().replace("+00:00", "Z")
