"""An MES that is SAP Digital Manufacturing, by its public REST APIs with a client id and a client secret."""

import httpx

from connectors.mes.sap_dm.connector import SapDmMes
from connectors.mes.sap_dm.settings import SapDmSettings
from domain.clock import Clock, WallClock

__all__ = ["SapDmMes", "SapDmSettings", "connect"]


def connect(settings: SapDmSettings, http: httpx.AsyncClient, *, system: str, clock: Clock | None = None) -> SapDmMes:
    """The connector to one plant of SAP Digital Manufacturing; nothing is asked of it yet.

    Args:
        http: the client that sends the requests; whoever made it closes it.
        system: the id of this instance.
        clock: the time of readings; default wall time.
    """
    return SapDmMes(settings, http, system, clock or WallClock())
