"""Figures: counts from storage, and the verdicts by which a version is scored."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from millwright.api.dependencies import Deps, answered
from millwright.api.problems import Problem
from millwright.api.sign_in import READING, may
from millwright.explaining.flooding import read_flood_figures
from millwright.explaining.waivers import read_waiver_notices
from millwright.storage.reporting.figures import read_figures, read_orderings

_DAY = timedelta(days=1)

router = APIRouter(tags=["figures"], dependencies=[Depends(may(*READING))])


@router.get("/summary")
async def summarise(deps: Deps) -> Response:
    """Events by fate, standing verdicts by version and rung, cases, orders, holds, outcomes, labels and what was
    suppressed, all of one moment; the alarm floods of the plant's last day (`GET /floods` lists them); and the waivers
    in force that end within 14 days of the plant's time, or have ended."""
    figures = await read_figures(deps.storage.engine)
    now = deps.storage.clock.now()
    flooding = await read_flood_figures(deps.storage.engine, now - _DAY, now)
    waivers = await read_waiver_notices(deps.storage.engine, now)
    rungs = {version: {str(rung): n for rung, n in counts.items()} for version, counts in figures.rungs.items()}
    return answered(
        {
            "events": figures.events,
            "rungs": rungs,
            "cases": figures.cases,
            "work_orders": figures.work_orders,
            "holds": figures.holds,
            "outcomes": figures.outcomes,
            "labels": figures.labels,
            "suppressed": figures.suppressed,
            "floods": flooding.model_dump(mode="json"),
            "waivers": waivers,
        }
    )


@router.get("/verdicts/ordering")
async def list_orderings(
    deps: Deps,
    version: Annotated[str | None, Query(description="A version's number or digest; all where it is left out.")] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    after: Annotated[int, Query(ge=0, description="How many to pass over.")] = 0,
) -> Response:
    """The newest verdicts that asked for an order, by version and event time. A version is scored by them."""
    wanted = None if version is None else await _number_of(deps, version)
    found = [
        ordering
        for ordering in await read_orderings(deps.storage.engine)
        if wanted is None or ordering.version == wanted
    ]
    return answered(found[after : after + limit])


async def _number_of(deps: Deps, version: str) -> str:
    known = await deps.storage.versions.versions()
    for stored in known:
        if version in (stored.version, stored.digest):
            return stored.version
    raise Problem(
        HTTPStatus.NOT_FOUND,
        "not-found",
        f"no version {version} is stored",
        field="version",
        fix=f"there are: {', '.join(stored.version for stored in known) or 'none'}",
    )
