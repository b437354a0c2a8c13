"""Cases: their state, their history, a person's decision, and a person's word on what the work found."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from domain.cases import Decision, Lane, Phase
from domain.corrections import PRIORITIES, SUMMARY_LENGTH, CorrectedField, time_text
from domain.errors import ActRejected
from domain.model import Moment
from domain.outcomes import OutcomeClass, OutcomeStatement
from millwright.api.dependencies import Dependencies, Deps, answered
from millwright.api.problems import Problem, ProblemDetails, not_found
from millwright.api.request_models import Body
from millwright.api.sign_in import OPERATOR, PLANNER, READING, Person, may
from millwright.runtime.plant_instances import plant_instances
from millwright.storage.cases.corrections import Correcting
from millwright.storage.reporting.case_lists import OPEN, SeenCase, WholeCase, case_page, whole_case
from millwright.storage.reporting.unknown_codes import UnknownCode, unknown_codes

router = APIRouter(tags=["cases"])

_STATES = (OPEN, *(phase.value for phase in Phase))
_STATABLE = tuple(known.value for known in OutcomeClass if known.final)


class DecisionRequest(Body):
    """A person's approval or rejection, with a reason."""

    approved: bool
    reason: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]


class OutcomeRequest(Body):
    """What a person states that completed work found, with a reason."""

    outcome: Annotated[OutcomeClass, Field(description=f"One of {', '.join(_STATABLE)}.")]
    reason: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]
    suggestion: Annotated[
        str | None,
        Field(min_length=1, max_length=200, description="The suggested code that is taken, such as `problem:SEAL`."),
    ] = None


class DraftValues(Body):
    """The values of a draft that a person corrects; what is left out stays."""

    summary: Annotated[str | None, Field(min_length=1, max_length=SUMMARY_LENGTH, pattern=r"^\S[^\x00-\x1f\x7f]*$")] = (
        None
    )
    priority: Annotated[int | None, Field(ge=min(PRIORITIES), le=max(PRIORITIES))] = None
    due_at: Annotated[Moment | None, Field(description="Null: the order has no due date in its own field.")] = None
    job_plan: Annotated[None, Field(description="Null: the order names no job plan in a field of its own.")] = None
    asset_name: Annotated[
        Literal["mapped"] | None, Field(description="The asset's name and attributes as the crosswalk has them now.")
    ] = None

    @property
    def values_given(self) -> dict[CorrectedField, str | int | None]:
        """What was given, as drafts have it.

        Raises:
            Problem: 422, nothing was given, or a field that no draft can be without is null.
        """
        given: dict[CorrectedField, str | int | None] = {}
        for field in CorrectedField:
            if field.value not in self.model_fields_set:
                continue
            value = getattr(self, field.value)
            if value is None and field not in (CorrectedField.DUE_AT, CorrectedField.JOB_PLAN):
                raise _wrong_value(f"changes.{field}", "no draft can be without it")
            given[field] = time_text(value) if isinstance(value, datetime) else value
        if not given:
            raise _wrong_value("changes", f"one of: {', '.join(CorrectedField)}")
        return given


class CorrectionRequest(Body):
    """What a person corrects of a refused draft, with a reason."""

    changes: DraftValues
    reason: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]


@router.get("/cases", response_model=list[SeenCase], dependencies=[Depends(may(*READING))])
async def list_cases(
    deps: Deps,
    state: Annotated[str | None, Query(description=f"One of {', '.join(_STATES)}.")] = None,
    lane: Annotated[Lane | None, Query(description="Who must act before the case goes on.")] = None,
    asset: Annotated[str | None, Query(description="The component at fault, or its machine.")] = None,
    line: Annotated[str | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[str | None, Query(description="The id of the last case of the page before.")] = None,
) -> Response:
    """Cases, the newest first."""
    if state is not None and state not in _STATES:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "wrong-field",
            f"there is no state {state!r} of a case",
            field="state",
            fix=f"there are: {', '.join(_STATES)}",
        )
    page = await case_page(
        deps.storage.engine, state=state, lane=lane, asset=asset, line=line, after=after, limit=limit
    )
    return answered(page)


@router.get("/cases/{case}", response_model=WholeCase, dependencies=[Depends(may(*READING))])
async def show_case(case: str, deps: Deps) -> Response:
    """One case: its state, what it waits for, its evidence, and everything that was done, by whom and when."""
    return answered(await whole(deps, case))


@router.post(
    "/cases/{case}/decision",
    responses={code: {"model": ProblemDetails} for code in (404, 409, 422, 503)},
)
async def decide_case(
    case: str, say: DecisionRequest, deps: Deps, person: Annotated[Person, Depends(may(PLANNER))]
) -> Response:
    """Approves or rejects a case's proposal, in the name of the signed-in person. Repeating it changes nothing.

    The decision is stored before the answer, also while the workflow engine does not answer. The case acts on it
    afterwards.
    """
    await whole(deps, case)
    decision = Decision(approved=say.approved, by=person.name, reason=say.reason, at=deps.storage.clock.now())
    kept = await deps.storage.cases.record_decision(case, decision)
    return answered({"case": case, "approved": kept.approved, "by": kept.by})


@router.post(
    "/cases/{case}/outcome",
    responses={code: {"model": ProblemDetails} for code in (404, 409, 422, 503)},
)
async def state_outcome(
    case: str, said: OutcomeRequest, deps: Deps, person: Annotated[Person, Depends(may(PLANNER))]
) -> Response:
    """States what completed work found if its codes do not say it, in the name of the signed-in person. Repeating it
    changes nothing.

    The twin is told and the label is made after the answer; if the machine is still held, after its release.
    """
    await whole(deps, case)
    statement = OutcomeStatement(by=person.name, reason=said.reason, at=deps.storage.clock.now())
    kept = await deps.storage.cases.state_outcome(case, said.outcome, statement, said.suggestion)
    return answered({"case": case, "outcome": said.outcome, "by": kept.by})


@router.get("/unknown-codes", response_model=list[UnknownCode], dependencies=[Depends(may(*READING))])
async def list_unknown_codes(deps: Deps) -> Response:
    """The codes on completed orders that no table of their site has, those for which most cases wait first."""
    return answered(await unknown_codes(deps.storage.engine))


@router.post(
    "/cases/{case}/corrections",
    responses={code: {"model": ProblemDetails} for code in (404, 409, 422, 503)},
)
async def correct_draft(
    case: str, said: CorrectionRequest, deps: Deps, person: Annotated[Person, Depends(may(PLANNER))]
) -> Response:
    """Corrects the draft of an order that the CMMS refused, in the name of the signed-in person, and has it tried
    again. Repeating it changes nothing.

    What the policy decided stays: the asset, the failure mode, the severity, and the texts that say why. The first
    draft stays too, and is shown beside the corrections.
    """
    await whole(deps, case)
    now = deps.storage.clock.now()
    asked = Correcting(values=said.changes.values_given, by=person.name, reason=said.reason, at=now)
    kept = await deps.storage.cases.correct_draft(case, asked)
    return answered({"case": case, "by": kept.by, "changes": [change.words for change in kept.changes]})


@router.post(
    "/cases/{case}/retry",
    status_code=HTTPStatus.ACCEPTED,
    responses={code: {"model": ProblemDetails} for code in (404, 409, 503)},
    dependencies=[Depends(may(PLANNER, OPERATOR))],
)
async def retry_case(case: str, deps: Deps) -> Response:
    """Makes a case continue now that waits for a time, for another system or for a correction in one.

    It decides nothing: the case does what it would have done at its next wake. The answer says what it waited for.
    """
    found = await whole(deps, case)
    waits_for = found.case.waiting_for
    if waits_for is None:
        raise Problem(HTTPStatus.CONFLICT, "waits-for-nothing", f"{case} waits for nothing", field="case")
    await deps.storage.cases.wake([case])
    return answered({"case": case, "waits_for": waits_for}, HTTPStatus.ACCEPTED)


def _wrong_value(field: str, fix: str) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "wrong-field", "has no value", field=field, fix=fix)


async def whole(deps: Dependencies, case: str) -> WholeCase:
    """One case.

    Raises:
        Problem: 404, there is none.
    """
    try:
        found = await whole_case(deps.storage.engine, case, plant_instances(deps.settings))
        return found.shown(await deps.storage.people.signature_display(deps.storage.zone))
    except ActRejected as error:
        raise not_found(error.problem, fix=error.fix) from error
