"""What belongs to some cases: their events, explanations, and all leaves of the ledger rows that prove them."""

from collections.abc import Sequence
from typing import NamedTuple

from millwright.storage.audit.record import Record
from millwright.storage.audit.record_rows import CaseIdRow, EventIdRow, EventRow

_EVENTS_OF = "SELECT DISTINCT event_id FROM evidence WHERE case_id = ANY(%s) AND how = ANY(%s) ORDER BY 1"
_EVENTS = """
SELECT e.id, e.source, e.external_id, e.natural_key, e.asset, e.failure_mode, e."position", e.at,
       CASE WHEN p.event_id IS NULL THEN e.fate END, e.anomaly::text
FROM events e LEFT JOIN pending p ON p.line = e.line AND p.event_id = e.id
WHERE e.id = ANY(%s) AND e.anomaly IS NOT NULL ORDER BY e.id
"""
_EXPLANATIONS = """
SELECT verdict_id, case_id, body, digest FROM explanations WHERE case_id = ANY(%s) ORDER BY verdict_id
"""
_LEAVES = """
SELECT ledger_seq, digest FROM (
    SELECT ledger_seq, leaf, digest FROM verdicts WHERE ledger_seq = ANY(%s)
    UNION ALL SELECT ledger_seq, leaf, digest FROM acts WHERE ledger_seq = ANY(%s)) l ORDER BY ledger_seq, leaf
"""
_SHARERS = """
SELECT DISTINCT o.case_id FROM hold_claims m JOIN hold_claims o ON o.hold_key = m.hold_key
WHERE m.case_id = ANY(%s) UNION SELECT hold_key FROM hold_claims WHERE case_id = ANY(%s)
"""
EVERY_WAY = ("opened", "raised", "noted", "revised")
DECIDING = ("opened", "raised")


class _ExplanationRow(NamedTuple):
    verdict: int
    case: str
    body: str
    digest: str


class _LeafRow(NamedTuple):
    ledger_seq: int
    digest: str


async def events_of_cases(record: Record, cases: Sequence[str], ways: Sequence[str]) -> list[int]:
    """The events that came into these cases in these ways."""
    return [row.event for row in await record.rows(_EVENTS_OF, EventIdRow._make, list(cases), list(ways))]


async def some_events(record: Record, numbers: Sequence[int]) -> list[EventRow]:
    """Events that carry an anomaly, by number."""
    return await record.rows(_EVENTS, EventRow._make, list(numbers))


async def explanations_of(record: Record, cases: Sequence[str]) -> list[dict[str, object]]:
    """What would have changed the verdicts that opened or raised these cases, as it was hashed."""
    return [row._asdict() for row in await record.rows(_EXPLANATIONS, _ExplanationRow._make, list(cases))]


async def leaves_of_rows(record: Record, numbers: Sequence[int]) -> dict[int, list[str]]:
    """The digests of all leaves of ledger rows, in their order."""
    found: dict[int, list[str]] = {}
    wanted = sorted(set(numbers))
    for row in await record.rows(_LEAVES, _LeafRow._make, wanted, wanted):
        found.setdefault(row.ledger_seq, []).append(row.digest)
    return found


async def cases_sharing_holds(record: Record, cases: Sequence[str]) -> list[str]:
    """The cases that claimed a hold that one of these did, and those under whose key such a hold stands."""
    return [row.case for row in await record.rows(_SHARERS, CaseIdRow._make, list(cases), list(cases))]
