"""The work that was done on assets, as Maximo tells it."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from connectors.call import Call
from connectors.cmms.maximo.client import MaximoClient
from connectors.cmms.maximo.cursor import instant
from connectors.cmms.maximo.mapping import STATUSES, codes_of
from connectors.cmms.maximo.models import CompletedOrderRow
from connectors.cmms.maximo.settings import MaximoSettings
from connectors.completed_work import AssetWork, CollectedWork
from domain.completed_work import ToldWork
from domain.errors import ActionRequired
from domain.maintenance_history import CmmsAsset, WorkKind
from domain.work_orders import WorkOrderStatus

_COMPLETED: Final = tuple(status for status, ours in STATUSES.items() if ours is WorkOrderStatus.COMPLETED)
_WORK_ENDED: Final = "COMP"
"""The internal status whose date is that of the end of the work."""
_AT_ONCE: Final = 50
"""How many assets are named in one request, whose address has them all."""


async def completed_work(
    client: MaximoClient, call: Call, settings: MaximoSettings, assets: Sequence[CmmsAsset], since: datetime
) -> tuple[tuple[ToldWork, ...] | None, ...]:
    """See `domain.cmms_offers.WorkLister`. The numbers of assets are unique only within a site. Maximo keeps both in
    upper case.
    """
    sites = [(asset.attributes.get("siteid") or settings.site or "").upper() for asset in assets]
    numbers: defaultdict[str, set[str]] = defaultdict(set)
    for site, asset in zip(sites, assets, strict=True):
        if not site:
            raise call.error(ActionRequired, f"no site is known for asset {asset.external_id}", field="siteid")
        numbers[site].add(asset.external_id.upper())
    told: dict[tuple[str, str], tuple[ToldWork, ...] | None] = {}
    for site, of_site in numbers.items():
        ordered = sorted(of_site)
        for first in range(0, len(ordered), _AT_ONCE):
            asked = ordered[first : first + _AT_ONCE]
            found = CollectedWork(call.system, asked, since)
            async for contents in client.completed_orders(call, site, asked, since, _COMPLETED):
                found.add(contents, lambda content: _work_of(content, settings), _asset_of)
            told |= {(site, name): work for name, work in zip(asked, found.told(asked), strict=True)}
    return tuple(told[site, asset.external_id.upper()] for site, asset in zip(sites, assets, strict=True))


def _asset_of(content: object) -> object:
    name = content.get("assetnum") if isinstance(content, dict) else None
    return name.upper() if isinstance(name, str) else None


def _work_of(content: object, settings: MaximoSettings) -> AssetWork:
    """The work of an order.

    Raises:
        ValueError: it cannot be read, or it does not tell when the work was done.
    """
    row = CompletedOrderRow.model_validate(content)
    name = row.assetnum.upper()
    if row.internal_status not in _COMPLETED:
        return name, None
    if row.actfinish is None and row.internal_status != _WORK_ENDED:
        # The status is of the day on which somebody closed the order, perhaps long after the work.
        raise ValueError(f"order {row.wonum} was closed without an actual finish")
    work = ToldWork(
        record=row.wonum,
        done_at=instant(row.actfinish or row.statusdate, settings.zone),
        kind=settings.work_kinds.get(row.worktype or "", WorkKind.UNKNOWN),
        codes=codes_of(row) if settings.failure_modes else (),
    )
    return name, work
