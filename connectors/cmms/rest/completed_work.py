"""The work that was done on assets, where a description says how it is listed."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from connectors.call import Call
from connectors.cmms.rest.connector import RestCmms
from connectors.cmms.rest.description import RestCompleted
from connectors.cmms.rest.expressions import RestExpressionFailed, moment_text
from connectors.cmms.rest.mapping import RestRow, problem_on
from connectors.cmms.rest.reading import needed
from connectors.cmms.rest.rows import RestRowReading
from connectors.completed_work import WorkOfAssets
from domain.completed_work import ToldWork
from domain.maintenance_history import CmmsAsset, WorkKind
from domain.work_orders import WorkOrderStatus

logger = logging.getLogger(__name__)

_KINDS: Final[Mapping[str | None, WorkKind]] = {kind.value: kind for kind in WorkKind}


class RestWorkCmms(RestCmms):
    """The connector to a system whose description has `find_completed`."""

    async def completed_work(self, assets: Sequence[CmmsAsset], since: datetime) -> WorkOfAssets:
        """See `domain.cmms_offers.WorkLister`. Each asset is looked up, and its orders are listed."""
        call = Call(self._system, "completed-work")
        return tuple(await asyncio.gather(*(self._work_on(call, asset, since) for asset in assets)))

    async def _work_on(self, call: Call, asset: CmmsAsset, since: datetime) -> tuple[ToldWork, ...] | None:
        try:
            return await self._told(call, asset, since)
        except ValueError as error:
            words = self._client.without_secrets(str(error))
            logger.warning("%s: the work on %s is unknown: %s", self._system, asset.external_id, words)
            return None

    async def _told(self, call: Call, asset: CmmsAsset, since: datetime) -> tuple[ToldWork, ...]:
        completed, name = needed(self._description.find_completed), asset.external_id
        found = await self._reading.assets_named(call, needed(self._description.asset), name, asset.attributes)
        if len(found) != 1:
            raise ValueError(f"it has {len(found) or 'no'} assets of this name")
        given = {
            "wanted.asset": name,
            "wanted.attributes": dict(asset.attributes),
            "wanted.since": moment_text(since, self._settings.zone),
            "asset": found[0],
        }
        reading = self._reading.rows
        rows, unreadable = reading.each(await self._client.rows(call, completed.listing, given))
        for bad in unreadable:
            raise ValueError(bad.report.words)
        told = [work for row in rows if (work := _work_of(row, completed, reading)) is not None]
        return tuple(work for work in told if work.done_at >= since)


def _work_of(row: RestRow, completed: RestCompleted, reading: RestRowReading) -> ToldWork | None:
    """The work of a row; None if it was not done.

    Raises:
        ValueError: the row does not tell whether and when the work was done.
    """
    status = reading.order.status.words.get(row.word)
    if status is None:
        raise ValueError(f"order {row.id} has the status {row.word}")
    if status is not WorkOrderStatus.COMPLETED:
        return None
    given = {**reading.site, "row": row.content}
    done_at = completed.done_at.moment_of(given, reading.zone)
    if done_at is None:
        raise RestExpressionFailed(completed.done_at.place, "is missing")
    kind = completed.kind.text_of(given) if completed.kind is not None else None
    codes = problem_on(reading.order, given)
    return ToldWork(record=row.id, done_at=done_at, kind=_KINDS.get(kind, WorkKind.UNKNOWN), codes=codes)
