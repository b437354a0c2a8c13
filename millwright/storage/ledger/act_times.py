"""Whether the clock was set back: no act that steers policies is older than the newest row of the ledger.

A kill switch is never refused: whoever must stop an action does not repair a clock first.
"""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.canonical import timestamp
from domain.errors import ActRejected

SET_BACK: Final = timedelta(minutes=5)
"""How far a clock may be behind the newest row of the ledger: as far as the clocks of two hosts may differ."""

# Before the first verdict of a fresh installation there is nothing that an act could come before.
_NEWEST: Final = text(
    "SELECT l.at FROM ledger_head h JOIN ledger l ON l.seq = h.seq WHERE EXISTS (SELECT FROM verdicts)"
)


class _NewestRow(NamedTuple):
    at: datetime


async def clock_fault(connection: AsyncConnection, now: datetime) -> str | None:
    """What is wrong with a clock that shows this time, as text; None if nothing is."""
    found = (await connection.execute(_NEWEST)).one_or_none()
    newest = None if found is None else _NewestRow._make(found).at
    if newest is None or now >= newest - SET_BACK:
        return None
    return f"the clock shows {timestamp(now)}, and the newest row of the ledger is of {timestamp(newest)}"


async def check_time(connection: AsyncConnection, at: datetime) -> None:
    """Refuses an act of a person at a time before the newest row of the ledger.

    Raises:
        ActRejected: naming both times.
    """
    fault = await clock_fault(connection, at)
    if fault is not None:
        raise ActRejected(fault, field="at", fix="correct the clock of this host; `millwright doctor` shows it")
