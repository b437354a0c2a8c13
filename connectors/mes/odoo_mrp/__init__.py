"""An MES that is Odoo's manufacturing module (MRP), by its JSON-2 API with an API key."""

import httpx

from connectors.mes.odoo_mrp.connector import OdooMes
from connectors.mes.odoo_mrp.settings import OdooSettings
from domain.clock import Clock, WallClock

__all__ = ["OdooMes", "OdooSettings", "connect"]


def connect(settings: OdooSettings, http: httpx.AsyncClient, *, system: str, clock: Clock | None = None) -> OdooMes:
    """The connector to one Odoo; nothing is asked of it yet.

    Args:
        http: the client that sends the requests; whoever made it closes it.
        system: the id of this instance.
        clock: the time of readings and releases; default wall time.
    """
    return OdooMes(settings, http, system, clock or WallClock())
