"""The auditor's questions over HTTP: one route each, answered as JSON or CSV by a process of its own."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from millwright.api.dependencies import Dependencies, Deps
from millwright.api.request_models import Instant
from millwright.api.sign_in import may

AUDITOR = "auditor"

router = APIRouter(prefix="/audit", tags=["audit"], dependencies=[Depends(may(AUDITOR))])

As = Annotated[Literal["json", "csv"], Query(alias="format", description="How the answer is written.")]
Ref = Annotated[str, Query(min_length=1, description="An event, an order, a hold or a case; or a version.")]
MaybeInstant = Annotated[Instant | None, Query()]


@router.get("/decided")
async def decided(deps: Deps, request: Request, ref: Ref, written: As = "json") -> Response:
    """Which rule decided this event, order or case?"""
    return await _answer(deps, request, "decided", written, ref=ref)


@router.get("/signed")
async def signed(deps: Deps, request: Request, ref: Ref, written: As = "json") -> Response:
    """Who wrote, approved and activated this version, when and why?"""
    return await _answer(deps, request, "signed", written, ref=ref)


@router.get("/in-force")
async def in_force(
    deps: Deps,
    request: Request,
    at: Instant,
    known_at: MaybeInstant = None,
    asset: str | None = None,
    line: str | None = None,
    written: As = "json",
) -> Response:
    """What was in force at an instant, as known then and as known now?"""
    return await _answer(deps, request, "in-force", written, at=at, known_at=known_at, asset=asset, line=line)


@router.get("/affected")
async def affected(
    deps: Deps, request: Request, ref: Ref, since: MaybeInstant = None, until: MaybeInstant = None, written: As = "json"
) -> Response:
    """Which events, orders and holds did this version decide?"""
    return await _answer(deps, request, "affected", written, ref=ref, since=since, until=until)


@router.get("/changed")
async def changed(
    deps: Deps, request: Request, since: MaybeInstant = None, until: MaybeInstant = None, written: As = "json"
) -> Response:
    """What changed between two dates?"""
    return await _answer(deps, request, "changed", written, since=since, until=until)


@router.get("/remade")
async def remade(deps: Deps, request: Request, ref: Ref, written: As = "json") -> Response:
    """Can this decision be made again, bit for bit?"""
    return await _answer(deps, request, "remade", written, ref=ref)


@router.get("/suppressed")
async def suppressed(
    deps: Deps, request: Request, since: MaybeInstant = None, until: MaybeInstant = None, written: As = "json"
) -> Response:
    """What was suppressed, shelved or given up, and by whom?"""
    return await _answer(deps, request, "suppressed", written, since=since, until=until)


@router.get("/duties")
async def duties(deps: Deps, request: Request, written: As = "json") -> Response:
    """Who has both author and approver rights?"""
    return await _answer(deps, request, "duties", written)


@router.get("/not-done")
async def not_done(deps: Deps, request: Request, ref: Ref, written: As = "json") -> Response:
    """Why was there no work order?"""
    return await _answer(deps, request, "not-done", written, ref=ref)


@router.get("/settings")
async def settings(
    deps: Deps,
    request: Request,
    ref: Annotated[str | None, Query(min_length=1, description="An event, an order, a hold or a case.")] = None,
    at: MaybeInstant = None,
    written: As = "json",
) -> Response:
    """Which settings steered this, or were in force at an instant?"""
    return await _answer(deps, request, "settings", written, ref=ref, at=at)


async def _answer(deps: Dependencies, request: Request, question: str, written: As, **terms: object) -> Response:
    asked = {"question": question, "time_zone": deps.storage.zone.key, **terms}
    return await deps.reports.answer("audit", request, asked, written)
