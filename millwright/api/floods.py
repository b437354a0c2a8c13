"""Alarm floods: which lines had more alarms than a person can answer, and when."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from millwright.api.dependencies import Deps
from millwright.api.request_models import Instant
from millwright.api.sign_in import READING, may
from policies.statistics.floods import Flood

router = APIRouter(tags=["figures"], dependencies=[Depends(may(*READING))])

_DAY = timedelta(days=1)


@router.get("/floods", response_model=list[Flood])
async def list_floods(
    deps: Deps,
    request: Request,
    since: Annotated[Instant | None, Query(description="A day before `until` where left out.")] = None,
    until: Annotated[Instant | None, Query(description="Now, in the plant's time, where left out.")] = None,
) -> Response:
    """Alarm floods by line, in event time (ISA-18.2: begins with more than ten alarms in ten minutes, ends below five).

    An alarm is an anomaly that was not ignored. A flood without an end may still be active. `first_out` lists the first
    faults of each flood in their order; its cause is among them.
    """
    end = until or deps.storage.clock.now()
    return await deps.reports.answer("floods", request, {"since": since or end - _DAY, "until": end})
