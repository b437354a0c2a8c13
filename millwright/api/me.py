"""The signed-in person, for programs that sign on the person's own machine."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict

from millwright.api.dependencies import Deps, answered
from millwright.api.sign_in import READING, Person, may

router = APIRouter(tags=["operations"])


class Me(BaseModel):
    """The person whose key the request has, their roles, and the installation's time, which signatures bear."""

    model_config = ConfigDict(frozen=True)

    name: str
    roles: list[str]
    now: datetime


@router.get("/me", response_model=Me)
async def show_me(deps: Deps, person: Annotated[Person, Depends(may(*READING))]) -> Response:
    """The signed-in person, their roles, and the installation's time."""
    return answered({"name": person.name, "roles": sorted(person.roles), "now": deps.storage.clock.now()})
