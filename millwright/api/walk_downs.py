"""Walk-downs: two persons prove that a hold on a machine stops this machine, and one withdraws a proof."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import ConfigDict, Field

from domain.errors import ActRejected
from domain.holds import Release
from domain.people import ADMINISTRATOR
from domain.production import READY_TO_RUN
from domain.walk_downs import LIVE_WALK_DOWNS, MAY_BE_STOPPED, PROOFS, STANDS_STILL, SignedWord, WalkDown, WalkDownState
from millwright.api.dependencies import Dependencies, Deps, answered
from millwright.api.holds import ReleaseHold, insist_on_statement
from millwright.api.problems import Problem, ProblemDetails, not_found
from millwright.api.request_models import Body, Instant
from millwright.api.sign_in import PLANNER, PRODUCTION, READING, Person, may, named
from millwright.runtime.plant_instances import plant_instances
from millwright.storage.reporting.walk_down_lists import (
    SeenMachine,
    SeenWalkDown,
    machine_named,
    machines,
    seen_walk_down,
    walk_down_page,
    whole_walk_down,
)

router = APIRouter(
    prefix="/walk-downs",
    tags=["walk-downs"],
    responses={code: {"model": ProblemDetails} for code in (403, 404, 409, 422, 503)},
)

LIVE, PROOF, ALL = "live", "proofs", "all"
_STATES = {LIVE: LIVE_WALK_DOWNS, PROOF: PROOFS, ALL: tuple(WalkDownState)}
_Signature = Annotated[
    str, Field(pattern=r"^[0-9a-f]{128}$", description="Ed25519 over the canonical JSON of docs/walk-downs.md.")
]
_NEEDED = "a walk-down needs the statement of the person at the machine"
_Name = Annotated[str, Field(min_length=1, max_length=400)]


class BeginWalkDown(Body):
    """The statement of a person of production at the machine. The names are those of `GET /walk-downs/machines`."""

    model_config = ConfigDict(json_schema_extra={"required": ["machine", "equipment", "meaning", "at", "signature"]})

    machine: _Name
    equipment: _Name
    meaning: str = Field("", description=f"Exactly: {MAY_BE_STOPPED}", json_schema_extra={"const": MAY_BE_STOPPED})
    at: Instant
    signature: _Signature


class Look(Body):
    """The statement of a person of maintenance who looked at the machine."""

    model_config = ConfigDict(json_schema_extra={"required": ["meaning", "at", "signature"]})

    meaning: str = Field("", description=f"Exactly: {STANDS_STILL}", json_schema_extra={"const": STANDS_STILL})
    at: Instant
    signature: _Signature


class WithdrawProof(Body):
    """Why a proof counts no more."""

    reason: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]


@router.get("", response_model=list[SeenWalkDown], dependencies=[Depends(may(*READING))])
async def list_walk_downs(
    deps: Deps,
    state: Annotated[str, Query(description=f"One of {', '.join(_STATES)}.")] = LIVE,
    machine: Annotated[str | None, Query(description="The id of the machine, or its name in the MES.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[str | None, Query(description="The key of the last one of the page before.")] = None,
) -> Response:
    """Walk-downs, the newest first: what was signed, and what each waits for."""
    if state not in _STATES:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "wrong-field",
            f"there is no state {state!r}",
            field="state",
            fix=f"there are: {', '.join(_STATES)}",
        )
    display = await deps.storage.people.signature_display(deps.storage.zone)
    page = await walk_down_page(deps.storage.engine, _STATES[state], machine=machine, after=after, limit=limit)
    return answered([seen_walk_down(each, display) for each in page])


@router.get("/machines", response_model=list[SeenMachine], dependencies=[Depends(may(*READING))])
async def list_machines(deps: Deps) -> Response:
    """Every machine that an MES knows, and whether it is proved, so that it can be held."""
    return answered(await machines(deps.storage.engine, plant_instances(deps.settings)))


@router.get("/{key}", response_model=SeenWalkDown, dependencies=[Depends(may(*READING))])
async def show_walk_down(key: str, deps: Deps) -> Response:
    """One walk-down: what was signed, what its hold goes through, and what it waits for."""
    return await _answered(deps, await _known(deps, key))


@router.post("", status_code=HTTPStatus.ACCEPTED, response_model=SeenWalkDown)
async def begin_walk_down(
    asked: BeginWalkDown, deps: Deps, person: Annotated[Person, Depends(named(PRODUCTION))]
) -> Response:
    """Begins a walk-down, by the signature of the signed-in person of production who stands at the machine.

    The answer comes before the machine is held. Repeating it changes nothing.
    """
    insist_on_statement(asked.meaning, MAY_BE_STOPPED, _NEEDED)
    machine = await machine_named(deps.storage.engine, plant_instances(deps.settings), asked.machine)
    if machine.equipment != asked.equipment:
        raise ActRejected(
            f"{asked.machine} is {machine.equipment} in {machine.system}",
            field="equipment",
            fix="see `GET /walk-downs/machines`",
        )
    word = SignedWord(by=person.name, meaning=asked.meaning, at=asked.at, signature=asked.signature)
    begun = await deps.storage.walk_downs.begin(machine.machine, machine.system, machine.equipment, word)
    return await _answered(deps, begun, HTTPStatus.ACCEPTED)


@router.post("/{key}/look", status_code=HTTPStatus.ACCEPTED, response_model=SeenWalkDown)
async def look(key: str, asked: Look, deps: Deps, person: Annotated[Person, Depends(named(PLANNER))]) -> Response:
    """Keeps that another person, of maintenance, saw this machine stand still, by their signature."""
    insist_on_statement(asked.meaning, STANDS_STILL, _NEEDED)
    await _known(deps, key)
    word = SignedWord(by=person.name, meaning=asked.meaning, at=asked.at, signature=asked.signature)
    return await _answered(deps, await deps.storage.walk_downs.look(key, word), HTTPStatus.ACCEPTED)


@router.post("/{key}/release", status_code=HTTPStatus.ACCEPTED, response_model=SeenWalkDown)
async def let_run(
    key: str, asked: ReleaseHold, deps: Deps, person: Annotated[Person, Depends(named(PRODUCTION))]
) -> Response:
    """Releases the machine of a walk-down, by the signature of the signed-in person of production.

    The answer comes after the release is recorded; the call that lets the machine run follows.
    """
    insist_on_statement(asked.meaning, READY_TO_RUN, _NEEDED)
    await _known(deps, key)
    release = Release(
        by=person.name, meaning=asked.meaning, reason=asked.reason, at=asked.at, signature=asked.signature
    )
    return await _answered(deps, await deps.storage.walk_downs.let_run(key, release), HTTPStatus.ACCEPTED)


@router.post("/{key}/withdraw", response_model=SeenWalkDown)
async def withdraw_proof(
    key: str,
    asked: WithdrawProof,
    deps: Deps,
    person: Annotated[Person, Depends(named(PRODUCTION, PLANNER, ADMINISTRATOR))],
) -> Response:
    """Withdraws a proof: the machine is held no more until it is proved again. One person is enough."""
    await _known(deps, key)
    return await _answered(deps, await deps.storage.walk_downs.withdraw(key, person.name, asked.reason))


async def _known(deps: Dependencies, key: str) -> WalkDown:
    try:
        return await whole_walk_down(deps.storage.engine, key)
    except ActRejected as error:
        raise not_found(error.problem, fix="see `GET /walk-downs?state=all`") from error


async def _answered(deps: Dependencies, walk_down: WalkDown, status: int = HTTPStatus.OK) -> Response:
    display = await deps.storage.people.signature_display(deps.storage.zone)
    return answered(seen_walk_down(walk_down, display), status)
