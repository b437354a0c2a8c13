"""A machine, or several, that tell their state by PackML over OPC UA (OPC 30050). They are only read."""

import httpx

from connectors.mes.packml.connector import PackMlMes
from connectors.mes.packml.settings import PackMlSettings
from domain.clock import Clock, WallClock

__all__ = ["PackMlMes", "PackMlSettings", "connect"]


def connect(
    settings: PackMlSettings,
    http_client: httpx.AsyncClient | None = None,  # noqa: ARG001  # every connector is made alike; OPC UA has no use for it
    *,
    system: str,
    clock: Clock | None = None,
) -> PackMlMes:
    """The connector to one PackML server. It connects at its first use; `close` ends the connection.

    Args:
        http_client: not used: OPC UA is its own protocol over TCP.
        system: the id of this instance.
        clock: the time of readings; default wall time.
    """
    return PackMlMes(settings, system, clock or WallClock())
