"""When alarms came, by production line: what floods are told from."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.verdict import Rung
from millwright.storage.engine import transaction

# An alarm is what was not ignored when it was first judged. Revisions change what is done, not what was heard.
_TIMES = text(
    "SELECT e.line, v.at, count(*) AS alarms FROM verdicts v JOIN events e ON e.id = v.event_id "
    "WHERE v.role = 'active' AND v.revision = 0 AND v.rung >= :rung AND v.at > :since AND v.at <= :until "
    "GROUP BY e.line, v.at ORDER BY e.line, v.at"
)


async def read_alarm_times(engine: AsyncEngine, since: datetime, until: datetime) -> dict[str, list[datetime]]:
    """The event times of each line's alarms after `since`, up to `until`, ascending.

    Raises:
        StorageUnavailable: the database is away.
    """
    found: dict[str, list[datetime]] = {}
    async with transaction(engine) as connection:
        rows = await connection.execute(_TIMES, {"rung": int(Rung.WATCH), "since": since, "until": until})
        for row in rows:
            found.setdefault(row.line, []).extend([row.at] * row.alarms)
    return found
