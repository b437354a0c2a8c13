"""Alarms that a person raises. They are stored and judged like those of a detector."""

import uuid
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Response
from pydantic import Field

from domain.anomaly import Fate
from domain.canonical import timestamp
from domain.senders import ALARM, PERSONS_ALARMS
from millwright.api.dependencies import Deps
from millwright.api.problems import Problem, ProblemDetails
from millwright.api.receiving import TakenItem, take_in
from millwright.api.request_models import Body
from millwright.api.sign_in import OPERATOR, PLANNER, Person, may

router = APIRouter(tags=["events"])

_DATA = "data."


class ElsewhereNamed(Body):
    """An asset by its name in another system of the crosswalk."""

    system: str
    id: str


class RaisedAlarm(Body):
    """An alarm by a person. One of `component` and `failure_mode` is required."""

    asset: str | ElsewhereNamed
    component: str | None = None
    failure_mode: str | None = None
    text: str
    at: datetime | None = None
    id: Annotated[
        str | None, Field(max_length=200, description="Names the alarm, so that sending it again makes no second.")
    ] = None


@router.post(
    "/alarms",
    status_code=HTTPStatus.ACCEPTED,
    response_model=TakenItem,
    responses={code: {"model": ProblemDetails} for code in (422, 503)},
)
async def raise_alarm(
    alarm: RaisedAlarm, deps: Deps, person: Annotated[Person, Depends(may(OPERATOR, PLANNER))]
) -> Response:
    """Raises an alarm in the name of the signed-in person. Policies judge it like an alarm of a detector."""
    data = alarm.model_dump(mode="json", exclude_none=True, exclude={"id"}) | {"raised_by": person.name}
    event: dict[str, object] = {
        "specversion": "1.0",
        "type": ALARM,
        "source": PERSONS_ALARMS,
        "id": alarm.id or str(uuid.uuid4()),
        "data": data,
    }
    if alarm.id is None:
        # With an id it may be sent again as the same alarm, so its content must be the same each time.
        event["time"] = timestamp(deps.storage.clock.now())
    taken = await take_in(deps, orjson.dumps(event), "application/cloudevents+json", {}, person)
    item = taken.items[0]
    if item.fate is Fate.QUARANTINED:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "event-unreadable",
            item.reason or "cannot be read",
            field=item.field.removeprefix(_DATA) if item.field else None,
            also={"id": item.external_id, "source": PERSONS_ALARMS, "stored": "quarantined"},
        )
    return Response(orjson.dumps(taken.said(item)), HTTPStatus.ACCEPTED, media_type="application/json")
