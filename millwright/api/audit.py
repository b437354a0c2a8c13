"""The auditor's questions over HTTP: one route each, answered as JSON or CSV."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response

from millwright.api.dependencies import Deps, answered
from millwright.api.request_models import Instant
from millwright.api.sign_in import may

AUDITOR = "auditor"

router = APIRouter(prefix="/audit", tags=["audit"], dependencies=[Depends(may(AUDITOR))])

As = Annotated[Literal["json", "csv"], Query(alias="format", description="How the answer is written.")]
Ref = Annotated[str, Query(min_length=1, description="An event, an order, a hold or a case; or a version.")]
MaybeInstant = Annotated[Instant | None, Query()]


@router.get("/decided")
async def decided(deps: Deps, ref: Ref, written: As = "json") -> Response:
    """Which rule decided this event, order or case?"""
    return await _answer(deps, "decided", written, ref=ref)


@router.get("/signed")
async def signed(deps: Deps, ref: Ref, written: As = "json") -> Response:
    """Who wrote, approved and activated this version, when and why?"""
    return await _answer(deps, "signed", written, ref=ref)


@router.get("/in-force")
async def in_force(
    deps: Deps,
    at: Instant,
    known_at: MaybeInstant = None,
    asset: str | None = None,
    line: str | None = None,
    written: As = "json",
) -> Response:
    """What was in force at an instant, as known then and as known now?"""
    return await _answer(deps, "in-force", written, at=at, known_at=known_at, asset=asset, line=line)


@router.get("/affected")
async def affected(
    deps: Deps, ref: Ref, since: MaybeInstant = None, until: MaybeInstant = None, written: As = "json"
) -> Response:
    """Which events, orders and holds did this version decide?"""
    return await _answer(deps, "affected", written, ref=ref, since=since, until=until)


@router.get("/changed")
async def changed(deps: Deps, since: MaybeInstant = None, until: MaybeInstant = None, written: As = "json") -> Response:
    """What changed between two dates?"""
    return await _answer(deps, "changed", written, since=since, until=until)


@router.get("/remade")
async def remade(deps: Deps, ref: Ref, written: As = "json") -> Response:
    """Can this decision be made again, bit for bit?"""
    return await _answer(deps, "remade", written, ref=ref)


@router.get("/suppressed")
async def suppressed(
    deps: Deps, since: MaybeInstant = None, until: MaybeInstant = None, written: As = "json"
) -> Response:
    """What was suppressed, shelved or given up, and by whom?"""
    return await _answer(deps, "suppressed", written, since=since, until=until)


@router.get("/duties")
async def duties(deps: Deps, written: As = "json") -> Response:
    """Who has both author and approver rights?"""
    return await _answer(deps, "duties", written)


@router.get("/not-done")
async def not_done(deps: Deps, ref: Ref, written: As = "json") -> Response:
    """Why was there no work order?"""
    return await _answer(deps, "not-done", written, ref=ref)


async def _answer(deps: Deps, question: str, written: str, **terms: object) -> Response:
    # The rule engine is imported only when it is needed, because the import is slow.
    from millwright.audit.questions.answer import Asked
    from millwright.audit.questions.asking import ask

    asked = Asked.model_validate({"now": deps.storage.clock.now(), **terms})
    answer = await ask(deps.storage.engine, deps.storage.catalogue, question, asked, deps.storage.zone)
    if written == "csv":
        return Response(answer.csv(), media_type="text/csv; charset=utf-8")
    return answered(answer)
