"""The events on a fault with the verdicts of the version in force, compared with the digests in the record."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.anomaly import Anomaly
from domain.canonical import canonical, sha256
from domain.errors import ActionRequired
from domain.machine_test_runs import JudgedReading
from domain.verdict import Rung

# The newest verdict of an active version on each event: one that came late may have revised an earlier one.
_JUDGED = text(
    "SELECT DISTINCT ON (v.event_id) e.anomaly, v.rung, v.body, v.digest FROM verdicts v JOIN events e "
    "ON e.id = v.event_id WHERE v.role = 'active' AND v.asset = :asset AND v.failure_mode = :mode AND v.at >= :since "
    # A masked reading says neither that the machine is sound nor that it is not.
    "AND NOT EXISTS (SELECT FROM suppressions s WHERE s.asset = e.anomaly -> 'reading' -> 'limits' ->> 'sensor' "
    "AND s.from_at <= e.at AND s.end_at > e.at) "
    "ORDER BY v.event_id, v.id DESC"
)


class _JudgedRow(NamedTuple):
    anomaly: object
    rung: int
    body: str
    digest: str


async def judged_readings(
    connection: AsyncConnection,
    asset: str,
    failure_mode: str,
    since: datetime,
    altered: Callable[[str], ActionRequired],
) -> Sequence[JudgedReading]:
    """What was received of a fault since a time.

    Args:
        altered: makes the error of an event or a verdict that is not as recorded.

    Raises:
        ActionRequired: somebody has altered the database.
    """
    values = {"asset": asset, "mode": failure_mode, "since": since}
    return [_reading(_JudgedRow._make(row), altered) for row in await connection.execute(_JUDGED, values)]


def _reading(row: _JudgedRow, altered: Callable[[str], ActionRequired]) -> JudgedReading:
    told: Mapping[str, object] = orjson.loads(row.body)
    anomaly = Anomaly.model_validate(row.anomaly)
    recorded = sha256(row.body.encode()) == row.digest and told["rung"] == row.rung
    if not recorded or told["anomaly"] != sha256(canonical(anomaly)):
        raise altered(f"a reading of {anomaly.asset} is not as in the record")
    return JudgedReading(anomaly, Rung(row.rung))
