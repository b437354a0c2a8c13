"""Counts the new orders of crews again; see `offline_admissions`."""

from typing import NamedTuple

from millwright.audit.approvals import acts_by_subject, version_files
from millwright.audit.offline_admissions import admission_findings, capacity_clauses
from millwright.audit.offline_signatures import guarded
from millwright.audit.release_check import judged_machines
from millwright.audit.report import Findings
from millwright.storage.audit.record import Record

_ASKED = "SELECT DISTINCT subject FROM acts WHERE kind IN ('order-admitted', 'order-awaits-turn')"
_ORDERED = "SELECT DISTINCT subject FROM acts WHERE kind IN ('order-admitted', 'order-awaits-turn', 'order-intended')"


class _SubjectOfCase(NamedTuple):
    subject: str


async def check_admissions(record: Record, findings: Findings) -> None:
    """Names each new order beyond the bound of its crew, and each figure that the acts do not give."""
    versions = capacity_clauses(await version_files(record))
    # Without a bound, no order had to ask.
    rows = await record.rows(_ORDERED if versions else _ASKED, _SubjectOfCase._make)
    subjects = [row.subject for row in rows]
    if subjects:
        acts = await acts_by_subject(record, subjects)
        judged = await judged_machines(record, subjects) if versions else {}
        findings.extend(guarded("crews", admission_findings(acts.values(), versions, judged)))
