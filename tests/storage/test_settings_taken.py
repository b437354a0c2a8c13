"""The settings that steer are in the record: once for each change, and whoever alters them is named."""

import asyncio
from datetime import timedelta
from typing import Final

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.processes import ProcessKind
from millwright.audit.verifying import verify
from millwright.storage.database.engine import open_engine
from millwright.storage.ledger.settings_taken import connection_name, settings_running, take_settings
from tests.support.ingress import rows
from tests.support.plant import START, TestClock

HOURLY: Final[dict[str, object]] = {"hold_interval": "PT1H", "work_window": None}
DAILY: Final[dict[str, object]] = {"hold_interval": "P1D", "work_window": None}
_TAKEN: Final = "SELECT subject, actor, body::json -> 'detail' FROM acts WHERE kind = 'settings-taken' ORDER BY id"
_WITH_ITS_DIGEST: Final = """
UPDATE acts SET body = replace(body, 'PT1H', 'PT9H'),
    digest = encode(sha256(convert_to(replace(body, 'PT1H', 'PT9H'), 'UTF8')), 'hex') WHERE kind = 'settings-taken'
"""


async def take(engine: AsyncEngine, values: dict[str, object], process: ProcessKind = ProcessKind.CASES) -> list[str]:
    return [*await take_settings(engine, TestClock(), process, values)]


async def test_settings_are_recorded_when_they_differ_and_a_restart_with_the_same_writes_nothing(
    storage_engine: AsyncEngine,
) -> None:
    assert await take(storage_engine, HOURLY) == ["hold_interval"]
    assert await take(storage_engine, HOURLY) == []
    assert await take(storage_engine, DAILY) == ["hold_interval"]
    assert await rows(storage_engine, _TAKEN) == [
        ("settings/cases", "millwright", {"changed": ["hold_interval"], "settings": HOURLY}),
        ("settings/cases", "millwright", {"changed": ["hold_interval"], "settings": DAILY}),
    ]


async def test_each_kind_of_process_has_settings_of_its_own(storage_engine: AsyncEngine) -> None:
    for process in ProcessKind:
        await take(storage_engine, HOURLY, process)
        await take(storage_engine, HOURLY, process)
    found = await rows(storage_engine, _TAKEN)
    assert [subject for subject, *_ in found] == [f"settings/{process}" for process in ProcessKind]


async def test_processes_that_start_at_once_record_the_same_settings_once(storage_engine: AsyncEngine) -> None:
    await asyncio.gather(*(take(storage_engine, HOURLY) for _ in range(6)))
    assert len(await rows(storage_engine, _TAKEN)) == 1


async def test_those_that_run_are_told_with_what_they_took_also_if_another_took_other_settings_since(
    storage_engine: AsyncEngine, database_url: str
) -> None:
    for values in (HOURLY, DAILY):
        await take(storage_engine, values)
    assert await settings_running(storage_engine) == []
    for values in (HOURLY, DAILY):
        engine = open_engine(database_url, name=connection_name({ProcessKind.CASES: values}))
        async with engine.connect():
            (running,) = await settings_running(storage_engine)
            assert (running.process, running.values, running.at) == (ProcessKind.CASES, values, START)
        await engine.dispose()


@pytest.mark.parametrize(
    ("alteration", "kinds"),
    [
        ("UPDATE acts SET body = replace(body, 'PT1H', 'PT9H') WHERE kind = 'settings-taken'", {"act-digest"}),
        (_WITH_ITS_DIGEST, {"ledger-root"}),
        ("UPDATE acts SET subject = 'settings/api' WHERE kind = 'settings-taken'", {"act-columns"}),
        ("UPDATE acts SET at = at - interval '1 day' WHERE kind = 'settings-taken'", {"act-columns"}),
        ("DELETE FROM acts WHERE kind = 'settings-taken'", {"ledger-leaf"}),
    ],
)
async def test_settings_that_somebody_alters_in_the_record_are_named(
    storage_engine: AsyncEngine, database_url: str, alteration: str, kinds: set[str]
) -> None:
    await take(storage_engine, HOURLY)
    whole = await verify(storage_engine)
    assert (whole.findings, [(row.process, row.taken, row.first) for row in whole.settings]) == ((), [("cases", 1, 1)])
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(alteration.encode())
    found = {finding.kind for finding in (await verify(storage_engine)).findings}
    assert kinds <= found, found


async def test_settings_are_recorded_in_the_plants_time(storage_engine: AsyncEngine) -> None:
    later = START + timedelta(days=400)
    await take_settings(storage_engine, TestClock(later), ProcessKind.API, HOURLY)
    assert await rows(storage_engine, "SELECT at FROM acts WHERE kind = 'settings-taken'") == [(later,)]
