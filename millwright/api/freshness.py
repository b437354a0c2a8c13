"""Freshness: what sources look at, what is blind, and how the objective is met."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from domain.freshness import BlindSpell, Freshness, SeenWatch
from domain.objectives import PERIOD, FreshnessObjective
from millwright.api.dependencies import Deps, answered
from millwright.api.request_models import Instant
from millwright.api.sign_in import READING, may
from millwright.storage.reporting.freshness_lists import blind_spells, freshness_objectives, watches

router = APIRouter(prefix="/freshness", tags=["operations"], dependencies=[Depends(may(*READING))])


@router.get("", response_model=list[SeenWatch])
async def list_watches(
    deps: Deps,
    asset: Annotated[str | None, Query(description="Only what belongs to this asset, machine or line.")] = None,
    state: Annotated[Freshness | None, Query(description="Only what is in this state.")] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> Response:
    """What sources look at, with what is known of it now, the worst first. What is not in the list is not monitored:
    it is neither healthy nor blind."""
    settings, now = deps.settings, deps.storage.clock.now()
    found = await watches(deps.storage.engine, settings.heartbeats, now, settings.operating_interval, under=asset)
    return answered([each for each in found if state is None or each.state is state][:limit])


@router.get("/blind", response_model=list[BlindSpell])
async def list_blind_spells(
    deps: Deps,
    since: Annotated[Instant | None, Query(description="Only what was blind after it; absent, for 30 days.")] = None,
) -> Response:
    """The times in which something was blind, the first to begin first."""
    after: datetime = since or deps.storage.clock.now() - PERIOD
    return answered(await blind_spells(deps.storage.engine, after))


@router.get("/objectives", response_model=list[FreshnessObjective])
async def list_objectives(deps: Deps) -> Response:
    """How each criticality meets the objective of freshness in the last 30 days, what is left of its error budget, and
    whether that burns fast or slowly."""
    settings, now = deps.settings, deps.storage.clock.now()
    target = settings.freshness_target / 100
    return answered(
        await freshness_objectives(deps.storage.engine, settings.heartbeats, target, now, settings.operating_interval)
    )
