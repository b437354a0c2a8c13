"""The work that was done on assets, as MaintainX tells it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from pydantic import TypeAdapter, ValidationError

from connectors.call import Call
from connectors.cmms.maintainx.client import MaintainXClient
from connectors.cmms.maintainx.mapping import STATUSES, number_of, status_of, vendor_status
from connectors.cmms.maintainx.models import MaintainXCompleted
from connectors.completed_work import AssetWork, CollectedWork, WorkOfAssets, id_of
from connectors.json_reading import ZonedDate
from connectors.text import moment_text
from domain.clock import Clock
from domain.completed_work import ToldWork
from domain.errors import Refused
from domain.maintenance_history import CmmsAsset, WorkKind
from domain.work_orders import WorkOrderStatus

_KINDS: Final[Mapping[str | None, WorkKind]] = {
    "REACTIVE": WorkKind.CORRECTIVE,
    "PREVENTIVE": WorkKind.PREVENTIVE,
}
"""By `type`."""
_FEW: Final = 5
"""So many assets are asked for one by one. More are looked for in the list of all assets, which has 200 on a page."""
_LISTED_FOR: Final = timedelta(hours=1)
"""How long the list of all assets counts: while the assets of a plant are read, batch after batch."""
_DATE: TypeAdapter[datetime] = TypeAdapter(ZonedDate)


class MaintainXWork:
    """Reads the work that was done on assets.

    Args:
        clock: by which the list of all assets becomes too old.
    """

    def __init__(self, client: MaintainXClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._listed: set[int] = set()
        self._listed_until: datetime | None = None

    async def told(self, call: Call, assets: Sequence[CmmsAsset], since: datetime) -> WorkOfAssets:
        """See `domain.cmms_offers.WorkLister`. One list has the orders of all the assets. Those without an order in it
        may be none that MaintainX knows, so they are looked for."""
        numbers = [number_of(asset.external_id) for asset in assets]
        asked = {str(number) for number in numbers if number is not None}
        found = CollectedWork(call.system, asked, since)
        contents = await self._completed(call, sorted(asked), since) if asked else ()
        found.add(contents, lambda content: _work_of(content, asked), _asset_of)
        for number in await self._absent(call, set(map(int, found.unproved()))):
            found.leave_unknown(str(number), "it has no such asset")
        return found.told([str(number) for number in numbers])

    async def _completed(self, call: Call, assets: Sequence[str], since: datetime) -> Collection[object]:
        """The orders that are done, each as it was read last.

        The next page is asked for from the last date of a page, as in a poll: by the vendor's cursor, an order could be
        skipped whenever another one leaves the list meanwhile. The cursor is followed where the dates do not rise.

        Raises:
            Refused: the pages do not end.
        """
        filters = {"assets": assets, "statuses": _DONE, "sort": "updatedAt"}
        found: dict[object, object] = {}
        start, place, places = since, None, set[str]()
        while True:
            from_start = {**filters, "updatedAt[gte]": moment_text(start)}
            page = await self._client.page(call, from_start, cursor=place, expand="asset")
            found |= {id_of(content): content for content in page.workOrders}
            if page.nextCursor is None:
                return found.values()
            dates = [date for content in page.workOrders if (date := _date(content)) is not None]
            if dates and dates == sorted(dates) and dates[-1] > start:
                start, place = dates[-1], None
            elif page.nextCursor in places:
                raise call.error(Refused, "its list of work orders does not end: it gives one cursor twice")
            else:
                place = page.nextCursor
                places.add(place)

    async def _absent(self, call: Call, asked: Collection[int]) -> set[int]:
        """Those of some assets that MaintainX does not know."""
        now = self._clock.now()
        if self._listed_until is None or self._listed_until < now:
            self._listed.clear()
        left = {number for number in asked if number not in self._listed}
        if len(left) <= _FEW:
            return {number for number in left if not await self._client.has_asset(call, number)}
        self._listed = {number async for number in self._client.asset_ids(call)}
        self._listed_until = now + _LISTED_FOR
        return left - self._listed


_DONE: Final = tuple(word for word, status in STATUSES.items() if status is WorkOrderStatus.COMPLETED)


def _work_of(content: object, asked: Collection[str]) -> AssetWork:
    """The work of an order. Numbers cannot be written in another way, so an order of another asset is none of these.

    Raises:
        ValueError: it cannot be read, or it does not tell whether and when the work was done.
    """
    row = MaintainXCompleted.model_validate(content)
    name = str(row.asset.id)
    if name not in asked:
        return name, None
    if vendor_status(row) not in STATUSES:
        raise ValueError(f"order {row.number} has the status {row.status}")
    if row.deletedAt is not None or status_of(row) is not WorkOrderStatus.COMPLETED:
        return name, None
    if row.completedAt is None:
        raise ValueError(f"order {row.number} is done without a time of its completion")
    kind = _KINDS.get(row.type, WorkKind.UNKNOWN)
    return name, ToldWork(record=row.number, done_at=row.completedAt, kind=kind)


def _asset_of(content: object) -> object:
    asset = content.get("asset") if isinstance(content, dict) else None
    return str(asset.get("id")) if isinstance(asset, dict) else None


def _date(content: object) -> datetime | None:
    try:
        return _DATE.validate_python(content.get("updatedAt") if isinstance(content, dict) else None)
    except ValidationError:
        return None
