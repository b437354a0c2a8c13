"""The alarms of each production line, from which floods are detected."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.alarms import Alarm
from domain.verdict import Rung
from millwright.storage.database.engine import transaction

# An alarm is an event whose first verdict was above `ignore`. A revision changes the action, not the alarm. Alarms of
# the same time are in the order of the event ids, which is the order of arrival.
_ALARMS = text(
    "SELECT e.line, v.at, v.asset, v.failure_mode FROM verdicts v JOIN events e ON e.id = v.event_id "
    "WHERE v.role = 'active' AND v.revision = 0 AND v.rung >= :rung AND v.at > :since AND v.at <= :until "
    "ORDER BY e.line, v.at, v.event_id"
)


class _AlarmRow(NamedTuple):
    line: str
    at: datetime
    asset: str
    failure_mode: str


async def read_alarms(engine: AsyncEngine, since: datetime, until: datetime) -> dict[str, list[Alarm]]:
    """Each line's alarms after `since` and up to `until`, in order of event time.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    found: dict[str, list[Alarm]] = {}
    async with transaction(engine) as connection:
        rows = await connection.execute(_ALARMS, {"rung": int(Rung.WATCH), "since": since, "until": until})
        for row in map(_AlarmRow._make, rows):
            found.setdefault(row.line, []).append(Alarm(row.at, row.asset, row.failure_mode))
    return found
