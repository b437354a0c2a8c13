"""Compares the releases without a person with the versions that allow them; see `offline_releases`."""

from typing import NamedTuple

from millwright.audit.approvals import acts_by_subject, version_files
from millwright.audit.offline_people import person_id
from millwright.audit.offline_releases import release_findings, unattended_versions
from millwright.audit.offline_signatures import Row, guarded
from millwright.audit.report import Findings
from millwright.storage.audit.person_record import person_files
from millwright.storage.audit.record import Record

_RELEASED = """
SELECT DISTINCT o.subject FROM acts a JOIN hold_claims c ON c.hold_key = a.body::json -> 'detail' ->> 'hold'
JOIN acts o ON o.subject = 'case/' || c.case_id WHERE a.kind = 'hold-releasing' AND a.actor = 'millwright'
UNION SELECT subject FROM acts WHERE kind = 'hold-releasing' AND actor = 'millwright'
"""
_JUDGED = """
SELECT v.version, v.asset, v.failure_mode, x.body::json ->> 'machine', min(v.body::json ->> 'judged_at')
FROM verdicts v JOIN contexts x ON x.digest = v.body::json ->> 'context'
WHERE v.role = 'active' AND (v.asset, v.failure_mode) IN (SELECT c.asset, c.failure_mode FROM cases c
    WHERE 'case/' || c.id = ANY(%s)) GROUP BY 1, 2, 3, 4
"""


class _SubjectRow(NamedTuple):
    subject: str


class _JudgedRow(NamedTuple):
    version: str
    asset: str
    failure_mode: str
    machine: str
    first: str


async def check_releases(record: Record, findings: Findings) -> None:
    """Names each release without a person that no version allowed, or whose work was not done."""
    subjects = [row.subject for row in await record.rows(_RELEASED, _SubjectRow._make)]
    if not subjects:
        return
    people: dict[str, Row] = {person_id(person): person for person in await person_files(record)}
    versions = unattended_versions(await version_files(record), people)
    judged = {
        (row.version, row.asset, row.failure_mode, row.machine): row.first
        for row in await record.rows(_JUDGED, _JudgedRow._make, subjects)
    }
    acts = await acts_by_subject(record, subjects)
    findings.extend(guarded("holds", release_findings(acts.values(), versions, judged)))
