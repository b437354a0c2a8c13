"""Compares what was held without production's word, or released without a person or on test, with the versions; see
`offline_hold_grounds`, `offline_releases` and `offline_test_runs`."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from domain.canonical import timestamp
from millwright.audit.approvals import acts_by_subject, version_files
from millwright.audit.offline_hold_grounds import hold_ground_findings, unasked_versions
from millwright.audit.offline_in_force import asset_place
from millwright.audit.offline_people import person_id
from millwright.audit.offline_releases import JudgedMachine, note_machine, release_findings, unattended_versions
from millwright.audit.offline_signatures import Row, guarded, sha256
from millwright.audit.offline_test_runs import ProofReadings, run_clauses, run_findings
from millwright.audit.report import Findings
from millwright.storage.audit.person_record import person_files
from millwright.storage.audit.record import Record
from millwright.storage.audit.record_rows import SubjectRow

_RELEASED = """
SELECT DISTINCT o.subject FROM acts a JOIN hold_claims c ON c.hold_key = a.body::json -> 'detail' ->> 'hold'
JOIN acts o ON o.subject = 'case/' || c.case_id WHERE a.kind = 'hold-releasing' AND a.actor = 'millwright'
UNION SELECT subject FROM acts WHERE kind = 'hold-releasing' AND actor = 'millwright'
"""
_HELD = "SELECT DISTINCT subject FROM acts WHERE kind = 'hold-intended'"
# A case that joined a hold may be the one whose version asks for its test run.
_CLAIMING = "SELECT DISTINCT subject FROM acts WHERE kind IN ('hold-intended', 'hold-shared', 'hold-passed')"
# Of a case those that opened or raised it: its version is that of the last one.
_JUDGED = """
SELECT v.id, v.asset, v.failure_mode, v.body FROM evidence d
JOIN verdicts v ON (v.event_id, v.revision) = (d.event_id, d.revision)
WHERE 'case/' || d.case_id = ANY(%s) AND d.how IN ('opened', 'raised') AND v.role = 'active'
"""
_READINGS = """
SELECT asset, failure_mode, event_id AS event, at, rung, body FROM verdicts
WHERE role = 'active' AND asset = %s AND failure_mode = %s
"""


class _JudgedRow(NamedTuple):
    id: int
    asset: str
    failure_mode: str
    body: str


class _ReadingRow(NamedTuple):
    asset: str
    failure_mode: str
    event: int
    at: datetime
    rung: int
    body: str


async def check_releases(record: Record, findings: Findings) -> None:
    """Names each release without a person that no version allowed, or whose work was not done."""
    subjects = [row.subject for row in await record.rows(_RELEASED, SubjectRow._make)]
    if subjects:
        versions = unattended_versions(await version_files(record), await _people(record))
        acts = await acts_by_subject(record, subjects)
        findings.extend(
            guarded("holds", release_findings(acts.values(), versions, await judged_machines(record, subjects)))
        )


async def check_hold_grounds(record: Record, findings: Findings) -> None:
    """Names each hold that neither production nor a version let be placed."""
    subjects = [row.subject for row in await record.rows(_HELD, SubjectRow._make)]
    if subjects:
        versions = unasked_versions(await version_files(record), await _people(record))
        acts = await acts_by_subject(record, subjects)
        judged = await judged_machines(record, subjects) if versions else {}
        findings.extend(guarded("holds", hold_ground_findings(acts.values(), versions, judged)))


async def check_test_runs(record: Record, findings: Findings) -> None:
    """Names each test run that no version asks for in this way, and each proof that the verdicts do not give."""
    subjects = [row.subject for row in await record.rows(_CLAIMING, SubjectRow._make)]
    if subjects:
        clauses = run_clauses(await version_files(record))
        acts = await acts_by_subject(record, subjects)
        judged = await judged_machines(record, subjects) if clauses else {}
        findings.extend(guarded("holds", run_findings(acts.values(), clauses, judged)))
        proofs = ProofReadings([act for act in own if act.get("kind") == "hold-released"] for own in acts.values())
        await note_readings(record, proofs, findings)
        findings.extend(guarded("holds", proofs.findings()))


async def note_readings(record: Record, proofs: ProofReadings, findings: Findings) -> None:
    """Notes the verdicts on the faults of some proofs."""
    for asset, mode in proofs.faults:
        for row in await record.rows(_READINGS, _ReadingRow._make, asset, mode):
            findings.extend(proofs.note({**row._asdict(), "at": timestamp(row.at), "role": "active"}))


async def _people(record: Record) -> dict[str, Row]:
    return {person_id(person): person for person in await person_files(record)}


async def judged_machines(record: Record, subjects: Sequence[str]) -> dict[JudgedMachine, str]:
    """When a version first judged the faults of some cases. What cannot be read is named with the verdicts."""
    rows = await record.rows(_JUDGED, _JudgedRow._make, subjects)
    contexts = await record.some_contexts(sorted({digest for row in rows for digest in _context_of(row.body)}))
    stood = {sha256(body): asset_place(body) for body in contexts.values()}
    judged: dict[JudgedMachine, str] = {}
    for row in rows:
        told: Row = {"asset": row.asset, "failure_mode": row.failure_mode, "body": row.body}
        for _ in guarded(f"verdict {row.id}", note_machine(told, stood, judged)):
            pass
    return judged


def _context_of(body: str) -> list[str]:
    """The digest of a verdict's context; none if the verdict cannot be read."""
    try:
        return [str(json.loads(body)["context"])]
    except (ValueError, KeyError, TypeError):
        return []
