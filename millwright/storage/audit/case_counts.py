"""What cases count and span, and the verdicts that this is rebuilt from."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from domain.canonical import Json
from domain.verdict import Verdict
from millwright.storage.audit.case_record import told_as
from millwright.storage.audit.record import Record
from millwright.storage.audit.record_rows import VerdictRow

_CASES = """
SELECT c.id, c.asset, c.failure_mode, c.event_at, c.last_event_at, c.fed, c.rung, c.version, c.verdict,
    (SELECT json_build_array(count(*), coalesce(sum(d.event_id), 0)) FROM evidence d
     WHERE d.case_id = c.id AND d.how = 'noted')
FROM cases c WHERE c.id = ANY(%s)
"""
_BEFORE = """
SELECT rung FROM verdicts WHERE event_id = %s AND version = %s AND revision < %s ORDER BY revision DESC LIMIT 1
"""
_APPLIED_LATER = """
SELECT v.event_id, v.revision, v.version, v.rung, v.asset, v.failure_mode, v.at, v.body, e.source, e.external_id
FROM suppressed s JOIN verdicts v ON (v.event_id, v.version, v.revision) = (s.event_id, s.version, s.revision)
JOIN events e ON e.id = s.event_id
WHERE s.suppression = %s AND s.how = 'let_in' ORDER BY v."position", v.event_id, v.version
"""


_GROUND = """
SELECT v.event_id, v.revision, v.version, v.rung, v.asset, v.failure_mode, v.at, v.body, e.source, e.external_id
FROM evidence d JOIN verdicts v ON (v.event_id, v.revision) = (d.event_id, d.revision)
JOIN events e ON e.id = d.event_id
WHERE d.case_id = %s AND d.how IN ('opened', 'raised') AND v.role = 'active' ORDER BY d.id DESC LIMIT 1
"""


class CountedCase(NamedTuple):
    """A case as it is stored; `noted` has the number of verdicts noted on it, and the sum of their events' ids."""

    id: str
    asset: str
    failure_mode: str
    event_at: datetime
    last_event_at: datetime
    fed: int
    rung: int
    version: str
    verdict: Json
    noted: list[int]


class AppliedLater(NamedTuple):
    """A verdict that came to a case later than it was given: when a shelf or window returned, or for a rework."""

    event_id: int
    revision: int
    version: str
    rung: int
    asset: str
    failure_mode: str
    at: datetime
    body: str
    source: str | None
    external_id: str | None


class _RungRow(NamedTuple):
    rung: int


async def counted_cases(record: Record, cases: Sequence[str]) -> list[CountedCase]:
    """Some cases; the verdict of each in canonical form, or as it stands if it has lost its shape."""
    found = await record.rows(_CASES, CountedCase._make, list(cases))
    return [case._replace(verdict=told_as(Verdict, case.verdict)) for case in found]


async def rung_before(record: Record, row: VerdictRow) -> int | None:
    """The rung of the revision before a verdict."""
    found = await record.rows(_BEFORE, _RungRow._make, row.event_id, row.version, row.revision)
    return found[0].rung if found else None


async def ground_of(record: Record, case: str) -> list[AppliedLater]:
    """The verdict that a case rests on; none if it is gone."""
    return await record.rows(_GROUND, AppliedLater._make, case)


async def let_in(record: Record, suppression: str) -> list[AppliedLater]:
    """The verdicts that came in when a shelf or window returned, in the order in which they were applied."""
    return await record.rows(_APPLIED_LATER, AppliedLater._make, suppression)
