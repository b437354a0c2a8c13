"""A person's decision on a case's proposal."""

from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.cases import Decision
from domain.errors import ActRejected
from domain.keys import case_workflow_id
from millwright.storage.database.case_tables import cases
from millwright.storage.ledger import ledger
from millwright.storage.scheduling import due


class _CaseRow(NamedTuple):
    decision: object
    closed_as: str | None


async def decide_case(connection: AsyncConnection, case: str, decision: Decision, entry: ledger.Entry) -> Decision:
    """Stores a person's decision and makes the case due; returns the decision that stands.

    The workflow of the case reads the decision in its next step. A repeated decision changes nothing: the first one
    stands.

    Raises:
        ActRejected: there is no such case, it is closed, the opposite was decided, or no reason is given.
    """
    if not decision.reason.strip():
        raise ActRejected("is empty", field="reason", fix="say why")
    known = await connection.execute(
        select(cases.c.decision, cases.c.closed_as).where(cases.c.id == case).with_for_update()
    )
    row = known.one_or_none()
    if row is None:
        raise ActRejected(f"there is no case {case}", field="case", fix="see `case list`")
    stored = _CaseRow._make(row)
    if stored.decision is not None:
        earlier = Decision.model_validate(stored.decision)
        if earlier.approved == decision.approved:
            return earlier
        word = "approved" if earlier.approved else "rejected"
        raise ActRejected(f"{earlier.by} {word} {case} on {earlier.at:%Y-%m-%d %H:%M} UTC", field="approved")
    if stored.closed_as is not None:
        raise ActRejected(f"case {case} is closed as {stored.closed_as}", field="case")
    await connection.execute(
        update(cases).where(cases.c.id == case).values(decision=decision.model_dump(mode="json"), lane=None)
    )
    detail: dict[str, object] = {"approved": decision.approved, "reason": decision.reason, "at": decision.at}
    entry.add(ledger.act("case-decided", case_workflow_id(case), decision.by, entry.at, detail))
    await due.wake(connection, [case_workflow_id(case)], entry.at)
    return decision
