"""Opens the rework of a case whose work did not help: its machine, let run on test, had to be held again, or its
verification showed the fault again."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.canonical import canonical
from domain.cases import Phase, Rework
from domain.errors import ActRejected
from domain.keys import case_id, case_workflow_id
from domain.verdict import Rung
from millwright.storage.cases.hold_writing import ACTOR
from millwright.storage.cases.recorded_case import RecordedCase, recorded_case
from millwright.storage.ledger import ledger

# The order prevents deadlocks.
_TAKE_LINES = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(l.line, 0)) FROM (SELECT DISTINCT c.line FROM hold_claims m "
    "JOIN cases c ON c.id = m.case_id WHERE m.hold_key = :key ORDER BY 1) l"
)
_OPEN = text(
    "SELECT o.id, o.rung FROM cases c JOIN cases o ON (o.asset, o.failure_mode) = (c.asset, c.failure_mode) "
    "WHERE c.id = :case AND o.closed_as IS NULL FOR UPDATE OF o"
)
_CASE = text(
    "SELECT c.asset, c.failure_mode, c.rung, c.version, e.source, e.external_id, d.event_id, d.revision, d.at, "
    "w.external_id AS order_id FROM cases c JOIN evidence d ON d.case_id = c.id AND d.how IN ('opened', 'raised') "
    "JOIN events e ON e.id = d.event_id LEFT JOIN work_orders w ON w.case_id = c.id "
    "WHERE c.id = :case ORDER BY d.id DESC LIMIT 1"
)
_IS_TAKEN = text("SELECT EXISTS (SELECT FROM cases WHERE id = :id)")
_ADD_CASE = text(
    "INSERT INTO cases (id, asset, failure_mode, machine, line, site, opened_by, opened_at, event_at, last_event_at, "
    "version, verdict, rung, phase, fed) SELECT :id, asset, failure_mode, machine, line, site, :event, :now, :at, :at, "
    "version, verdict, rung, :phase, 1 FROM cases WHERE id = :case"
)
# As for a case that judging raises: what is worse may be more urgent.
_RAISE = text(
    "UPDATE cases r SET version = c.version, verdict = c.verdict, rung = c.rung, urgency = NULL FROM cases c "
    "WHERE r.id = :id AND c.id = :case"
)
_ADD_EVIDENCE = text(
    "INSERT INTO evidence (case_id, event_id, revision, rung, at, how) "
    "VALUES (:id, :event, :revision, :rung, :at, :how)"
)
_KEEP = text("UPDATE cases SET rework = cast(:rework AS jsonb) WHERE id = :id")


class ReworkGround(NamedTuple):
    """Why the work of a case did not help.

    Attributes:
        operation: what is about to be done, for errors.
        by: the person who had its machine held again; None if the verification of the work showed it.
        reason: what that person said.
        found: what the test run, or the verification, showed.
    """

    operation: str
    by: str | None
    reason: str | None
    found: str


class _OpenRow(NamedTuple):
    id: str
    rung: int


class _GroundRow(NamedTuple):
    asset: str
    failure_mode: str
    rung: int
    version: str
    source: str
    external_id: str
    event_id: int
    revision: int
    at: datetime
    order_id: str | None


async def lock_lines(connection: AsyncConnection, hold: str) -> None:
    """Takes the lock of the lines of a hold's cases, so that judging opens no case of their faults meanwhile."""
    await connection.execute(_TAKE_LINES, {"key": hold})


async def open_rework(connection: AsyncConnection, case: str, shown: ReworkGround, entry: ledger.Entry) -> str:
    """The case that answers for the rework of another one: opened on the verdict that the other one rests on, or the
    case of the same fault that is open already, raised to that verdict where it asks for no order.

    Args:
        case: the case whose work did not help.
        shown: why it did not.

    Raises:
        ActionRequired: a case is not as in the record.
        ActRejected: the open case of the fault was called off.
    """
    recorded = await recorded_case(connection, case, shown.operation)
    ground = _GroundRow._make((await connection.execute(_CASE, {"case": case})).one())
    there = (await connection.execute(_OPEN, {"case": case})).one_or_none()
    if there is None:
        new = await _free_id(connection, ground)
        values = {"id": new, "event": ground.event_id, "now": entry.at, "at": ground.at, "case": case}
        await connection.execute(_ADD_CASE, {**values, "phase": Phase.PROPOSE.value})
        fault: dict[str, object] = {"asset": ground.asset, "failure_mode": ground.failure_mode}
        await _rest_on(connection, recorded, ground, new, "opened", entry, fault)
    else:
        new, rung = _OpenRow._make(there)
        said = (await recorded_case(connection, new, shown.operation)).said
        if said.called_off is not None:
            raise ActRejected(
                f"case {new} of the same fault was called off, and is not closed yet: {said.called_off}",
                field="hold",
                fix="try again in a minute; stop the machine in the MES if it must stand still now",
            )
        if rung < ground.rung:
            await connection.execute(_RAISE, {"id": new, "case": case})
            await _rest_on(connection, recorded, ground, new, "raised", entry)
    rework = Rework(case=case, order=ground.order_id, by=shown.by, reason=shown.reason, found=shown.found, at=entry.at)
    await connection.execute(_KEEP, {"id": new, "rework": canonical(rework).decode()})
    entry.add(ledger.act("case-reworks", case_workflow_id(new), ACTOR, entry.at, {"rework": rework}))
    return new


async def _rest_on(
    connection: AsyncConnection,
    recorded: RecordedCase,
    ground: _GroundRow,
    new: str,
    how: str,
    entry: ledger.Entry,
    fault: Mapping[str, object] | None = None,
) -> None:
    """Records that a case rests on the verdict of the case whose rework it is."""
    evidence = {"id": new, "event": ground.event_id, "revision": ground.revision, "rung": ground.rung, "at": ground.at}
    await connection.execute(_ADD_EVIDENCE, {**evidence, "how": how})
    detail = {"event": [ground.source, ground.external_id], "rung": Rung(ground.rung).word, "rework_of": recorded.case}
    act = ledger.act(f"case-{how}", case_workflow_id(new), recorded.version[:12], entry.at, {**detail, **(fault or {})})
    entry.add(act)


async def _free_id(connection: AsyncConnection, ground: _GroundRow) -> str:
    attempt = 1
    fault = (ground.asset, ground.failure_mode, ground.source, ground.external_id)
    while await connection.scalar(_IS_TAKEN, {"id": case_id(*fault, attempt)}):
        attempt += 1
    return case_id(*fault, attempt)
