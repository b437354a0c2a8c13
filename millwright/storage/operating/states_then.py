"""What a machine did at the time of an event, as it had been read before the event."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from domain.operating import OperatingState
from millwright.storage.database.engine import Driver

MachineThen = tuple[str, datetime]
"""A machine and a time."""

# Only what was read before the event counts, and not what was read of that time later: so a verdict is the same
# whenever its event arrives.
_THEN = """
SELECT k.machine, k.at, r.read_at, s.body
FROM unnest(%b::text[], %b::timestamptz[]) AS k(machine, at),
LATERAL (SELECT system, body FROM operating_states WHERE machine = k.machine AND read_at < k.at
    ORDER BY read_at DESC, system LIMIT 1) s,
LATERAL (SELECT read_at FROM operating_readings WHERE system = s.system AND read_at < k.at
    ORDER BY read_at DESC LIMIT 1) r
"""


class _ThenRow(NamedTuple):
    machine: str
    at: datetime
    read_at: datetime
    body: str


async def states_then(driver: Driver, asked: Collection[MachineThen]) -> Mapping[MachineThen, OperatingState]:
    """What machines did at some times, with the time of the last reading before. What was never read is left out."""
    wanted = sorted(asked)
    async with driver.cursor() as cursor:
        await cursor.execute(_THEN, ([machine for machine, _ in wanted], [at for _, at in wanted]))
        return {(row.machine, row.at): _then(row) for row in map(_ThenRow._make, await cursor.fetchall())}


def _then(row: _ThenRow) -> OperatingState:
    return OperatingState.model_validate_json(row.body).model_copy(update={"read_at": row.read_at.astimezone(UTC)})
