"""Alert quality: precision, lead time, false alarms and their causes, and the load of operators and planners."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from millwright.alert_quality.blaming import BlameReport
from millwright.alert_quality.boards import AlarmBoard, LoadBoard
from millwright.alert_quality.report import USUAL_PERIOD, AlertQuality
from millwright.api.dependencies import Dependencies, Deps
from millwright.api.request_models import Instant
from millwright.api.sign_in import READING, may
from millwright.reports.ordering import ReportName

router = APIRouter(tags=["figures"], dependencies=[Depends(may(*READING))])

Since = Annotated[Instant | None, Query(description="90 days before `until` where left out.")]
Until = Annotated[Instant | None, Query(description="Now, in the plant's time, where left out.")]
_SOON = timedelta(seconds=1)


async def _answer(
    deps: Dependencies, request: Request, report: ReportName, since: Instant | None, until: Instant | None
) -> Response:
    # What happened this very moment counts.
    end = until or deps.storage.clock.now() + _SOON
    return await deps.reports.answer(report, request, {"since": since or end - USUAL_PERIOD, "until": end})


@router.get("/quality", response_model=AlertQuality)
async def read_quality(deps: Deps, request: Request, since: Since = None, until: Until = None) -> Response:
    """The quality of the alerts whose case was opened in a period: precision with its interval and both bounds, lead
    time, what false alarms cost, calibration, and the funnel from event to label; by class, site, rule, version,
    detector and model."""
    return await _answer(deps, request, "quality", since, until)


@router.get("/quality/alarms", response_model=AlarmBoard)
async def read_alarms(deps: Deps, request: Request, since: Since = None, until: Until = None) -> Response:
    """The alarms of operators by position (ISA-18.2): floods, standing and chattering alarms, priorities against
    80/15/5, and the faults with the most alarms, each with its rationalisation."""
    return await _answer(deps, request, "quality-alarms", since, until)


@router.get("/quality/load", response_model=LoadBoard)
async def read_load(deps: Deps, request: Request, since: Since = None, until: Until = None) -> Response:
    """The new drafts of planners by site and shift, against the capacity that a policy version states."""
    return await _answer(deps, request, "quality-load", since, until)


@router.get("/quality/blame", response_model=BlameReport)
async def read_blame(deps: Deps, request: Request, since: Since = None, until: Until = None) -> Response:
    """Each false alert of a period with the stage that caused it and the evidence, or undetermined; and the shares."""
    return await _answer(deps, request, "quality-blame", since, until)
