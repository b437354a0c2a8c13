"""The open work on an asset, as SAP tells it: notifications, and orders that people made without one."""

from datetime import datetime
from typing import Final

from connectors.call import Call
from connectors.cmms.sap_pm import mapping
from connectors.cmms.sap_pm.changes import works_of
from connectors.cmms.sap_pm.client import SapPmClient
from connectors.cmms.sap_pm.models import SapPmNotification, SapPmOrder
from connectors.cmms.sap_pm.odata import moment_literal
from connectors.cmms.sap_pm.rows import RowT, SapPmPage
from connectors.cmms.sap_pm.settings import SapPmSettings
from domain.open_work import OpenWork, OpenWorkQuery

NOTIFIED_AT: Final = "CreationDateTime"
ORDERED_AT: Final = "MaintOrderCreationDateTime"
ALONE: Final = "MaintenanceNotification eq ''"
"""An order that people made without a notification."""


async def open_work(client: SapPmClient, call: Call, settings: SapPmSettings, query: OpenWorkQuery) -> OpenWork:
    """See `domain.ports.Cmms.find_open_work`."""

    async def newest(model: type[RowT], wanted: list[str], created: str, since: datetime) -> SapPmPage[RowT]:
        where, top = [*wanted, f"{created} ge {moment_literal(since)}"], settings.page_size
        return await client.find(call, model, " and ".join(where), order_by=f"{created} desc", top=top)

    about = mapping.about_asset(query.asset_external_id, query.asset_attributes, settings)
    notifications = await newest(SapPmNotification, about, NOTIFIED_AT, query.since)
    orders = await newest(SapPmOrder, [ALONE, *about], ORDERED_AT, query.since)
    works, broken = await works_of(client, call, settings, notifications.rows)
    return OpenWork(
        orders=mapping.open_orders(works, orders.rows, settings, call.system),
        unreadable=tuple(row.report.words for row in (*notifications.unreadable, *orders.unreadable, *broken)),
        complete=not (notifications.more or orders.more),
    )
