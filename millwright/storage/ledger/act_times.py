"""Whether the clock was set back: no act of a person is older than the newest row of the ledger.

What the machine does is not refused, because it would stop the plant; the audit names such rows.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.acting import NEVER_REFUSED, by_a_person
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


async def check_time(connection: AsyncConnection, at: datetime, acts: Sequence[tuple[str, str]]) -> None:
    """Refuses acts of people at a time before the newest row of the ledger.

    Args:
        connection: that of the transaction that records the acts.
        at: the time of their row of the ledger.
        acts: the kind and the actor of each act. Those that no person does are not looked at, and need no statement.

    Raises:
        ActRejected: naming both times.
    """
    if not any(by_a_person(kind, actor) and kind not in NEVER_REFUSED for kind, actor in acts):
        return
    fault = await clock_fault(connection, at)
    if fault is not None:
        raise ActRejected(fault, field="at", fix="correct the clock of this host; `millwright doctor` shows it")
