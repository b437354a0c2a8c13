"""The alarm floods of a plant, from what is stored."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.storage.alarm_times import read_alarm_times
from policies.floods import Flood, floods


async def read_floods(engine: AsyncEngine, since: datetime, until: datetime) -> list[Flood]:
    """The floods of every line between two instants, the first first; see `policies.floods`.

    Raises:
        StorageUnavailable: the database is away.
    """
    times = await read_alarm_times(engine, since, until)
    found = [flood for line, alarms in times.items() for flood in floods(line, alarms, until)]
    return sorted(found, key=lambda flood: (flood.began_at, flood.position))
