"""Who goes first when many cases come at once: the greatest risk."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import count

from domain.assets import Criticality
from domain.cases import CaseView

Rank = tuple[str, str, datetime]

_LEAST_CRITICAL = Criticality.D


def risk_rank(view: CaseView) -> Rank:
    """What cases are sorted by, the first to go lowest: severity, then criticality, then who was first."""
    return (view.verdict.severity.value, (view.context.criticality or _LEAST_CRITICAL).value, view.opened_at)


class RiskOrder:
    """Lets so many cases at once read production and place orders; of those that wait, the greatest risk goes next.

    In a flood the planner's first orders are the worst faults, the CMMS is not run over, and judging keeps its share
    of the processor. None is dropped: a case that has waited for the patience goes as it is, so that one slow system
    does not stand in the way of all.

    Args:
        at_once: how many go at once.
        patience: the longest that one waits for its turn.
    """

    def __init__(self, at_once: int, patience: timedelta) -> None:
        self._free = at_once
        self._patience = patience.total_seconds()
        self._waiting: list[tuple[Rank, int, asyncio.Future[None]]] = []
        self._numbers = count()

    @asynccontextmanager
    async def turn(self, view: CaseView) -> AsyncIterator[bool]:
        """The case's turn, for as long as the block lasts; True where it was waited for, and the view may be old."""
        waited = not self._free
        granted = await self._granted(risk_rank(view))
        try:
            yield waited
        finally:
            if granted:
                self._pass_on()

    async def _granted(self, rank: Rank) -> bool:
        if self._free:
            self._free -= 1
            return True
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (rank, next(self._numbers), mine))
        try:
            await asyncio.wait({mine}, timeout=self._patience)
        except asyncio.CancelledError:
            if not mine.cancel():
                self._pass_on()
            raise
        return not mine.cancel()

    def _pass_on(self) -> None:
        while self._waiting:
            _, _, other = heapq.heappop(self._waiting)
            if not other.done():
                other.set_result(None)
                return
        self._free += 1
