"""The question to production whether a machine may be held for a case, and its answer."""

from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.cases import Decision, why_called_off
from domain.errors import ActRejected
from domain.hold_proposals import HoldAnswer, HoldProposal, check_answer
from domain.keys import case_workflow_id
from millwright.storage.cases.hold_locks import lock_hold_of_case
from millwright.storage.database.case_tables import cases
from millwright.storage.ledger import ledger
from millwright.storage.scheduling import due


class _CaseRow(NamedTuple):
    hold_proposal: object
    closed_as: str | None
    withdraw: str | None
    decision: object


async def propose_hold(
    connection: AsyncConnection, case: str, proposal: HoldProposal, entry: ledger.Entry
) -> HoldProposal:
    """Stores what production is asked for a case; the first question stands, and is returned with its newest answer.

    Raises:
        ActRejected: there is no such case.
    """
    row = await _locked(connection, case)
    if row.hold_proposal is not None:
        return HoldProposal.model_validate(row.hold_proposal)
    await _keep(connection, case, proposal)
    entry.add(ledger.act("hold-proposed", case_workflow_id(case), "millwright", entry.at, {"proposal": proposal}))
    return proposal


async def answer_hold(connection: AsyncConnection, case: str, answer: HoldAnswer, entry: ledger.Entry) -> HoldAnswer:
    """Stores what production answered, and wakes the case; returns the answer that stands.

    Args:
        answer: an acceptance without a time accepts the proposed one. The same answer again changes nothing. Another
            one replaces it, until the hold was asked for in the MES.

    Raises:
        ActRejected: there is no such case, nothing is proposed for it, it is closed, its machine is held already, or
            the answer says nothing certain.
    """
    row = await _locked(connection, case)
    if row.closed_as is not None:
        raise ActRejected(f"case {case} is closed as {row.closed_as}", field="case")
    decision = None if row.decision is None else Decision.model_validate(row.decision)
    if why_called_off(decision, row.withdraw) is not None:
        fix = f"see `case show {case}`"
        raise ActRejected(f"the work of case {case} is not wanted any more", field="case", fix=fix)
    if row.hold_proposal is None:
        raise ActRejected(f"no hold is proposed for case {case}", field="case", fix="see `hold proposals`")
    if await lock_hold_of_case(connection, case) is not None:
        raise ActRejected(
            f"the hold for case {case} was accepted and is being placed",
            field="case",
            fix=f"see `hold show {case}`; in an emergency start the machine in the MES",
        )
    proposal = HoldProposal.model_validate(row.hold_proposal)
    stands = proposal.answer
    if stands is not None and _repeats(stands, answer):
        return stands
    if answer.accepted and answer.hold_at is None:
        answer = answer.model_copy(update={"hold_at": max(proposal.hold_at, entry.at)})
    check_answer(answer, proposal.hold_at, entry.at)
    await _keep(connection, case, proposal.model_copy(update={"answer": answer}))
    detail: dict[str, object] = {"answer": answer}
    entry.add(ledger.act("hold-answered", case_workflow_id(case), answer.by, entry.at, detail))
    await due.wake(connection, [case_workflow_id(case)], entry.at)
    return answer


def _repeats(stands: HoldAnswer, answer: HoldAnswer) -> bool:
    """Whether a person gives the answer that stands once more. An acceptance without a time leaves the time."""
    same_time = answer.hold_at in (stands.hold_at, None)
    said = (stands.accepted, stands.by, stands.reason) == (answer.accepted, answer.by, answer.reason)
    return said and same_time


async def _locked(connection: AsyncConnection, case: str) -> _CaseRow:
    found = await connection.execute(
        select(cases.c.hold_proposal, cases.c.closed_as, cases.c.withdraw, cases.c.decision)
        .where(cases.c.id == case)
        .with_for_update()
    )
    row = found.one_or_none()
    if row is None:
        raise ActRejected(f"there is no case {case}", field="case", fix="see `case list`")
    return _CaseRow._make(row)


async def _keep(connection: AsyncConnection, case: str, proposal: HoldProposal) -> None:
    # An answer ends the pause after failures: the step looks at it at once.
    values = {"hold_proposal": proposal.model_dump(mode="json"), "attempts": 0}
    await connection.execute(update(cases).where(cases.c.id == case).values(**values))
