"""Compares returns to normal, and the verification of work, with the versions and the verdicts; see `offline_normals`
and `offline_test_runs.ProofReadings`."""

from millwright.audit.approvals import acts_by_subject, version_files
from millwright.audit.offline_normals import normal_clauses, normal_findings
from millwright.audit.offline_signatures import guarded
from millwright.audit.offline_test_runs import ProofReadings
from millwright.audit.release_check import note_readings
from millwright.audit.report import Findings
from millwright.storage.audit.record import Record
from millwright.storage.audit.record_rows import SubjectRow

_TOLD = """
SELECT DISTINCT subject FROM acts
WHERE kind IN ('fault-normal', 'work-verified', 'work-not-verified', 'work-did-not-help', 'case-reworks')
"""


async def check_normals(record: Record, findings: Findings) -> None:
    """Names each return to normal and each verification that no version asks for in this way, each proof that the
    verdicts do not give, and each rework that nothing asked for."""
    subjects = [row.subject for row in await record.rows(_TOLD, SubjectRow._make)]
    if not subjects:
        return
    acts = await acts_by_subject(record, subjects)
    findings.extend(guarded("cases", normal_findings(acts.values(), normal_clauses(await version_files(record)))))
    proofs = ProofReadings([act for act in own if act.get("kind") != "hold-released"] for own in acts.values())
    await note_readings(record, proofs, findings)
    findings.extend(guarded("cases", proofs.findings()))
