"""What CMMS told of their orders, as it is stored."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import NamedTuple

from domain.canonical import Json
from domain.work_orders import WorkOrderRecord
from millwright.storage.audit.case_record import told_as
from millwright.storage.audit.record import Record

_CHANGES = """
SELECT system, external_id, status, changed_at, case_id, record, received_at FROM changes
ORDER BY system, external_id, received_at
"""
_UNMATCHED = """
SELECT a.actor, substr(a.subject, 7) FROM acts a WHERE a.kind = 'order-unmatched'
EXCEPT SELECT system, external_id FROM changes
"""


class ChangeFile(NamedTuple):
    """What a CMMS told of an order. `record` is in the form in which acts tell of it."""

    system: str
    external_id: str
    status: str
    changed_at: datetime
    case: str | None
    record: Json
    received_at: datetime

    @property
    def subject(self) -> str:
        """The subject of the act that records it."""
        return f"order/{self.external_id}" if self.case is None else f"case/{self.case}"


class LostChange(NamedTuple):
    """An order that no case has, and whose row is gone."""

    system: str
    external_id: str


async def change_files(record: Record) -> AsyncIterator[list[ChangeFile]]:
    """Every change, in pages."""
    async for page in record.pages(_CHANGES, ChangeFile._make):
        yield [change._replace(record=told_as(WorkOrderRecord, change.record)) for change in page]


async def lost_changes(record: Record) -> list[LostChange]:
    """The recorded orders without a case whose rows are gone."""
    return await record.rows(_UNMATCHED, LostChange._make)
