"""Figures: counts from storage, and the verdicts by which a version is scored."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from millwright.api.dependencies import Deps, answered
from millwright.api.problems import Problem
from millwright.api.request_models import LARGEST_NUMBER
from millwright.api.sign_in import READING, may
from millwright.storage.reporting.figures import read_orderings

router = APIRouter(tags=["figures"], dependencies=[Depends(may(*READING))])


@router.get("/summary")
async def summarise(deps: Deps, request: Request) -> Response:
    """Events by fate, standing verdicts by version and rung, cases, orders, holds, outcomes, labels, what was
    suppressed and the drift that lasts, all of one moment; the alarm floods of the plant's last day (`GET /floods`
    lists them); how much is blind (`GET /freshness` lists it); and the waivers in force that end within 14 days of the
    plant's time, or have ended."""
    return await deps.reports.answer("summary", request)


@router.get("/verdicts/ordering")
async def list_orderings(
    deps: Deps,
    version: Annotated[str | None, Query(description="A version's number or digest; all where it is left out.")] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    after: Annotated[int, Query(ge=0, le=LARGEST_NUMBER, description="How many to pass over.")] = 0,
) -> Response:
    """The newest verdicts that asked for an order, by version and event time. A version is scored by them."""
    wanted = None if version is None else await _number_of(deps, version)
    return answered(await read_orderings(deps.storage.engine, version=wanted, limit=limit, after=after))


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
