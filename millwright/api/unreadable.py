"""Records of other systems that could not be read."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from millwright.api.dependencies import Deps, answered
from millwright.api.problems import ProblemDetails
from millwright.api.request_models import Body
from millwright.api.sign_in import OPERATOR, READING, Person, may
from millwright.storage.cases.unreadable import open_reports, settle_by_person

router = APIRouter(prefix="/unreadable", tags=["operations"])


class Settling(Body):
    """The record to take off the list, and the reason."""

    system: Annotated[str, Field(min_length=1, max_length=400)]
    record: Annotated[str, Field(min_length=1, max_length=4000)]
    reason: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]


@router.get("", dependencies=[Depends(may(*READING))])
async def list_unreadable(deps: Deps, limit: Annotated[int, Query(ge=1, le=1000)] = 1000) -> Response:
    """The newest report on each record that cannot be read, oldest record first."""
    return answered([report._asdict() for report in await open_reports(deps.storage.engine, limit)])


@router.post("/settlements", responses={code: {"model": ProblemDetails} for code in (409, 422)})
async def settle(asked: Settling, deps: Deps, person: Annotated[Person, Depends(may(OPERATOR))]) -> Response:
    """Takes a record off the list that no reading will settle, for example a deleted one."""
    storage = deps.storage
    await settle_by_person(storage.engine, storage.clock, asked.system, asked.record, person.name, asked.reason)
    return answered({"system": asked.system, "record": asked.record, "by": person.name})
