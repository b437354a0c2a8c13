"""The alarm floods of a plant, from stored verdicts."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.model import Model
from millwright.storage.reporting.alarms import read_alarms
from policies.statistics.floods import Flood, floods


async def read_floods(engine: AsyncEngine, since: datetime, until: datetime) -> list[Flood]:
    """The floods of every line between two instants, in order; see `policies.statistics.floods`.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    heard = await read_alarms(engine, since, until)
    found = [flood for line, alarms in heard.items() for flood in floods(line, alarms, until)]
    return sorted(found, key=lambda flood: (flood.began_at, flood.position))


class FloodFigures(Model):
    """The floods of a period in figures; `going_on` names the lines with an active flood at its end."""

    floods: int
    alarms: int
    alarms_in_floods: int
    longest_minutes: float
    going_on: tuple[str, ...]


async def read_flood_figures(engine: AsyncEngine, since: datetime, until: datetime) -> FloodFigures:
    """The floods between two instants in figures (ISA-18.2 asks for the share of alarms that came in floods).

    Raises:
        StorageUnavailable: the database does not answer.
    """
    heard = await read_alarms(engine, since, until)
    found = [flood for line, alarms in heard.items() for flood in floods(line, alarms, until)]
    lengths = [(flood.ended_at or until) - flood.began_at for flood in found]
    return FloodFigures(
        floods=len(found),
        alarms=sum(len(alarms) for alarms in heard.values()),
        alarms_in_floods=sum(flood.alarms for flood in found),
        longest_minutes=round(max(lengths, default=timedelta()) / timedelta(minutes=1), 1),
        going_on=tuple(sorted({flood.position for flood in found if flood.ended_at is None})),
    )
