"""Whether anything waits to be done: what the plant's conductor asks before it moves the clock."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.storage.database.engine import raw, transaction

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


@asynccontextmanager
async def watching(engine: AsyncEngine, until: datetime) -> AsyncIterator[Callable[[], Awaitable[Waiting]]]:
    """A question that may be asked many times over one connection; each answer is of one moment.

    Raises:
        StorageUnavailable: the database is away.
    """
    # Read committed: every statement sees a snapshot of its own, and none is held between two.
    async with transaction(engine) as connection:
        driver = await raw(connection)
        async with driver.cursor() as cursor:

            async def ask() -> Waiting:
                await cursor.execute(_WAITING, {"until": until}, prepare=True)
                (waiting,) = map(Waiting._make, await cursor.fetchall())
                return waiting

            yield ask
