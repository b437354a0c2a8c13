"""Shelves and windows: who suppressed which verdicts, until when, and what arrived meanwhile."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field

from domain.errors import ActRejected
from domain.model import Duration
from domain.suppression import Suppression, SuppressionKind
from millwright.api.dependencies import Deps, answered
from millwright.api.problems import ProblemDetails, not_found
from millwright.api.request_models import Body
from millwright.api.sign_in import OPERATOR, PLANNER, READING, Person, may
from millwright.storage.reporting.suppression_lists import (
    SeenSuppression,
    WholeSuppression,
    suppression_page,
    whole_suppression,
)
from millwright.storage.suppression.suppressions import PlannedWindow, Shelved, WindowReport

router = APIRouter(tags=["suppressions"])

Reason = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]
Shelver = Annotated[Person, Depends(may(OPERATOR, PLANNER))]
_REFUSED: dict[int | str, dict[str, object]] = {code: {"model": ProblemDetails} for code in (404, 409, 422, 503)}


class Shelve(Body):
    """The asset to shelve, the duration, and the reason."""

    asset: str
    failure_mode: str | None = None
    length: Annotated[Duration, Field(alias="for", description="In ISO 8601: PT8H.")]
    reason: Reason
    compensating_check: Annotated[
        Reason | None, Field(description="For a sensor of criticality A: what people check instead.")
    ] = None


class Planning(Body):
    """The windows of a plant's calendar."""

    windows: Annotated[list[PlannedWindow], Field(max_length=10_000)]


class End(Body):
    """The reason for ending a shelf or a window early."""

    reason: Reason


@router.get("/suppressions", response_model=list[SeenSuppression], dependencies=[Depends(may(*READING))])
async def list_suppressions(
    deps: Deps,
    kind: Annotated[SuppressionKind | None, Query(description="A shelf, a window, or work in progress.")] = None,
    ended: Annotated[bool, Query(description="Those that have returned, too.")] = False,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Shelves and windows, the newest first, each with the number of suppressed verdicts."""
    return answered(await suppression_page(deps.storage.engine, kind=kind, ended=ended, limit=limit))


@router.get("/suppressions/{suppression}", response_model=WholeSuppression, dependencies=[Depends(may(*READING))])
async def show_suppression(suppression: str, deps: Deps) -> Response:
    """One shelf or window, with the verdicts that arrived meanwhile and whether they have acted since."""
    try:
        return answered(await whole_suppression(deps.storage.engine, suppression))
    except ActRejected as error:
        raise not_found(error.problem, fix=error.fix) from error


@router.post("/suppressions", status_code=HTTPStatus.CREATED, response_model=Shelved, responses=_REFUSED)
async def shelve(asked: Shelve, deps: Deps, person: Shelver) -> Response:
    """Shelves an asset and all assets below it, or one failure mode, in the name of the signed-in person."""
    made = await deps.storage.suppressions.shelve(
        asked.asset,
        asked.failure_mode,
        asked.length,
        person.name,
        asked.reason,
        compensating_check=asked.compensating_check,
        approver="approver" in person.roles,
    )
    return answered(made, HTTPStatus.CREATED)


@router.post("/suppressions/windows", response_model=WindowReport, responses=_REFUSED)
async def keep_windows(asked: Planning, deps: Deps, person: Shelver) -> Response:
    """Takes over a calendar's windows of planned work and planned stops: all of them, or none."""
    return answered(await deps.storage.suppressions.keep_windows(asked.windows, person.name))


@router.post("/suppressions/{suppression}/end", response_model=Suppression, responses=_REFUSED)
async def end_suppression(
    suppression: Annotated[str, Path(description="The id of a shelf or a window, or the shelved asset.")],
    asked: End,
    deps: Deps,
    person: Shelver,
) -> Response:
    """Ends a shelf or a window now. A worker then lets recent suppressed verdicts act."""
    shelves = deps.storage.suppressions
    return answered(await shelves.end(await shelves.live(suppression), person.name, asked.reason))
