"""Compares what CMMS told of their orders with the acts."""

from domain.canonical import timestamp
from domain.work_orders import WorkOrderRecord
from millwright.audit.approvals import acts_by_subject
from millwright.audit.report import Findings
from millwright.storage.audit.change_files import ChangeFile, change_files, lost_changes
from millwright.storage.audit.record import Record

_KINDS = ("order-placed", "order-changed", "order-unmatched")


async def check_changes(record: Record, findings: Findings) -> None:
    """Names each change that is not as it was recorded, that nothing recorded, or that is gone."""
    async for page in change_files(record):
        acts = await acts_by_subject(record, sorted({change.subject for change in page}))
        for change in page:
            told = [
                act["detail"]["record"]
                for act in acts[change.subject]
                if act["kind"] in _KINDS and (act["actor"], act["at"]) == (change.system, timestamp(change.received_at))
            ]
            if change.record not in told or not _agrees(change):
                where = f"change of order {change.external_id} in {change.system}"
                findings.add("change", where, "is not as recorded")
    for lost in await lost_changes(record):
        findings.add("change", f"change of order {lost.external_id} in {lost.system}", "was recorded, and is gone")


def _agrees(change: ChangeFile) -> bool:
    """Whether the columns beside a record are its own."""
    told = WorkOrderRecord.model_validate(change.record)
    own = (told.ref.id, told.vendor_status, told.changed_at)
    return own == (change.external_id, change.status, change.changed_at)
