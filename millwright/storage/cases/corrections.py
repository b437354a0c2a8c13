"""A person's correction of a draft that the CMMS refused."""

from typing import Final

import orjson
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.cases import CaseView, why_called_off
from domain.corrections import (
    AssetName,
    CorrectedField,
    CorrectedValue,
    DraftChange,
    DraftCorrection,
    value_of,
)
from domain.errors import ActRejected
from domain.keys import case_workflow_id
from domain.model import Model, Moment
from domain.work_orders import WorkOrderDraft
from millwright.storage.cases.case_views import read_case
from millwright.storage.database.case_tables import cases, work_orders
from millwright.storage.database.ledger_tables import acts
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
    for key in (cases.c.id, work_orders.c.case_id):
        await connection.execute(select(key).where(key == case).with_for_update())
    view, _ = await read_case(connection, case)
    draft, system = await _refused_draft(connection, view)
    earlier = view.corrections
    wanted: dict[CorrectedField, CorrectedValue] = dict(asked.values)
    if CorrectedField.ASSET_NAME in wanted:
        wanted[CorrectedField.ASSET_NAME] = _mapped(view, system)
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


async def _refused_draft(connection: AsyncConnection, view: CaseView) -> tuple[WorkOrderDraft, str]:
    """The draft that the CMMS refused, as it would be sent now, and the CMMS instance.

    Raises:
        ActRejected: there is none: the case has no draft, the order is in the CMMS, the work was called off, or the
            draft waits for anything else, such as an answer.
    """
    case, system, draft = view.id, view.cmms_system, view.draft_to_send
    called_off = why_called_off(view.decision, view.withdraw)
    if view.closed_as is not None:
        raise ActRejected(f"case {case} is closed as {view.closed_as}", field="case")
    if draft is None or system is None:
        raise ActRejected(
            f"the order of case {case} was not drafted yet",
            field="case",
            fix="a draft is corrected once it was refused",
        )
    if view.order is not None:
        raise ActRejected(f"the order of case {case} is in {system} already", field="case", fix="change it there")
    if called_off is not None:
        raise ActRejected(f"the work of case {case} was called off: {called_off}", field="case")
    if view.waiting_step != CREATING_STEP or not await _draft_refused(connection, case):
        raise ActRejected(
            f"{system} has not refused the draft of case {case}, or not at the last attempt",
            field="case",
            fix="see `case show`; `case retry` has it tried again",
        )
    return draft, system


def _mapped(view: CaseView, system: str) -> AssetName:
    """The name of the asset in the CMMS by the crosswalk now.

    Raises:
        ActRejected: it has none.
    """
    # Of a retired asset the view has the names that ended with it.
    if view.cmms_asset is None or view.retired_at is not None:
        asset = view.asset.id
        raise ActRejected(f"{asset} has no name in {system}", field="asset_name", fix="add it with `assets map`")
    return AssetName(external_id=view.cmms_asset, attributes=view.cmms_attributes)
