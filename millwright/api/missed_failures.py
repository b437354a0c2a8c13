"""Missed failures: recall, blind spots, and a person's word on doubtful work."""

from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field, model_validator

from domain.missed_failures import FailureStatement, FailureWord, FoundBy
from millwright.api.dependencies import Deps, answered
from millwright.api.problems import ProblemDetails
from millwright.api.request_models import Body
from millwright.api.sign_in import PLANNER, READING, Person, may
from millwright.storage.maintenance.doubtful_work import state_failure
from millwright.storage.reporting.missed_failures import MissedFailures

router = APIRouter(tags=["missed failures"])

_Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]


class FailureRequest(Body):
    """What a person says of doubtful work, with a reason."""

    system: Annotated[_Name, Field(description="The CMMS instance.")]
    record: Annotated[_Name, Field(description="The number of the order.")]
    failed: Annotated[bool, Field(description="Whether something had failed.")]
    asset: Annotated[_Name | None, Field(description="What had failed.")] = None
    failure_mode: Annotated[str | None, Field(pattern=r"^[A-Z]{2,4}$", description="How, by ISO 14224.")] = None
    found_by: Annotated[
        Literal[FoundBy.BREAKDOWN, FoundBy.ROUND], Field(description="Whether it broke down, or a round found it.")
    ] = FoundBy.BREAKDOWN
    reason: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.failed and (self.asset is None or self.failure_mode is None):
            raise ValueError("a failure needs asset and failure_mode")
        return self


@router.get("/missed-failures", response_model=MissedFailures, dependencies=[Depends(may(*READING))])
async def list_missed_failures(
    deps: Deps, request: Request, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> Response:
    """Recall over the monitored failures of the last year with its coverage, blind spots, the failures, and the work of
    which a person must say whether something had failed; the newest first."""
    return await deps.reports.answer("missed-failures", request, {"limit": limit})


@router.post(
    "/missed-failures",
    response_model=FailureStatement,
    responses={code: {"model": ProblemDetails} for code in (409, 422, 503)},
)
async def say_what_failed(
    said: FailureRequest, deps: Deps, person: Annotated[Person, Depends(may(PLANNER))]
) -> Response:
    """Says whether something had failed where the CMMS does not say it, in the name of the signed-in person. Repeating
    it changes nothing."""
    word = FailureWord(**said.model_dump(), by=person.name)
    return answered(await state_failure(deps.storage.engine, deps.storage.clock, word))
