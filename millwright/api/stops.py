"""Kill switches, which stop actions, and freeze windows, in which no version comes into force."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from domain.stops import StoppableAction
from millwright.api.dependencies import Deps, answered
from millwright.api.policies import APPROVER, OPERATOR, by_name
from millwright.api.request_models import Body, Instant, Number
from millwright.api.sign_in import READING, Person, may

router = APIRouter(tags=["stops"])

_Words = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]


class Stopping(Body):
    """A kill switch to activate. Without a site or class it applies to all."""

    action: StoppableAction
    site: str | None = None
    asset_class: str | None = None
    reason: _Words


class Freezing(Body):
    """A freeze window. Without `begins_at` it begins now."""

    begins_at: Instant | None = None
    ends_at: Instant
    reason: _Words


class Lifting(Body):
    """The reason for lifting it."""

    reason: _Words


@router.get("/stops", dependencies=[Depends(may(*READING))])
async def list_stops(deps: Deps) -> Response:
    """All kill switches, also lifted ones, oldest first."""
    return answered(await deps.storage.policies.stops.stops())


@router.post("/stops", status_code=201)
async def stop(asked: Stopping, deps: Deps, person: Annotated[Person, Depends(may(OPERATOR))]) -> Response:
    """Stops an action at once, while judging continues."""
    stopped = await deps.storage.policies.stops.stop(
        asked.action, by_name(person), asked.reason, site=asked.site, asset_class=asked.asset_class
    )
    return answered(stopped._asdict(), HTTPStatus.CREATED)


@router.post("/stops/{number}/lift")
async def lift(
    number: Number, asked: Lifting, deps: Deps, person: Annotated[Person, Depends(may(OPERATOR, APPROVER))]
) -> Response:
    """Lifts a kill switch that another person activated; waiting cases continue."""
    await deps.storage.policies.stops.lift(number, by_name(person), asked.reason)
    return answered({"stop": number, "lifted_by": person.name})


@router.get("/freezes", dependencies=[Depends(may(*READING))])
async def list_freezes(deps: Deps) -> Response:
    """Every freeze window, oldest first."""
    found = await deps.storage.policies.freezes.freezes()
    return answered([declared._asdict() for declared in found])


@router.post("/freezes", status_code=201)
async def freeze(asked: Freezing, deps: Deps, person: Annotated[Person, Depends(may(OPERATOR, APPROVER))]) -> Response:
    """Declares a window in which versions come into force only by an emergency, or a rollback that asks for no more."""
    declared = await deps.storage.policies.freezes.freeze(asked.begins_at, asked.ends_at, by_name(person), asked.reason)
    return answered(declared._asdict(), HTTPStatus.CREATED)


@router.post("/freezes/{number}/thaw")
async def thaw(
    number: Number, asked: Lifting, deps: Deps, person: Annotated[Person, Depends(may(OPERATOR, APPROVER))]
) -> Response:
    """Lifts a freeze window that another person declared."""
    await deps.storage.policies.freezes.thaw(number, by_name(person), asked.reason)
    return answered({"freeze": number, "thawed_by": person.name})
