"""Holds: which machines are held, the state of each hold, and the release by a person of production."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import ConfigDict, Field

from domain.errors import ActRejected
from domain.holds import HoldAgain, HoldStatus, Release
from domain.machine_test_runs import HOLD_AGAIN, READY_FOR_TEST_RUN, RUNS_AS_IT_SHOULD
from domain.production import READY_TO_RUN
from millwright.api.dependencies import Dependencies, Deps, answered
from millwright.api.problems import Problem, ProblemDetails, not_found
from millwright.api.request_models import Body, Instant
from millwright.api.sign_in import PRODUCTION, READING, Person, may, named
from millwright.storage.reporting.hold_lists import SeenHold, hold_page, whole_hold

router = APIRouter(tags=["holds"])

LIVE, ALL = "live", "all"
STEPS = (READY_TO_RUN, READY_FOR_TEST_RUN, RUNS_AS_IT_SHOULD)
Reason = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]
Signature = Annotated[
    str, Field(pattern=r"^[0-9a-f]{128}$", description="Ed25519 over the canonical JSON of docs/releases.md.")
]
_STATES = {
    LIVE: tuple(state for state in HoldStatus if state.live),
    ALL: tuple(HoldStatus),
    **{state.value: (state,) for state in HoldStatus},
}


class ReleaseHold(Body):
    """The statement of the person of production who releases a hold, and the reason."""

    model_config = ConfigDict(json_schema_extra={"required": ["meaning", "reason", "at", "signature"]})

    # Optional here and checked in the handler, so that the error for a missing statement has the sentence too.
    meaning: str = Field("", description="The `statement` of the hold.", json_schema_extra={"enum": list(STEPS)})
    reason: Reason
    at: Instant
    signature: Signature


class HoldAgainBody(Body):
    """The statement of the person of production who has a machine held again, and the reason."""

    model_config = ConfigDict(json_schema_extra={"required": ["meaning", "reason", "at", "signature"]})

    meaning: str = Field("", description=f"Exactly: {HOLD_AGAIN}", json_schema_extra={"const": HOLD_AGAIN})
    reason: Reason
    at: Instant
    signature: Signature


@router.get("/holds", response_model=list[SeenHold], dependencies=[Depends(may(*READING))])
async def list_holds(
    deps: Deps,
    state: Annotated[
        str, Query(description=f"One of {', '.join(_STATES)}; `live` is asked, releasing or testing.")
    ] = LIVE,
    equipment: Annotated[str | None, Query(description="The MES's id of the machine.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[str | None, Query(description="The key of the last hold of the page before.")] = None,
) -> Response:
    """Holds, the newest first: the state of each, its placements, and the cases that ask for it.

    A hold in the MES is not an isolation; lock out and tag out.
    """
    if state not in _STATES:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "wrong-field",
            f"there is no state {state!r} of a hold",
            field="state",
            fix=f"there are: {', '.join(_STATES)}",
        )
    display = await deps.storage.people.signature_display(deps.storage.zone)
    page = await hold_page(deps.storage.engine, states=_STATES[state], equipment=equipment, after=after, limit=limit)
    return answered([hold.shown(display) for hold in page])


@router.get("/holds/{key}", response_model=SeenHold, dependencies=[Depends(may(*READING))])
async def show_hold(key: str, deps: Deps) -> Response:
    """One hold: its state, its placements, and the cases that ask for it."""
    return answered(await _whole(deps, key))


@router.post(
    "/holds/{key}/release",
    status_code=HTTPStatus.ACCEPTED,
    response_model=SeenHold,
    responses={code: {"model": ProblemDetails} for code in (403, 404, 409, 422, 503)},
)
async def release_hold(
    key: str, asked: ReleaseHold, deps: Deps, person: Annotated[Person, Depends(named(PRODUCTION))]
) -> Response:
    """Releases a hold whose work is done, by the signature of the signed-in person of production.

    The answer comes after the release is recorded; the call that lets the machine run follows. Until then the hold is
    `releasing`. Where the version asks for a test run, the first release is for that, and the hold is `testing` then.
    Repeating it changes nothing.
    """
    hold = await _whole(deps, key)
    step = READY_TO_RUN if hold.test_run is None else READY_FOR_TEST_RUN
    repeated = hold.release is not None and asked.meaning == hold.release.meaning
    wanted = asked.meaning if repeated else hold.statement or step
    insist_on_statement(asked.meaning, wanted, "a release needs the statement of the person who releases")
    release = Release(
        by=person.name, meaning=asked.meaning, reason=asked.reason, at=asked.at, signature=asked.signature
    )
    await deps.storage.holds.approve_release(key, release)
    return answered(await _whole(deps, key), HTTPStatus.ACCEPTED)


@router.post(
    "/holds/{key}/again",
    status_code=HTTPStatus.ACCEPTED,
    response_model=SeenHold,
    responses={code: {"model": ProblemDetails} for code in (403, 404, 409, 422, 503)},
)
async def ask_again(
    key: str, asked: HoldAgainBody, deps: Deps, person: Annotated[Person, Depends(named(PRODUCTION))]
) -> Response:
    """Has a machine held again that runs on test, by the signature of the signed-in person of production, and opens the
    rework.

    The answer comes after that is recorded. The worker places the hold anew, and the order of the rework.
    """
    insist_on_statement(asked.meaning, HOLD_AGAIN, "holding a machine again needs the statement of the person who asks")
    await _whole(deps, key)
    again = HoldAgain(
        by=person.name, meaning=asked.meaning, reason=asked.reason, at=asked.at, signature=asked.signature
    )
    await deps.storage.holds.hold_again(key, again)
    return answered(await _whole(deps, key), HTTPStatus.ACCEPTED)


def insist_on_statement(meaning: str, wanted: str, problem: str) -> None:
    """Refuses an act without the exact statement of the person at the machine.

    Raises:
        Problem: 422, naming the field.
    """
    if meaning != wanted:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "wrong-field",
            problem,
            field="meaning",
            fix=f"when it is true at the machine, send exactly: {wanted}",
        )


async def _whole(deps: Dependencies, key: str) -> SeenHold:
    try:
        return (await whole_hold(deps.storage.engine, key)).shown(
            await deps.storage.people.signature_display(deps.storage.zone)
        )
    except ActRejected as error:
        raise not_found(error.problem, fix="see `GET /holds?state=all`") from error
