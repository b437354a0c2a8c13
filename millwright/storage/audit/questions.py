"""What an auditor asks of the record, each from one snapshot; every answer carries its place in the ledger."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from domain.engines import TOOK_OVER
from domain.errors import ActRejected
from domain.processes import SETTINGS_TAKEN
from millwright.storage.audit.record import Record
from millwright.storage.audit.record_rows import ActRow, CaseIdRow, LedgerRow, VersionRow

_ACT = "SELECT id, ledger_seq, leaf, kind, subject, actor, at, body, digest FROM acts"
_ON = f"{_ACT} WHERE subject = ANY(%s) ORDER BY ledger_seq, leaf"
_OF_KINDS = f"{_ACT} WHERE kind = ANY(%s) AND at >= %s AND at < %s ORDER BY ledger_seq, leaf"
# What happens to cases, events and orders is the work, and what is shelved has a question of its own; everything else
# changes how the work is done.
_CHANGES = f"""
{_ACT} WHERE at >= %s AND at < %s AND split_part(subject, '/', 1) NOT IN ('case', 'event', 'order', 'suppression')
ORDER BY ledger_seq, leaf
"""
_ENGINE = f"{_ACT} WHERE kind = '{TOOK_OVER}' AND ledger_seq <= %s ORDER BY ledger_seq DESC, leaf DESC LIMIT 1"
_SETTINGS = f"""
{_ACT} WHERE subject = %s AND kind = '{SETTINGS_TAKEN}' AND ledger_seq <= %s AND at <= %s
ORDER BY ledger_seq DESC, leaf DESC LIMIT 1
"""
_LAST_ROW = 2**63 - 1
_SUPPRESSIONS = f"""
{_ACT} WHERE at >= %s AND at < %s AND (
    kind IN ('action-stopped', 'action-stop-lifted', 'event-quarantined', 'event-unmapped', 'event-redriven',
             'event-corrected', 'policies-frozen', 'policies-thawed')
    OR kind LIKE '%%shelv%%' OR kind LIKE '%%suppress%%' OR kind LIKE '%%window%%'
    OR (kind IN ('case-awaits-release', 'case-closed') AND body::json -> 'detail' ->> 'how' <> 'done'
        AND NOT (kind = 'case-closed' AND EXISTS (
            SELECT FROM acts e WHERE e.subject = acts.subject AND e.kind = 'case-awaits-release')))
    OR (kind = 'case-decided' AND (body::json -> 'detail' ->> 'approved') = 'false')
) ORDER BY ledger_seq, leaf
"""
_PASSED_OVER = """
SELECT v.id, v.at, v.asset, v.failure_mode, v.body::json ->> 'rule', v.rung, v.ledger_seq, v.leaf, v.digest,
       e.source || '|' || e.external_id, p.policy || ' ' || p.version
FROM verdicts v JOIN events e ON e.id = v.event_id JOIN policy_versions p ON p.digest = v.version
WHERE v.role = 'active' AND v.at >= %s AND v.at < %s AND (v.memory = '' OR v.body::json ->> 'rule' = ANY(%s))
ORDER BY v.ledger_seq, v.leaf
"""
_DECIDED_BY = """
SELECT v.id, v.at, v.asset, v.failure_mode, v.body::json ->> 'rule', v.rung, v.ledger_seq, v.leaf, v.digest,
       e.source || '|' || e.external_id, v.role
FROM verdicts v JOIN events e ON e.id = v.event_id WHERE v.version = %s AND v.at >= %s AND v.at < %s
ORDER BY v.ledger_seq, v.leaf
"""
# A case belongs to the versions that opened or raised it.
_CASES_BY = """
SELECT DISTINCT c.id FROM evidence d JOIN cases c ON c.id = d.case_id
JOIN verdicts v ON v.event_id = d.event_id AND v.revision = d.revision AND v.role = 'active'
WHERE d.how IN ('opened', 'raised') AND v.version = %s AND v.at >= %s AND v.at < %s ORDER BY 1
"""
_LEDGER = (
    "SELECT l.seq, l.at, l.leaves, l.root, l.previous, l.hash, a.attestation FROM ledger l "
    "LEFT JOIN attestations a ON a.ledger_seq = l.seq WHERE l.seq = ANY(%s) ORDER BY l.seq"
)
_EVER = (datetime.fromisoformat("0001-01-01T00:00:00Z"), datetime.fromisoformat("9999-12-31T00:00:00Z"))


class Judgement(NamedTuple):
    """A verdict as a list shows it; `by` is the role of its version, or the version's name."""

    id: int
    at: datetime
    asset: str
    failure_mode: str
    rule: str
    rung: int
    ledger_seq: int
    leaf: int
    digest: str
    event: str
    by: str


async def acts_on(record: Record, subjects: Sequence[str]) -> list[ActRow]:
    """Every act on these subjects, oldest first."""
    return await record.rows(_ON, ActRow._make, list(subjects))


async def acts_of_kinds(
    record: Record, kinds: Sequence[str], since: datetime | None = None, until: datetime | None = None
) -> list[ActRow]:
    """Every act of these kinds in a time, oldest first."""
    return await record.rows(_OF_KINDS, ActRow._make, list(kinds), since or _EVER[0], until or _EVER[1])


async def changes_between(record: Record, since: datetime, until: datetime) -> list[ActRow]:
    """Every act that is not part of the work on a case, an event or an order."""
    return await record.rows(_CHANGES, ActRow._make, since, until)


async def suppressions_between(record: Record, since: datetime, until: datetime) -> list[ActRow]:
    """Acts by which something was kept from being done, or given up: a case once, though its machine is held on."""
    return await record.rows(_SUPPRESSIONS, ActRow._make, since, until)


async def passed_over(record: Record, since: datetime, until: datetime, guards: Sequence[str]) -> list[Judgement]:
    """Acting verdicts that moved nothing: too late for the policy, or decided by one of its guards."""
    return await record.rows(_PASSED_OVER, Judgement._make, since, until, list(guards))


async def judged_by(
    record: Record, digest: str, since: datetime | None = None, until: datetime | None = None
) -> list[Judgement]:
    """Every verdict of a version on events of a time."""
    return await record.rows(_DECIDED_BY, Judgement._make, digest, since or _EVER[0], until or _EVER[1])


async def cases_of_version(
    record: Record, digest: str, since: datetime | None = None, until: datetime | None = None
) -> list[str]:
    """The cases that a version's verdicts opened or raised."""
    rows = await record.rows(_CASES_BY, CaseIdRow._make, digest, since or _EVER[0], until or _EVER[1])
    return [row.case for row in rows]


async def engine_before(record: Record, seq: int) -> ActRow | None:
    """The act by which the engine took over that gave the verdicts of a ledger row."""
    found = await record.rows(_ENGINE, ActRow._make, seq)
    return found[0] if found else None


async def settings_taken(
    record: Record, subject: str, seq: int | None = None, at: datetime | None = None
) -> ActRow | None:
    """The newest act by which processes of a kind took settings, up to a ledger row or an instant.

    Args:
        subject: that of the kind of process.
    """
    values = (subject, _LAST_ROW if seq is None else seq, at or _EVER[1])
    found = await record.rows(_SETTINGS, ActRow._make, *values)
    return found[0] if found else None


async def ledger_rows(record: Record, numbers: Sequence[int]) -> list[LedgerRow]:
    """Rows of the ledger, in order."""
    return await record.rows(_LEDGER, LedgerRow._make, sorted(set(numbers)))


async def version_named(record: Record, name: str) -> VersionRow:
    """The version with a number, `policy@number`, or whose digest begins so.

    Raises:
        ActRejected: there is none, or more than one.
    """
    stored = await record.versions()
    found = [
        version
        for version in stored
        if name in (version.version, f"{version.policy}@{version.version}", f"{version.policy} {version.version}")
    ]
    found = found or [version for version in stored if name and version.digest.startswith(name)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{version.policy}@{version.version}" for version in stored) or "none"
    problem = f"no version {name} is stored" if not found else f"{name} could be several versions"
    raise ActRejected(problem, field="version", fix=f"there are {known}")
