"""Checks the stored policy versions and the people who signed them against their acts."""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from domain.assigning import Scope
from domain.canonical import canonical, timestamp
from domain.errors import PolicyRejected
from millwright.audit.offline_autonomy import autonomy_findings, autonomy_subject
from millwright.audit.offline_people import people_findings, person_id
from millwright.audit.offline_placing import freeze_windows, placing_findings
from millwright.audit.offline_policies import policy_findings, signing_findings
from millwright.audit.offline_signatures import Row, guarded
from millwright.audit.report import Findings
from millwright.storage.audit.person_record import person_files
from millwright.storage.audit.record import Record
from millwright.storage.audit.record_rows import (
    AssignmentRow,
    DraftRow,
    EndRow,
    EvidenceRow,
    SignatureRow,
)
from policies.engine.catalogue import Catalogue
from policies.language.document import read_document


async def version_files(record: Record) -> list[Row]:
    """Every version with its signatures, assignments, evidence and drafts, in the form that is exported and compared.

    `values` is the canonical text of the digest, None if the document cannot be read.
    """
    signatures, assignments, ends = await record.signatures(), await record.assignments(), await record.ends()
    evidence, drafts = await record.evidence(), await record.drafts()
    acts = {signature.id: signature.act for signature in signatures}
    placed = {assignment.id: assignment for assignment in assignments}
    return [
        {
            "digest": version.digest,
            "policy": version.policy,
            "version": version.version,
            "author": version.author,
            "published_at": timestamp(version.published_at),
            "document": version.document,
            "values": _values(version.document),
            "signatures": [_told(signature) for signature in signatures if signature.digest == version.digest],
            "assignments": [
                {**_told(assignment), "act": acts.get(assignment.signature_id)}
                for assignment in assignments
                if assignment.digest == version.digest
            ],
            "ends": [
                {**_told(end), "scope": _scope(placed[end.assignment]), "role": placed[end.assignment].role}
                for end in ends
                if end.digest == version.digest
            ],
            "evidence": [_told(evidence_row) for evidence_row in evidence if evidence_row.digest == version.digest],
            "drafts": [
                _told(draft) for draft in drafts if (draft.policy, draft.version) == (version.policy, version.version)
            ],
        }
        for version in await record.versions()
    ]


_NAMES = {"effective_from": "from", "effective_to": "to", "signature_id": "signed", "author": "by"}


def _told(row: SignatureRow | AssignmentRow | EndRow | EvidenceRow | DraftRow) -> Row:
    """A row under the names that acts use, with its times as text."""
    told: Row = {_NAMES.get(name, name): _stamped(value) for name, value in row._asdict().items()}
    if isinstance(row, AssignmentRow):
        told |= {"assignment": row.id, "scope": _scope(row)}
    return told


def _stamped(value: object) -> object:
    return timestamp(value) if isinstance(value, datetime) else value


def _scope(row: AssignmentRow) -> str:
    return Scope(line=row.line, site=row.site, asset_class=row.asset_class, percent=row.percent).words


async def acts_by_subject(record: Record, subjects: Sequence[str]) -> dict[str, list[Row]]:
    """The bodies of the acts on each subject, oldest first. An unreadable body is left out; its digest shows the
    change."""
    found: dict[str, list[Row]] = {subject: [] for subject in subjects}
    for number, (subject, body) in enumerate(await record.acts_of(subjects)):
        try:
            told: object = json.loads(body)
        except ValueError:
            continue
        if isinstance(told, dict):
            found[subject].append({**told, "number": number})
    return found


async def check_versions(record: Record, findings: Findings, catalogue: Catalogue) -> frozenset[str]:
    """Checks people and versions.

    Args:
        catalogue: gets the versions that are as they were published.

    Returns:
        Their digests.
    """
    people: list[Row] = [*await person_files(record)]
    told = await acts_by_subject(record, sorted(await record.subjects("person")))
    findings.extend(guarded("people", people_findings(people, told)))
    sound: set[str] = set()
    files = await version_files(record)
    acts = await acts_by_subject(
        record, [subject for person_or_version in files for subject in _subjects(person_or_version)]
    )
    windows = freeze_windows(await acts_by_subject(record, sorted(await record.subjects("freeze"))))
    by_id = {person_id(person): person for person in people}
    for version, file in zip(await record.versions(), files, strict=True):
        where = f"policy {version.policy} {version.version}"
        own, drafts = (acts[subject] for subject in _subjects(file))
        findings.extend(guarded(where, policy_findings(file, own, drafts)))
        findings.extend(guarded(where, placing_findings(file, files, own, windows)))
        findings.extend(
            finding
            for finding in guarded(where, signing_findings(file, files, by_id))
            # Compiling it below checks whether the text is the published one.
            if finding.kind != "policy-document"
        )
        try:
            catalogue.load(version.document, version.digest, file=where)
        except PolicyRejected as error:
            findings.add("policy-document", where, str(error))
        else:
            sound.add(version.digest)
    return frozenset(sound)


async def autonomy_files(record: Record) -> list[Row]:
    """Every move of autonomy, in the form that is exported and compared with its acts."""
    return [{name: _stamped(value) for name, value in row._asdict().items()} for row in await record.autonomy()]


async def check_autonomy(record: Record, findings: Findings) -> None:
    """Checks which orders are released without review, and who approved that."""
    people: dict[str, Row] = {str(person["id"]): person for person in await person_files(record)}
    moves: dict[str, list[Row]] = {subject: [] for subject in await record.subjects("autonomy")}
    for row in await autonomy_files(record):
        moves.setdefault(autonomy_subject(row), []).append(row)
    acts = await acts_by_subject(record, sorted(moves))
    for subject, rows in sorted(moves.items()):
        where = subject.replace("/", " ")
        findings.extend(guarded(where, autonomy_findings(subject, rows, acts[subject], people)))


def _subjects(file: Row) -> tuple[str, str]:
    """The subjects of the acts on a version and on its drafts."""
    return f"policy/{file['digest']}", f"draft/{file['policy']}/{file['version']}"


@lru_cache(maxsize=64)
def _values(document: str) -> str | None:
    try:
        _, source = read_document(document, "the stored document")
    except PolicyRejected:
        return None
    return canonical(source.data).decode()
