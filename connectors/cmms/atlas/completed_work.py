"""The work that was done on assets, as Atlas tells it."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from connectors.call import Call
from connectors.cmms.atlas.client import ORDERS, AtlasClient, AtlasFilter, at_or_after
from connectors.cmms.atlas.mapping import STATUSES, asset_name, codes_on, status_of
from connectors.cmms.atlas.models import AtlasOrder
from connectors.cmms.atlas.settings import AtlasSettings
from connectors.completed_work import AssetWork, CollectedWork, WorkOfAssets
from domain.completed_work import ToldWork
from domain.maintenance_history import CmmsAsset, WorkKind
from domain.work_orders import WorkOrderStatus

_COMPLETED: Final = tuple(word for word, status in STATUSES.items() if status is WorkOrderStatus.COMPLETED)
_PLAN: Final = "parentPreventiveMaintenance"
"""The plan from which an order was made."""


async def completed_work(
    client: AtlasClient, call: Call, settings: AtlasSettings, assets: Sequence[CmmsAsset], since: datetime
) -> WorkOfAssets:
    """See `domain.cmms_offers.WorkLister`. One search finds the assets, and one all their orders."""
    names = [asset.external_id for asset in assets]
    found = CollectedWork(call.system, names, since)
    named = {
        asset.id: name
        for asset in await client.assets_among(call, sorted(set(names)))
        if (name := asset_name(asset, settings)) is not None
    }
    for name in sorted(set(names)):
        count = Counter(named.values())[name]
        if count != 1:
            problem = f"has {count} assets" if count else "has no asset"
            found.leave_unknown(name, f"it {problem} with this {settings.asset_field}")
    if named:
        contents = await client.whole(call, ORDERS, _filters(named, since))
        found.add(
            contents, lambda content: _work_of(content, named, settings), lambda content: _asset_of(content, named)
        )
    return found.told(names)


def _filters(assets: Collection[int], since: datetime) -> tuple[AtlasFilter, ...]:
    return (
        AtlasFilter("asset", "in", "", tuple(sorted(assets))),
        AtlasFilter("status", "in", "", _COMPLETED, "STATUS"),
        at_or_after("completedOn", since),
    )


def _asset_of(content: object, named: Mapping[int, str]) -> object:
    asset = content.get("asset") if isinstance(content, dict) else None
    number = asset.get("id") if isinstance(asset, dict) else None
    return named.get(number) if isinstance(number, int) else None


def _work_of(content: object, named: Mapping[int, str], settings: AtlasSettings) -> AssetWork:
    """The work of an order.

    Raises:
        ValueError: it cannot be read, or it does not tell whether and when the work was done.
    """
    row = AtlasOrder.model_validate(content)
    name = named.get(row.asset.id, "") if row.asset is not None else ""
    if row.status not in STATUSES:
        raise ValueError(f"order {row.number} has the status {row.status}")
    if status_of(row) is not WorkOrderStatus.COMPLETED:
        return name, None
    if row.completedOn is None:
        raise ValueError(f"order {row.number} is complete without a time of its completion")
    return name, ToldWork(record=row.number, done_at=row.completedOn, kind=_kind(row), codes=codes_on(row, settings))


def _kind(row: AtlasOrder) -> WorkKind:
    """Atlas calls an order reactive that was made from no plan of preventive maintenance."""
    if _PLAN not in row.model_fields_set:
        return WorkKind.UNKNOWN
    return WorkKind.CORRECTIVE if row.parentPreventiveMaintenance is None else WorkKind.PREVENTIVE
