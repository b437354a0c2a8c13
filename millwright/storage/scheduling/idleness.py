"""Whether anything waits to be done: what the plant's conductor asks before it moves the clock."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.storage.database.engine import raw, unbound

_ENOUGH = 1000
# Bounded, so that asking is cheap in a flood too; a case's own wait is told apart because only those end by the clock.
_WAITING = f"""
SELECT (SELECT count(*) FROM (SELECT FROM pending LIMIT {_ENOUGH}) e),
       (SELECT count(*) FROM (SELECT FROM due WHERE due_at <= %(until)s LIMIT {_ENOUGH}) d),
       (SELECT min(due_at) FROM due WHERE due_at > %(until)s AND subject LIKE 'case/%%')
"""


class Waiting(NamedTuple):
    """How many events have no fate and how many subjects are due (a thousand stands for more), and when the next
    case is due after that."""

    events: int
    due: int
    next_case_due: datetime | None

    @property
    def idle(self) -> bool:
        return self.events == 0 and self.due == 0


async def read_waiting(engine: AsyncEngine, until: datetime) -> Waiting:
    """What waits at this moment.

    Raises:
        StorageUnavailable: the database is away.
    """
    async with unbound(engine) as connection:
        driver = await raw(connection)
        async with driver.cursor() as cursor:
            await cursor.execute(_WAITING, {"until": until}, prepare=True)
            (waiting,) = map(Waiting._make, await cursor.fetchall())
            return waiting
