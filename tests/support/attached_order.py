"""An order of a person as the order of a case, written by the product's own store."""

from datetime import datetime

from domain.attaching import OrderAttachment
from domain.cases import CaseView
from domain.open_work import OpenOrder, OpenWorkSeen
from domain.work_orders import (
    FindingRole,
    ReportedCode,
    Touched,
    WorkOrderDraft,
    WorkOrderRecord,
    WorkOrderRef,
    WorkOrderStatus,
)
from millwright.storage.cases.case_store import CaseStore
from tests.support.cmms import NOTHING_OPEN

SYSTEM = "maximo"
CODES = (ReportedCode(role=FindingRole.PROBLEM, group="ROTATE", code="BEARING"),)


def theirs(view: CaseView, number: str, at: datetime, codes: tuple[ReportedCode, ...] = CODES) -> WorkOrderRecord:
    """An open order of a person on the asset of a case."""
    return WorkOrderRecord(
        ref=WorkOrderRef(system=SYSTEM, id=number, locator=f"os/{number}", key=""),
        status=WorkOrderStatus.APPROVED,
        vendor_status="APPR",
        changed_at=at,
        touched=Touched.YES,
        asset_external_id=view.cmms_asset,
        codes=codes,
    )


def draft_for(view: CaseView, asset_external_id: str) -> WorkOrderDraft:
    """The draft of the order that a case asks for."""
    return WorkOrderDraft(
        key=view.id,
        asset=view.asset.id,
        asset_attributes=view.cmms_attributes,
        asset_external_id=asset_external_id,
        summary="The signal has shifted.",
        paragraphs=(f"Millwright {view.id}", "Seen by two."),
        failure_mode=view.failure_mode,
        priority=view.verdict.priority,
        released=False,
        reported_at=view.opened_at,
    )


async def attach(
    cases: CaseStore, case: str, number: str, at: datetime, status: WorkOrderStatus = WorkOrderStatus.APPROVED
) -> bool:
    """Whether the order of a person with this number is attached to a case, whose code names its failure mode."""
    view, _ = await cases.view(case)
    record = theirs(view, number, at).model_copy(update={"status": status})
    seen = OpenWorkSeen(
        at=at,
        since=NOTHING_OPEN.since,
        orders=(OpenOrder(ref=record.ref, status=record.status, vendor_status="APPR", codes=CODES),),
        count=1,
    )
    attachment = OrderAttachment(record=record, failure_modes={"BEARING": view.failure_mode}, read_at=at)
    return await cases.attach_order(case, SYSTEM, draft_for(view, view.cmms_asset or ""), seen, None, attachment)
