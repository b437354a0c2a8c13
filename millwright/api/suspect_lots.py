"""Suspect lots: what a machine made between the onset of its fault and its hold."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from domain.suspect_lots import SuspectLots
from millwright.api.cases import whole
from millwright.api.dependencies import Deps, answered
from millwright.api.problems import ProblemDetails
from millwright.api.request_models import Body
from millwright.api.sign_in import QUALITY, READING, Person, may
from millwright.storage.reporting.lot_lists import SeenLots, lot_page

router = APIRouter(tags=["suspect lots"])


class ReviewLots(Body):
    """What a person of quality says about suspect lots."""

    note: Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")]


@router.get("/suspect-lots", response_model=list[SeenLots], dependencies=[Depends(may(*READING))])
async def list_lots(
    deps: Deps,
    state: Annotated[Literal["open", "all"], Query(description="`open`: not reviewed yet.")] = "open",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """What machines made between the onset of a fault and their hold, the newest list first."""
    return answered(await lot_page(deps.storage.engine, reviewed=state == "all", limit=limit))


@router.post(
    "/cases/{case}/lots-review",
    response_model=SuspectLots,
    responses={code: {"model": ProblemDetails} for code in (403, 404, 409, 422, 503)},
)
async def review_lots(
    case: str, say: ReviewLots, deps: Deps, person: Annotated[Person, Depends(may(QUALITY))]
) -> Response:
    """Stores what the signed-in person of quality says about the suspect lots of a case, once.

    No lot is blocked or released in any system by it. Repeating the same words changes nothing.
    """
    await whole(deps, case)
    return answered(await deps.storage.suspect_lots.review(case, person.name, say.note))
