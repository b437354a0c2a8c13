"""Finds holds that nobody answers for: in storage without a case, and in the MES without a hold of ours."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from domain.clock import Clock
from domain.errors import ConnectorError
from domain.orphan_holds import FoundOrphans, HoldRecord, OrphanHold
from domain.ports import Mes
from domain.production import HoldState

_LOOKED_BACK: Final = timedelta(days=7)
"""How long a job is looked at after its hold has ended. Jobs are over by then."""


class OrphanHolds:
    """Compares the holds in storage with those of each MES, both ways. It changes nothing, and releases nothing.

    Args:
        record: the holds in storage.
        mes: each MES, by the id of its instance.
        clock: the plant's time.
    """

    def __init__(self, record: HoldRecord, mes: Mapping[str, Mes], clock: Clock) -> None:
        self._record = record
        self._mes = mes
        self._clock = clock

    async def find(self) -> FoundOrphans:
        """All that a person must look at. Of an MES that does not answer nothing is said: the doctor names it."""
        found, unanswered = list(await self._record.adrift()), set()
        for system, mes in self._mes.items():
            try:
                found += await self._in_mes(system, mes)
            except ConnectorError:
                unanswered.add(system)
        return FoundOrphans(tuple(found), frozenset(unanswered))

    async def _in_mes(self, system: str, mes: Mes) -> list[OrphanHold]:
        marked = await mes.marked_holds()
        if marked is not None:
            # Read after the MES: a hold that was placed meanwhile is in storage by now.
            live = await self._record.live_keys()
            if any(each.key not in live for each in marked):
                # One that was just released is not there any more.
                marked = [each for each in await mes.marked_holds() or () if each in marked]
            return [
                OrphanHold(
                    key=each.key,
                    system=system,
                    equipment=each.place,
                    problem="the MES has it, and no hold of this key is live here",
                )
                for each in marked
                if each.key not in live
            ]
        found = []
        for ended in await self._record.ended_placements(system, self._clock.now() - _LOOKED_BACK):
            reading = await mes.read_hold(ended.plan)
            if reading.state is HoldState.HELD and not await self._record.is_live_on(system, ended.plan.equipment):
                found.append(
                    OrphanHold(
                        key=ended.plan.key,
                        system=system,
                        equipment=ended.plan.equipment,
                        problem=f"job {ended.plan.job} is held in the MES, and its hold ended here as {ended.state}; "
                        "this MES does not say whose it is",
                    )
                )
        return found
