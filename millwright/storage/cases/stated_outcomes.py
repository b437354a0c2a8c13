"""A person's statement of an outcome that the failure codes do not say."""

from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import ActRejected, Rejected
from domain.iso14224 import Iso14224Finding
from domain.keys import case_workflow_id
from domain.outcomes import CodeSuggestion, Outcome, OutcomeClass, OutcomeStatement
from domain.work_orders import CompletionReport, ReportedCode, WorkOrderRecord
from millwright.storage.cases.recorded_tables import RecordedTables, recorded_tables
from millwright.storage.database.case_tables import cases, outcomes, work_orders
from millwright.storage.ledger import ledger
from millwright.storage.scheduling import due


class _OutcomeRow(NamedTuple):
    body: object


async def state_outcome(
    connection: AsyncConnection,
    case: str,
    outcome: OutcomeClass,
    statement: OutcomeStatement,
    suggestion: str | None,
    entry: ledger.Entry,
) -> OutcomeStatement:
    """Stores a person's word on an outcome that is UNKNOWN, and wakes the case; gives the statement that stands.

    Another statement of the same class changes nothing: the first one stands.

    Args:
        suggestion: the name of the suggested code that the person takes; None if none. It says what was found in
            ISO 14224 if the codes on the order do not.

    Raises:
        Rejected: the class is no last word on completed work.
        ActRejected: there is no such case, its work is not completed, or its outcome is known already.
    """
    if not outcome.final:
        raise Rejected(
            f"{outcome} is not what completed work found",
            field="outcome",
            fix=f"one of: {', '.join(known for known in OutcomeClass if known.final)}",
        )
    # In one order with the closing of the case: the statement is seen by it, or keeps the case due after it.
    known = await connection.execute(select(cases.c.id).where(cases.c.id == case).with_for_update())
    if known.one_or_none() is None:
        raise ActRejected(f"there is no case {case}", field="case", fix="see `case list`")
    order = await _order(connection, case)
    found = await _outcome(connection, case)
    if found is not None and found.stated is not None and found.outcome is outcome:
        return found.stated
    known_so_far = _checked(case, order, found)
    values: dict[str, object] = {"outcome": outcome}
    if suggestion is not None and order is not None:
        taken, meaning = await _suggested(connection, order, suggestion)
        statement = statement.model_copy(update={"suggestion": taken})
        values["iso14224"] = known_so_far.iso14224 or meaning
    stated = known_so_far.model_copy(update={**values, "stated": statement})
    await connection.execute(
        update(outcomes)
        .where(outcomes.c.case_id == case)
        .values(outcome=outcome.value, body=stated.model_dump(mode="json"), twin_etag=None, twin_write=None)
    )
    entry.add(ledger.act("outcome-stated", case_workflow_id(case), statement.by, entry.at, {"outcome": stated}))
    await due.wake(connection, [case_workflow_id(case)], entry.at)
    return statement


class UnknownOutcome(NamedTuple):
    """The outcome of a closed case that nobody could read yet, with the codes as the order has them now."""

    case: str
    failure_mode: str
    system: str
    report: CompletionReport


class _UnknownRow(NamedTuple):
    case: str
    failure_mode: str
    system: str
    record: object

    @property
    def read(self) -> UnknownOutcome:
        order = WorkOrderRecord.model_validate(self.record)
        return UnknownOutcome(self.case, self.failure_mode, self.system, order.report or CompletionReport())


async def unknown_outcomes(connection: AsyncConnection) -> list[UnknownOutcome]:
    """The outcomes of closed cases whose codes nobody could read yet."""
    found = await connection.execute(
        select(cases.c.id, cases.c.failure_mode, work_orders.c.system, work_orders.c.record)
        .select_from(outcomes)
        .join(cases, cases.c.id == outcomes.c.case_id)
        .join(work_orders, work_orders.c.case_id == outcomes.c.case_id)
        .where(outcomes.c.outcome == OutcomeClass.UNKNOWN.value, cases.c.closed_at.is_not(None))
        .order_by(outcomes.c.case_id)
    )
    return [_UnknownRow._make(row).read for row in found]


async def suggestions_for(
    connection: AsyncConnection, order: WorkOrderRecord | None, outcome: OutcomeClass | None
) -> tuple[CodeSuggestion, ...]:
    """The codes that the notes on an order may mean, where nobody can read what its work found; else none."""
    if order is None or outcome is not OutcomeClass.UNKNOWN:
        return ()
    tables = (await recorded_tables(connection)).get(order.ref.system, RecordedTables())
    return _suggestions(order, tables)


def _suggestions(order: WorkOrderRecord, tables: RecordedTables) -> tuple[CodeSuggestion, ...]:
    # Every process has the stores, and few compare texts.
    from domain.code_suggestions import suggest

    return suggest(order.report.notes if order.report else (), tables.descriptions)


async def _suggested(
    connection: AsyncConnection, order: WorkOrderRecord, name: str
) -> tuple[CodeSuggestion, Iso14224Finding | None]:
    """A suggested code by its name, with what it means in ISO 14224.

    Raises:
        Rejected: the notes do not suggest it.
    """
    tables = (await recorded_tables(connection)).get(order.ref.system, RecordedTables())
    suggested = {each.name: each for each in _suggestions(order, tables)}
    if name not in suggested:
        raise Rejected(
            f"the notes on order {order.ref.id} do not suggest {name}",
            field="suggestion",
            fix=f"one of: {', '.join(suggested)}" if suggested else "leave it out: the notes suggest no code",
        )
    taken = suggested[name]
    group, _, code = taken.code.rpartition("/")
    chosen = ReportedCode(role=taken.role, group=group or None, code=code)
    return taken, tables.iso14224.meaning(chosen)


async def _order(connection: AsyncConnection, case: str) -> WorkOrderRecord | None:
    record = await connection.scalar(select(work_orders.c.record).where(work_orders.c.case_id == case))
    return None if record is None else WorkOrderRecord.model_validate(record)


async def _outcome(connection: AsyncConnection, case: str) -> Outcome | None:
    # Its codes may become known in another transaction at this moment.
    row = (
        await connection.execute(select(outcomes.c.body).where(outcomes.c.case_id == case).with_for_update())
    ).one_or_none()
    return None if row is None else Outcome.model_validate(_OutcomeRow._make(row).body)


def _checked(case: str, order: WorkOrderRecord | None, found: Outcome | None) -> Outcome:
    """The outcome, if a person may state it.

    Raises:
        ActRejected: the work is not completed, or the outcome is known already.
    """
    if found is not None and found.stated is not None:
        by, at = found.stated.by, found.stated.at
        raise ActRejected(
            f"{by} stated {found.outcome} for {case} on {at:%Y-%m-%d %H:%M} UTC",
            field="outcome",
            fix="a stated outcome is not changed",
        )
    if order is None or not order.status.finished:
        raise ActRejected(
            f"the work of case {case} is not finished", field="case", fix="complete its order in the CMMS first"
        )
    if order.status.not_done or (found is not None and found.cancelled):
        raise ActRejected(
            f"order {order.ref.id} of case {case} was not carried out",
            field="case",
            fix="only completed work has an outcome to state",
        )
    if found is None:
        raise ActRejected(
            f"the completion of order {order.ref.id} is not recorded yet", field="case", fix="try again in a moment"
        )
    if found.outcome is not OutcomeClass.UNKNOWN:
        raise ActRejected(
            f"the codes of order {order.ref.id} already say {found.outcome}",
            field="outcome",
            fix="only an outcome that is unknown is stated",
        )
    return found
