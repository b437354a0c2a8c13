"""While a full batch is stored the next is fetched, and each is settled after its own commit."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from sqlalchemy import text

from millwright.bootstrap import Storage
from millwright.settings import Settings
from tests.intake.conftest import QUEUE, BusPlant
from tests.support.ingress import row, rows, until

MESSAGES = 7
Intake = Callable[[], AbstractAsyncContextManager[asyncio.Event]]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"intake_batch": 2})


def _send(plant: BusPlant) -> None:
    for number in range(MESSAGES):
        plant.send(QUEUE, row(1 + number / 10), f"q{number}")


async def _rename(storage: Storage, table: str, name: str) -> None:
    async with storage.engine.begin() as connection:
        await connection.execute(text(f"ALTER TABLE {table} RENAME TO {name}"))


async def test_batches_that_follow_one_another_are_all_stored_once_and_settled(
    plant: BusPlant, storage: Storage, intake: Intake
) -> None:
    async def all_settled() -> bool:
        return plant.bus.counts(QUEUE)["settled"] == MESSAGES

    _send(plant)
    async with intake():
        await until(all_settled)
    stored = await rows(storage.engine, "SELECT external_id FROM events ORDER BY 1")
    assert stored == [(f"q{number}",) for number in range(MESSAGES)]
    assert await rows(storage.engine, "SELECT FROM duplicates") == []


async def test_nothing_that_was_fetched_meanwhile_is_settled_before_storage_has_it(
    plant: BusPlant, storage: Storage, intake: Intake, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "millwright.intake.running")

    async def warned() -> bool:
        return "2 messages wait for storage" in caplog.text

    async def all_settled() -> bool:
        return plant.bus.counts(QUEUE)["settled"] == MESSAGES

    await _rename(storage, "events", "events_away")
    _send(plant)
    async with intake():
        await until(warned)
        assert plant.bus.counts(QUEUE)["settled"] == 0
        await _rename(storage, "events_away", "events")
        await until(all_settled)
    assert (await storage.inbox.counts())["received"] == MESSAGES


async def test_a_stop_while_storage_is_away_gives_back_what_was_fetched_meanwhile_too(
    plant: BusPlant, storage: Storage, intake: Intake, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "millwright.intake.running")

    async def warned() -> bool:
        return "2 messages wait for storage" in caplog.text

    await _rename(storage, "events", "events_away")
    _send(plant)
    async with intake():
        await until(warned)
    counts = plant.bus.counts(QUEUE)
    assert (counts["active"] + counts["locked"], counts["settled"]) == (MESSAGES, 0)
