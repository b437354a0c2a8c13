"""Reads the work that was done on assets from a CMMS, and keeps it for the judging of their anomalies."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from temporalio import activity

from activities.instances import instance
from domain.attaching import mode_named
from domain.clock import Clock
from domain.cmms_offers import WorkLister
from domain.completed_work import ToldWork
from domain.errors import ActionRequired, ConnectorError, Refused
from domain.maintenance_history import (
    HISTORY,
    CmmsAsset,
    HistoryAsset,
    MaintenanceHistories,
    MaintenanceHistory,
    WorkDone,
    newest,
)
from domain.ports import Cmms

_BATCH: Final = 40
"""How many assets are asked for at once."""
_BATCHES: Final = 5
"""After so many batches a poll ends, so that other calls to the CMMS do not wait for it."""
_BEGINS_FOR: Final = 25.0
"""After so many seconds it asks for nothing more: a poll has to end within its time."""
_ANSWERED_WITHIN: Final = 15.0
"""How many seconds an answer may take, with all its pages."""
_PAUSE: Final = timedelta(minutes=1)
"""How long it rests after them."""
_AFTER_A_FAILURE: Final = timedelta(minutes=5)

_Told = Sequence[Sequence[ToldWork] | None]


class WorkReading:
    """Reads and keeps the work on assets.

    Args:
        histories: what is known of it.
        cmms: each CMMS, by the id of its instance.
        clock: the plant's time.
        interval: how often each asset is asked for; None asks for none.
    """

    def __init__(
        self, histories: MaintenanceHistories, cmms: Mapping[str, Cmms], clock: Clock, interval: timedelta | None
    ) -> None:
        self._histories = histories
        self._cmms = cmms
        self._clock = clock
        self._interval = interval

    async def go_on(self, system: str) -> timedelta | None:
        """Asks a CMMS for the work on some assets that are due, those first that were read longest ago.

        Each answer is stored by itself, so it can be cut at any point. If the CMMS does not answer, nothing is stored:
        what is known becomes too old by itself. Of a CMMS that does not list work nothing is ever known.

        Returns:
            After how long it is to go on; None if no asset is due before the next poll.
        """
        if self._interval is None:
            return None
        cmms = instance(self._cmms, system, "CMMS", "completed-work")
        if not isinstance(cmms, WorkLister):
            return None
        until = time.monotonic() + _BEGINS_FOR
        try:
            for number in range(_BATCHES):
                if number and time.monotonic() > until:
                    break
                due = await self._histories.due(system, self._clock.now() - self._interval, _BATCH)
                if not due:
                    return None
                await self._read(system, cmms, due, until)
        except ConnectorError as error:
            activity.logger.warning("the work on assets is read later: %s", error)
            return _AFTER_A_FAILURE
        return _PAUSE

    async def _read(self, system: str, cmms: WorkLister, due: Sequence[HistoryAsset], until: float) -> None:
        read_at = self._clock.now()
        try:
            said = await self._asked(system, cmms, due, read_at)
        except TimeoutError:
            activity.logger.warning("%s does not tell the work on %d assets in time", system, len(due))
        except (ActionRequired, Refused):
            # Our sign-in, or one of the assets.
            await self._cmms[system].check()
        else:
            await self._histories.record_reading(system, read_at, said)
            return
        # One asset must not hide the others, now or in later polls. So the first is read however late it is.
        for place, each in enumerate(due):
            if place and time.monotonic() > until:
                return
            read_at = self._clock.now()
            said = await self._asked_alone(system, cmms, each, read_at)
            await self._histories.record_reading(system, read_at, said)

    async def _asked_alone(
        self, system: str, cmms: WorkLister, asset: HistoryAsset, read_at: datetime
    ) -> dict[str, MaintenanceHistory]:
        try:
            return await self._asked(system, cmms, [asset], read_at)
        except (ActionRequired, Refused) as error:
            activity.logger.warning("the work on %s is unknown: %s", asset.asset, error)
        except TimeoutError:
            activity.logger.warning("the work on %s is unknown: %s does not tell it in time", asset.asset, system)
        return {asset.asset: MaintenanceHistory(read_at=read_at, complete=False)}

    async def _asked(
        self, system: str, cmms: WorkLister, assets: Sequence[HistoryAsset], read_at: datetime
    ) -> dict[str, MaintenanceHistory]:
        """What a CMMS says of the work on some assets.

        Raises:
            TimeoutError: it does not tell it in time.
        """
        names = {_key(name): name for asset in assets for name in asset.names}
        async with asyncio.timeout(_ANSWERED_WITHIN):
            work = await cmms.completed_work([*names.values()], read_at - HISTORY)
        told, table = dict(zip(names, work, strict=True)), self._cmms[system].capabilities.failure_modes
        return {asset.asset: _history(read_at, [told[_key(name)] for name in asset.names], table) for asset in assets}


def _key(name: CmmsAsset) -> tuple[str, tuple[tuple[str, str], ...]]:
    return name.external_id, tuple(sorted(name.attributes.items()))


def _history(read_at: datetime, told: _Told, table: Mapping[str, str]) -> MaintenanceHistory:
    """The history of an asset by what is told of the names of it and of its machine."""
    if any(work is None for work in told):
        return MaintenanceHistory(read_at=read_at, complete=False)
    done = [
        WorkDone(record=each.record, done_at=each.done_at, kind=each.kind, failure_mode=mode_named(each.codes, table))
        for work in told
        for each in work or ()
    ]
    return MaintenanceHistory(read_at=read_at, work=newest(done))
