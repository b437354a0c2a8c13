"""What the work of cases was timed from: the verdicts that opened or raised them, with their anomalies."""

from collections.abc import Sequence
from typing import NamedTuple

from millwright.storage.audit.record import Record

_TIMED_FROM = """
SELECT d.case_id, v.body, e.anomaly::text FROM evidence d
JOIN verdicts v ON (v.event_id, v.revision) = (d.event_id, d.revision) AND v.role = 'active'
JOIN events e ON e.id = v.event_id
WHERE d.case_id = ANY(%s) AND d.how IN ('opened', 'raised') ORDER BY d.id
"""


class TimedFrom(NamedTuple):
    """One verdict of a case as its record tells of it, with the text of its anomaly; neither is known to be whole."""

    case: str
    verdict: str
    anomaly: str | None


async def timed_from(record: Record, cases: Sequence[str]) -> list[TimedFrom]:
    """The verdicts of some cases, the oldest evidence first."""
    return await record.rows(_TIMED_FROM, TimedFrom._make, list(cases))
