"""Shared by the tests of event ingress: settings, a clock in a file, and events as senders write them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.canonical import timestamp
from millwright.settings import Settings
from tests.support.plant import START

NOW = START + timedelta(days=5)
TELEMETRY = "microsoft.iot.telemetry"


def settings_over(database_url: str, home: Path, **more: object) -> Settings:
    """Settings whose clock is at NOW until `set_clock`."""
    set_clock(home, NOW)
    return Settings.model_validate(
        {"home": home, "database_url": database_url, "clock": f"file:{home / 'clock'}", "api_port": 0, **more}
    )


def set_clock(home: Path, now: datetime) -> None:
    """Moves the plant's clock."""
    (home / "clock").write_text(timestamp(now))


def row(hours: float, device: str = "PDM-001", **changed: object) -> dict[str, object]:
    """A detector's row, so many hours after the plant's start."""
    at = timestamp(START + timedelta(hours=hours))
    return {"DeviceId": device, "Timestamp": at, "volt": 190.0, "score": 6.0, "baseline": 171.0} | changed


def cloud_event(data: object, external_id: str, **changed: object) -> dict[str, object]:
    """A CloudEvent in structured mode."""
    event = {"specversion": "1.0", "id": external_id, "source": "tests/adx", "type": TELEMETRY, "data": data}
    return {name: value for name, value in (event | changed).items() if value is not None}


async def rows(engine: AsyncEngine, statement: str, **values: object) -> Sequence[tuple[object, ...]]:
    """The rows of a query."""
    async with engine.connect() as connection:
        return [tuple(found) for found in await connection.execute(text(statement), values)]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Waits for a result that must come, and fails if it does not."""
    async with asyncio.timeout(15):
        found = await condition()
        while not found:
            await asyncio.sleep(0.01)
            found = await condition()
