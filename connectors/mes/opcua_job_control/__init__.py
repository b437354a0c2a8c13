"""An MES that is an OPC UA ISA-95 Job Control v2 server (OPC 10031-4)."""

import httpx

from connectors.mes.opcua_job_control.connector import JobControlMes
from connectors.mes.opcua_job_control.settings import JobControlSettings
from domain.clock import Clock, WallClock

__all__ = ["JobControlMes", "JobControlSettings", "connect"]


def connect(
    settings: JobControlSettings,
    http_client: httpx.AsyncClient | None = None,  # noqa: ARG001  # every connector is made alike; OPC UA has no use for it
    *,
    system: str,
    clock: Clock | None = None,
) -> JobControlMes:
    """The connector to one Job Control server; the connection is opened at first use, and `close` ends it.

    Args:
        http_client: not used: OPC UA is a protocol of its own over TCP.
        system: the id of this instance.
        clock: the time by which a planned stop is next, wall time where not given.
    """
    return JobControlMes(settings, system, clock or WallClock())
