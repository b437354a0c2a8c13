"""The auditor's questions over HTTP: one address each, as JSON, or as CSV to be kept."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime

from millwright.api.dependencies import OnDesk, answered
from millwright.api.sign_in import may

AUDITOR = "auditor"

router = APIRouter(prefix="/audit", tags=["audit"], dependencies=[Depends(may(AUDITOR))])

As = Annotated[Literal["json", "csv"], Query(alias="format", description="How the answer is written.")]
Ref = Annotated[str, Query(min_length=1, description="An event, an order, a hold or a case; or a version.")]
Instant = Annotated[AwareDatetime | None, Query()]


@router.get("/decided")
async def decided(desk: OnDesk, ref: Ref, written: As = "json") -> Response:
    """Which rule decided this event, order or case?"""
    return await _answer(desk, "decided", written, ref=ref)


@router.get("/signed")
async def signed(desk: OnDesk, ref: Ref, written: As = "json") -> Response:
    """Who wrote, approved and activated this version, when and why?"""
    return await _answer(desk, "signed", written, ref=ref)


@router.get("/in-force")
async def in_force(
    desk: OnDesk,
    at: AwareDatetime,
    known_at: Instant = None,
    asset: str | None = None,
    line: str | None = None,
    written: As = "json",
) -> Response:
    """What was in force at an instant, as known then and as known now?"""
    return await _answer(desk, "in-force", written, at=at, known_at=known_at, asset=asset, line=line)


@router.get("/affected")
async def affected(
    desk: OnDesk, ref: Ref, since: Instant = None, until: Instant = None, written: As = "json"
) -> Response:
    """Which events, orders and holds did this version decide?"""
    return await _answer(desk, "affected", written, ref=ref, since=since, until=until)


@router.get("/changed")
async def changed(desk: OnDesk, since: Instant = None, until: Instant = None, written: As = "json") -> Response:
    """What changed between two dates?"""
    return await _answer(desk, "changed", written, since=since, until=until)


@router.get("/remade")
async def remade(desk: OnDesk, ref: Ref, written: As = "json") -> Response:
    """Can this decision be made again, bit for bit?"""
    return await _answer(desk, "remade", written, ref=ref)


@router.get("/suppressed")
async def suppressed(desk: OnDesk, since: Instant = None, until: Instant = None, written: As = "json") -> Response:
    """What was suppressed, shelved or given up, and by whom?"""
    return await _answer(desk, "suppressed", written, since=since, until=until)


@router.get("/duties")
async def duties(desk: OnDesk, written: As = "json") -> Response:
    """Who has both author and approver rights?"""
    return await _answer(desk, "duties", written)


@router.get("/not-done")
async def not_done(desk: OnDesk, ref: Ref, written: As = "json") -> Response:
    """Why was there no work order?"""
    return await _answer(desk, "not-done", written, ref=ref)


async def _answer(desk: OnDesk, question: str, written: str, **terms: object) -> Response:
    # The rule engine is loaded by whoever asks for it, not by every door.
    from millwright.audit.questions.answer import Asked
    from millwright.audit.questions.asking import ask

    asked = Asked.model_validate({"now": desk.storage.clock.now(), **terms})
    answer = await ask(desk.storage.engine, desk.storage.catalogue, question, asked)
    if written == "csv":
        return Response(answer.csv(), media_type="text/csv; charset=utf-8")
    return answered(answer)
