"""Proposed holds: what production is asked, and what a person of production answers."""

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from domain.hold_proposals import HoldAnswer
from millwright.api.cases import whole
from millwright.api.dependencies import Deps, answered
from millwright.api.problems import Problem, ProblemDetails
from millwright.api.request_models import Body, Instant
from millwright.api.sign_in import PRODUCTION, READING, Person, may
from millwright.storage.reporting.hold_proposal_lists import SeenProposal, proposal_page

router = APIRouter(tags=["holds"])

_ANSWERS = Literal["accept", "refuse"]


class AnswerHold(Body):
    """The answer of a person of production to a proposed hold."""

    answer: _ANSWERS
    hold_at: Annotated[
        Instant | None, Field(description="With `accept`: from when. Without it, from the proposed time.")
    ] = None
    reason: Annotated[str | None, Field(min_length=1, max_length=1000, pattern=r"\S")] = None


@router.get("/hold-proposals", response_model=list[SeenProposal], dependencies=[Depends(may(*READING))])
async def list_proposals(
    deps: Deps,
    state: Annotated[Literal["open", "all"], Query(description="`open`: not answered yet.")] = "open",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Proposed holds that are not placed, the first due first."""
    return answered(await proposal_page(deps.storage.engine, answered=state == "all", limit=limit))


@router.post(
    "/cases/{case}/hold-answer",
    response_model=HoldAnswer,
    responses={code: {"model": ProblemDetails} for code in (403, 404, 409, 422, 503)},
)
async def answer_hold(
    case: str, say: AnswerHold, deps: Deps, person: Annotated[Person, Depends(may(PRODUCTION))]
) -> Response:
    """Accepts a proposed hold, with or without another time, or refuses it, in the name of the signed-in person.

    A later answer replaces an earlier one, until the hold is being placed. Repeating an answer changes nothing.
    """
    await whole(deps, case)
    accepted = say.answer == "accept"
    if not accepted and say.hold_at is not None:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "wrong-field",
            "a refusal has no time",
            field="hold_at",
            fix="leave it out, or accept the hold from that time",
        )
    answer = HoldAnswer(
        accepted=accepted, hold_at=say.hold_at, by=person.name, reason=say.reason, at=deps.storage.clock.now()
    )
    return answered(await deps.storage.cases.answer_hold(case, answer))
