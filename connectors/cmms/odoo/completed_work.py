"""The work that was done on assets, as Odoo tells it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Final

from connectors.call import Call
from connectors.cmms.odoo.client import OdooMaintenanceClient
from connectors.cmms.odoo.mapping import status_of
from connectors.cmms.odoo.models import CompletedRequest
from connectors.cmms.odoo.stages import SiteStages
from connectors.completed_work import AssetWork, CollectedWork
from domain.completed_work import ToldWork
from domain.maintenance_history import CmmsAsset, WorkKind
from domain.work_orders import WorkOrderStatus

_KINDS: Final[Mapping[str | None, WorkKind]] = {
    "corrective": WorkKind.CORRECTIVE,
    "preventive": WorkKind.PREVENTIVE,
}
"""By `maintenance_type`."""


async def completed_work(
    client: OdooMaintenanceClient, call: Call, assets: Sequence[CmmsAsset], since: datetime
) -> tuple[tuple[ToldWork, ...] | None, ...]:
    """See `domain.cmms_offers.WorkLister`. Odoo has no failure codes."""
    names = [asset.external_id for asset in assets]
    ids = await client.equipment_ids(call, set(names))
    stages = await client.stages(call)
    found = CollectedWork(call.system, names, since)
    contents = await client.completed_requests(call, ids, since.astimezone(UTC).date())
    found.add(contents, lambda content: _work_of(content, ids, stages), lambda content: _asset_of(content, ids))
    return found.told(names)


def _asset_of(content: object, ids: Mapping[int, str]) -> object:
    link = content.get("equipment_id") if isinstance(content, dict) else None
    return ids.get(link[0]) if isinstance(link, list) and link and isinstance(link[0], int) else None


def _work_of(content: object, ids: Mapping[int, str], stages: SiteStages) -> AssetWork:
    row = CompletedRequest.model_validate(content)
    name = ids[row.equipment_id.id] if row.equipment_id is not None and row.equipment_id.id in ids else ""
    if status_of(row, stages) is not WorkOrderStatus.COMPLETED:
        return name, None
    kind = _KINDS.get(row.maintenance_type, WorkKind.UNKNOWN)
    return name, ToldWork(record=str(row.id), done_at=_done_at(row), kind=kind)


def _done_at(row: CompletedRequest) -> datetime:
    """The last change of the request, or the end of the day of its closing, whichever was first."""
    if row.close_date is None:
        return row.write_date
    return min(row.write_date, datetime.combine(row.close_date, time.max, UTC))
