"""A person's correction of a draft that the CMMS refused."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import orjson
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.assets import CMMS_SYSTEM, system_of
from domain.cases import Decision
from domain.corrections import (
    AssetName,
    CorrectedField,
    CorrectedValue,
    DraftChange,
    DraftCorrection,
    corrected,
    value_of,
)
from domain.errors import ActRejected
from domain.keys import case_workflow_id
from domain.model import Model, Moment
from domain.work_orders import WorkOrderDraft
from millwright.storage.database.case_tables import cases, work_orders
from millwright.storage.database.ledger_tables import acts
from millwright.storage.database.tables import crosswalk
from millwright.storage.ledger import ledger
from millwright.storage.scheduling import due

CREATING_STEP: Final = "ensure-order"


class Correcting(Model):
    """What a person wants corrected, by field, and why.

    `asset_name` has no value of its own: it is taken from the crosswalk.
    """

    values: dict[CorrectedField, str | int | None]
    by: str
    reason: str
    at: Moment


class _CaseRow(NamedTuple):
    asset: str
    closed_as: str | None
    waiting_step: str | None
    decision: object
    withdraw: str | None

    @property
    def called_off(self) -> str | None:
        """Why no work is wanted any more, as `activities.progress.called_off` has it."""
        if self.decision is not None:
            decision = Decision.model_validate(self.decision)
            return None if decision.approved else decision.reason
        return self.withdraw


class _OrderRow(NamedTuple):
    system: str
    draft: object
    record: object
    corrections: list[object] | None


class _NameRow(NamedTuple):
    system: str
    external_id: str
    attributes: dict[str, str]


async def correct_draft(
    connection: AsyncConnection, case: str, asked: Correcting, entry: ledger.Entry
) -> DraftCorrection:
    """Stores a correction of the draft and makes the case due, which tries again then; returns the correction that
    stands.

    The first draft stays as it is. The same correction again by the same person changes nothing.

    Raises:
        ActRejected: there is no such case, its draft was not refused or is not wanted any more, nothing would change,
            or the asset has no name in the crosswalk.
    """
    known = select(cases.c.asset, cases.c.closed_as, cases.c.waiting_step, cases.c.decision, cases.c.withdraw)
    row = (await connection.execute(known.where(cases.c.id == case).with_for_update())).one_or_none()
    if row is None:
        raise ActRejected(f"there is no case {case}", field="case", fix="see `case list`")
    found = _CaseRow._make(row)
    kept = select(work_orders.c.system, work_orders.c.draft, work_orders.c.record, work_orders.c.corrections)
    placed = (await connection.execute(kept.where(work_orders.c.case_id == case).with_for_update())).one_or_none()
    refused = found.waiting_step == CREATING_STEP and await _draft_refused(connection, case)
    order = _order_of(case, found, None if placed is None else _OrderRow._make(placed), refused=refused)
    earlier = [DraftCorrection.model_validate(each) for each in order.corrections or ()]
    draft = corrected(WorkOrderDraft.model_validate(order.draft), earlier)
    wanted: dict[CorrectedField, CorrectedValue] = dict(asked.values)
    if CorrectedField.ASSET_NAME in wanted:
        wanted[CorrectedField.ASSET_NAME] = await _mapped(connection, found.asset, order.system)
    changes = tuple(
        DraftChange(field=field, before=value_of(draft, field), after=value)
        for field, value in wanted.items()
        if value != value_of(draft, field)
    )
    if not changes:
        if earlier and earlier[-1].by == asked.by and {change.field for change in earlier[-1].changes} <= set(wanted):
            return earlier[-1]
        raise ActRejected(f"the draft of {case} has these values already", field="changes", fix="see `case show`")
    correction = DraftCorrection(changes=changes, by=asked.by, reason=asked.reason, at=asked.at)
    stored = [each.model_dump(mode="json") for each in (*earlier, correction)]
    # The number is not known where an earlier build sent the draft with corrections: they count as sent.
    sent = func.coalesce(work_orders.c.corrections_sent, len(earlier))
    values = {"corrections": stored, "corrections_sent": sent}
    await connection.execute(update(work_orders).where(work_orders.c.case_id == case).values(values))
    entry.add(ledger.act("order-corrected", case_workflow_id(case), asked.by, entry.at, {"correction": correction}))
    await due.wake(connection, [case_workflow_id(case)], entry.at)
    return correction


async def _draft_refused(connection: AsyncConnection, case: str) -> bool:
    """Whether the last wait that was recorded is for a refusal of the draft. Earlier builds did not record that."""
    waits = select(acts.c.body).where(acts.c.subject == case_workflow_id(case), acts.c.kind == "case-waits")
    newest: str | None = (await connection.execute(waits.order_by(acts.c.id.desc()).limit(1))).scalar_one_or_none()
    return newest is not None and orjson.loads(newest)["detail"].get("draft_refused") is True


def _order_of(case: str, found: _CaseRow, order: _OrderRow | None, *, refused: bool) -> _OrderRow:
    """The row of an order whose draft the CMMS refused.

    Raises:
        ActRejected: there is none: the case has no draft, the order is in the CMMS, the work was called off, or the
            draft waits for anything else, such as an answer.
    """
    if found.closed_as is not None:
        raise ActRejected(f"case {case} is closed as {found.closed_as}", field="case")
    if order is None:
        raise ActRejected(
            f"the order of case {case} was not drafted yet",
            field="case",
            fix="a draft is corrected once it was refused",
        )
    if order.record is not None:
        raise ActRejected(f"the order of case {case} is in {order.system} already", field="case", fix="change it there")
    if found.called_off is not None:
        raise ActRejected(f"the work of case {case} was called off: {found.called_off}", field="case")
    if not refused:
        raise ActRejected(
            f"{order.system} has not refused the draft of case {case}, or not at the last attempt",
            field="case",
            fix="see `case show`; `case retry` has it tried again",
        )
    return order


async def _mapped(connection: AsyncConnection, asset: str, system: str) -> AssetName:
    """The name of an asset in a CMMS by the crosswalk now: the one for this instance, else that of its kind.

    Raises:
        ActRejected: it has none.
    """
    own = system_of(CMMS_SYSTEM, system)
    names = await connection.execute(
        select(crosswalk.c.system, crosswalk.c.external_id, crosswalk.c.attributes).where(
            crosswalk.c.asset == asset, crosswalk.c.system.in_([own, CMMS_SYSTEM]), crosswalk.c.valid_to.is_(None)
        )
    )
    there: Mapping[str, _NameRow] = {row.system: row for row in map(_NameRow._make, names)}
    name = there.get(own) or there.get(CMMS_SYSTEM)
    if name is None:
        raise ActRejected(f"{asset} has no name in {system}", field="asset_name", fix="add it with `assets map`")
    return AssetName(external_id=name.external_id, attributes=name.attributes)
