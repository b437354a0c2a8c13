"""Autonomy over HTTP: which classes and modes act without review, their measurements, and an approver's signed
decision."""

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Depends, Response

from domain.approvals import one_line
from domain.autonomy import AutonomyMove
from millwright.api.dependencies import Dependencies, Deps, answered
from millwright.api.policies import APPROVER, SignedMeaning
from millwright.api.problems import ProblemDetails
from millwright.api.sign_in import READING, Person, may

if TYPE_CHECKING:
    from millwright.policy_operations.autonomy import AutonomyProgress

router = APIRouter(prefix="/autonomy", tags=["autonomy"], responses={c: {"model": ProblemDetails} for c in (409, 422)})


class Deciding(SignedMeaning):
    """A decision on a proposal (`promoted`, `refused`), or on what acts without review (`lost`).

    The signature covers the record's `digest` from `GET /autonomy`, with the act `promote-autonomy:` and the move.
    """

    move: Literal["promoted", "refused", "lost"]


@router.get("", dependencies=[Depends(may(*READING))])
async def list_autonomy(deps: Deps) -> Response:
    """Every class and failure mode that had a case or a move: its state, its findings, precision with its bounds, the
    target."""
    return answered(await _progress(deps))


@router.post("/{asset_class}/{failure_mode}/moves", status_code=201)
async def decide(
    asset_class: str,
    failure_mode: str,
    asked: Deciding,
    deps: Deps,
    person: Annotated[Person, Depends(may(APPROVER))],
) -> Response:
    """An approver promotes or refuses a proposal, or removes autonomy; a promotion takes two approvers.

    `stored` is the move that was recorded: `approved` for the first approver, `promoted` for the second.
    """
    from millwright.policy_operations.autonomy import decide_signed
    from millwright.storage.policies.autonomy import act_of

    move = AutonomyMove(asked.move)
    decided = await decide_signed(
        deps.storage.engine,
        deps.storage.versions,
        deps.storage.autonomy,
        now=deps.storage.clock.now(),
        asset_class=asset_class,
        failure_mode=failure_mode,
        move=move,
        signature=asked.of(person, act_of(move), one_line(asked.meaning)),
    )
    (now,) = (
        progress
        for progress in await _progress(deps)
        if (progress.asset_class, progress.failure_mode) == (asset_class, failure_mode)
    )
    body = {**now.model_dump(), "stored": decided.move, "machines": decided.machines}
    return answered(body, HTTPStatus.CREATED)


async def _progress(deps: Dependencies) -> "list[AutonomyProgress]":
    # The rule engine is imported only when it is needed, because the import is slow.
    from millwright.policy_operations.autonomy import autonomy_progress

    storage = deps.storage
    display = await storage.people.signature_display(storage.zone)
    return await autonomy_progress(storage.engine, storage.versions, storage.autonomy, storage.clock.now(), display)
