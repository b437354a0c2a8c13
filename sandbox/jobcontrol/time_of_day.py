"""The server's CurrentTime: the time of day, not the plant's (OPC 10000-5, ServerStatusType)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from asyncua import Server, ua

_TICK_SECONDS: Final = 1


async def show_time(server: Server) -> None:
    """Write the time every second until cancelled. asyncua's own task delays the server's stop by a second."""
    status_node = server.get_node(ua.ObjectIds.Server_ServerStatus)
    time_node = server.get_node(ua.ObjectIds.Server_ServerStatus_CurrentTime)
    while True:
        now = datetime.now(UTC)
        await status_node.write_value(replace(await status_node.read_value(), CurrentTime=now))
        await time_node.write_value(now)
        await asyncio.sleep(_TICK_SECONDS)
