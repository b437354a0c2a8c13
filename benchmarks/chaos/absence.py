"""A long absence of the workflow engine: what is judged meanwhile, and how soon everything is judged afterwards."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.loops import wait_until
from millwright.bootstrap import open_storage
from millwright.demo.installation import ENGINE, Installation

_JUDGING_ENDS_WITHIN: Final = 21.0
"""Seconds: the heartbeat timeout of the activity that judges a line, 15, and the interval of its heartbeats, 5."""
_LOOK_EVERY: Final = 0.05
_PATIENCE: Final = 120.0
_VERDICTS = text("SELECT count(*) FROM verdicts")
_WAITING = text("SELECT count(DISTINCT line) AS lines, max(event_id) AS newest FROM pending")
_STILL_WAITING = text("SELECT EXISTS (SELECT FROM pending WHERE event_id <= :newest)")


@dataclass(frozen=True)
class Absence:
    """The result of one absence.

    Attributes:
        judged: verdicts stored after the heartbeat timeout, while the engine was still away.
        lines: lines with events that waited for judging at its return.
        seconds: from the start of its process to the last verdict on these events.
    """

    judged: int
    lines: int
    seconds: float


async def absence(installation: Installation, away: float) -> Absence:
    """Kills the engine, starts it again, and waits until all events that waited then are judged.

    Args:
        away: seconds between; more than it takes until judging ends.

    Raises:
        TimeoutError: they are not judged within two minutes.
    """
    async with open_storage(installation.settings()) as storage:
        await asyncio.to_thread(installation.kill, ENGINE)
        await asyncio.sleep(_JUDGING_ENDS_WITHIN)
        before = await _number_of_verdicts(storage.engine)
        await asyncio.sleep(away - _JUDGING_ENDS_WITHIN)
        judged = await _number_of_verdicts(storage.engine) - before
        async with storage.engine.connect() as connection:
            waiting = (await connection.execute(_WAITING)).one()
        began = time.monotonic()
        await asyncio.to_thread(installation.restart, ENGINE)

        async def still_waiting() -> bool:
            async with storage.engine.connect() as connection:
                return bool(await connection.scalar(_STILL_WAITING, {"newest": waiting.newest}))

        if await wait_until(still_waiting, lambda waits: not waits, every=_LOOK_EVERY, timeout=_PATIENCE):
            raise TimeoutError(f"events still wait for judging {_PATIENCE:.0f} s after the engine's return")
    return Absence(judged, waiting.lines, round(time.monotonic() - began, 1))


async def _number_of_verdicts(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return int(await connection.scalar(_VERDICTS) or 0)
