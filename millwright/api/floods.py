"""Floods: which lines were louder than a person can answer, and when."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime

from millwright.api.dependencies import Deps, answered
from millwright.api.sign_in import READING, may
from millwright.explaining.flooding import read_floods
from policies.statistics.floods import Flood

router = APIRouter(tags=["figures"], dependencies=[Depends(may(*READING))])

_DAY = timedelta(days=1)


@router.get("/floods", response_model=list[Flood])
async def list_floods(
    deps: Deps,
    since: Annotated[AwareDatetime | None, Query(description="A day before `until` where left out.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Now, in the plant's time, where left out.")] = None,
) -> Response:
    """Alarm floods by line (ISA-18.2: more than ten alarms in ten minutes, over below five), in event time.

    An alarm is an anomaly that was not ignored. A flood without an end may still go on. `first_out` lists the first
    faults of each in the order in which they came: what began it is among them.
    """
    end = until or deps.storage.clock.now()
    return answered(await read_floods(deps.storage.engine, since or end - _DAY, end))
