"""Who may decide: the stored policy versions, the people who signed them, and what was recorded of both."""

import json
from collections.abc import Sequence

from domain.canonical import canonical, timestamp
from domain.errors import PolicyRejected
from millwright.audit.offline_verify import Finding, Row, guarded, person_findings, policy_findings
from millwright.audit.report import Findings
from millwright.storage.record import (
    AssignmentRow,
    PersonRow,
    Record,
    SignatureRow,
    VersionRow,
)
from millwright.storage.versions import Signature, check_approval
from policies.catalogue import Catalogue
from policies.document import read_document


def version_file(version: VersionRow, signatures: Sequence[SignatureRow], assignments: Sequence[AssignmentRow]) -> Row:
    """A version with all that hangs on it, as it is exported and compared with its acts.

    `values` is the canonical text that the digest was taken of, None where the document cannot be read.
    """
    return {
        "digest": version.digest,
        "policy": version.policy,
        "version": version.version,
        "author": version.author,
        "published_at": timestamp(version.published_at),
        "document": version.document,
        "values": _values(version),
        "signatures": [
            {
                "act": one.act,
                "person": one.person,
                "meaning": one.meaning,
                "at": timestamp(one.at),
                "signature": one.signature,
            }
            for one in signatures
            if one.digest == version.digest
        ],
        "assignments": [
            {
                "role": one.role,
                "line": one.line,
                "from": timestamp(one.effective_from),
                "by": one.assigned_by,
                "reason": one.reason,
            }
            for one in assignments
            if one.digest == version.digest
        ],
    }


async def version_files(record: Record) -> list[Row]:
    """Every version with its signatures and assignments."""
    signatures, assignments = await record.signatures(), await record.assignments()
    return [version_file(version, signatures, assignments) for version in await record.versions()]


async def acts_by_subject(record: Record, subjects: Sequence[str]) -> dict[str, list[Row]]:
    """The bodies of the acts on each subject, oldest first; one that cannot be read is left out, its digest tells."""
    found: dict[str, list[Row]] = {subject: [] for subject in subjects}
    for number, (subject, body) in enumerate(await record.acts_of(subjects)):
        try:
            told: object = json.loads(body)
        except ValueError:
            continue
        if isinstance(told, dict):
            found[subject].append({**told, "number": number})
    return found


async def check_versions(record: Record, findings: Findings) -> tuple[Catalogue, frozenset[str]]:
    """Checks people and versions.

    Returns:
        A catalogue of the versions that are as they were published, and their digests.
    """
    people = await record.people()
    told = await acts_by_subject(record, [f"person/{one.name}" for one in people])
    for person in people:
        where = f"person {person.name}"
        findings.extend(guarded(where, person_findings(person._asdict(), told[f"person/{person.name}"])))
    catalogue = Catalogue()
    sound: set[str] = set()
    signatures = await record.signatures()
    files = await version_files(record)
    acts = await acts_by_subject(record, [f"policy/{one['digest']}" for one in files])
    for version, file in zip(await record.versions(), files, strict=True):
        where = f"policy {version.policy} {version.version}"
        findings.extend(guarded(where, policy_findings(file, acts[f"policy/{version.digest}"])))
        try:
            document = catalogue.load(version.document, version.digest, file=where).document
        except PolicyRejected as error:
            findings.add("policy-document", where, str(error))
        else:
            sound.add(version.digest)
            if (document.policy, document.version, document.author) != (
                version.policy,
                version.version,
                version.author,
            ):
                findings.add("policy-record", where, "calls itself something else than the row it is stored in")
        findings.extend(_approval(version, [one for one in signatures if one.digest == version.digest], people))
    return catalogue, frozenset(sound)


def _approval(version: VersionRow, rows: Sequence[SignatureRow], people: Sequence[PersonRow]) -> list[Finding]:
    where = f"policy {version.policy} {version.version}"
    keys = {person.name: person.public_key for person in people}
    signatures = [
        Signature(row.act, row.person, row.meaning, row.at, row.signature, keys.get(row.person, "")) for row in rows
    ]
    forged = [one for one in signatures if not _holds(one, version.digest)]
    found = [Finding("policy-signature", where, f"the {one.act} signature of {one.person} is forged") for one in forged]
    try:
        check_approval(version.digest, version.author, [one for one in signatures if one not in forged])
    except PolicyRejected as error:
        found.append(Finding("policy-approval", where, str(error)))
    return found


def _holds(signature: Signature, digest: str) -> bool:
    try:
        return signature.holds(digest)
    except ValueError:
        return False  # what is stored as a public key is none


def _values(version: VersionRow) -> str | None:
    try:
        _, source = read_document(version.document, version.version)
    except PolicyRejected:
        return None
    return canonical(source.data).decode()
