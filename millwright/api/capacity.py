"""The capacity of crews: how many new orders each got, and which cases wait for their turn."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from millwright.api.dependencies import Deps, answered
from millwright.api.sign_in import READING, may
from millwright.storage.reporting.crew_lists import SeenCrew, crew_page

router = APIRouter(tags=["cases"], dependencies=[Depends(may(*READING))])


@router.get("/capacity", response_model=list[SeenCrew])
async def list_crews(
    deps: Deps,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many waiting cases are listed of each crew.")] = 100,
) -> Response:
    """Each crew whose new orders a version bounds: how many it got within the last seven days, when it gets the next
    one, and the cases that wait for their turn, the riskiest first."""
    return answered(await crew_page(deps.storage.engine, deps.storage.clock.now(), limit=limit))
