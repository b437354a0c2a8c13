"""From the bus into storage: stored, then settled, and never the other way round."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from sqlalchemy import text

from domain.assets import Alias
from domain.errors import Rejected
from millwright.bootstrap import Storage
from millwright.intake.running import open_ingress, run_intake
from millwright.settings import Settings
from sandbox.faults import Fault, Faults
from tests.intake.conftest import QUEUE, SESSIONS, SUBSCRIPTION, TOPIC, BusPlant
from tests.support.ingress import row, rows, until
from tests.support.plant import START

Intake = Callable[[], AbstractAsyncContextManager[asyncio.Event]]


async def received(storage: Storage) -> int:
    return (await storage.inbox.counts())["received"]


def settled(plant: BusPlant, entity: str) -> int:
    return plant.bus.counts(entity)["settled"]


async def test_every_entity_is_read_and_what_is_stored_is_settled(
    plant: BusPlant, storage: Storage, intake: Intake
) -> None:
    for number in range(20):
        plant.send(QUEUE, row(1 + number / 10), f"q{number}")
        plant.send(TOPIC, row(4 + number / 10), f"t{number}")
        plant.send(SESSIONS, row(7 + number / 10), f"s{number}", session=f"machine-{number % 2}")

    async def drained() -> bool:
        return all(plant.bus.drained(entity) for entity in (QUEUE, TOPIC, SESSIONS))

    async with intake():
        await until(drained)
    counts = await storage.inbox.counts()
    assert (counts["undecided"], counts["received"]) == (60, 60)
    per_queue = await rows(storage.engine, "SELECT ingress, count(*) FROM events GROUP BY 1 ORDER BY 1")
    assert per_queue == [(QUEUE, 20), (SESSIONS, 20), (f"{TOPIC}/{SUBSCRIPTION}", 20)]
    assert await rows(storage.engine, "SELECT subject FROM due") == [("line/LINE-1",)]


async def test_a_redelivery_counts_nothing_and_a_repeated_observation_is_a_duplicate(
    plant: BusPlant, storage: Storage, intake: Intake
) -> None:
    plant.send(QUEUE, row(1), "a")
    plant.send(QUEUE, row(1), "a")
    plant.send(QUEUE, row(1), "b")

    async def all_settled() -> bool:
        return settled(plant, QUEUE) == 3 and plant.bus.drained(QUEUE)

    async with intake():
        await until(all_settled)
        plant.bus.redeliver(QUEUE, 3)
        await until(all_settled)
    counts = await storage.inbox.counts()
    assert (counts["undecided"], counts["duplicate"], counts["received"]) == (1, 2, 3)


SICK: dict[str, tuple[object, str]] = {
    "not-json": (b"{nonsense", "data"),
    "nan": (
        b'{"score": NaN, "baseline": 1, "DeviceId": "PDM-001", "Timestamp": "2015-01-10T08:00:00Z"}',
        "data.score",
    ),
    "of-2099": (row(1, Timestamp="2099-01-01T00:00:00Z"), "data.Timestamp"),
    "with-nul": (row(1, DeviceId="PDM\x00"), "data.DeviceId"),
    "negative": (row(1, confidence=-1), "data.confidence"),
    "no-time": ({"DeviceId": "PDM-001", "volt": 1, "score": 6, "baseline": 1}, "data.Timestamp"),
}


async def test_unreadable_messages_are_quarantined_by_their_field_and_the_rest_go_on(
    plant: BusPlant, storage: Storage, intake: Intake
) -> None:
    plant.send(QUEUE, row(1), "before")
    for name, (data, _) in SICK.items():
        plant.send(QUEUE, data, name)
    plant.send(QUEUE, row(2), "later")

    async def drained() -> bool:
        return plant.bus.drained(QUEUE)

    async with intake():
        await until(drained)
    stored = await rows(storage.engine, "SELECT external_id, fate, field FROM events")
    expected = {(name, "quarantined", field) for name, (_, field) in SICK.items()}
    assert set(stored) == expected | {("before", "decided", None), ("later", "decided", None)}
    assert len(await rows(storage.engine, "SELECT FROM pending")) == 2


async def test_a_message_is_kept_on_the_bus_until_storage_is_back(
    plant: BusPlant, storage: Storage, intake: Intake, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "millwright.intake.running")

    async def warned() -> bool:
        return "1 messages wait for storage" in caplog.text

    async def all_settled() -> bool:
        return settled(plant, QUEUE) == 1

    async with storage.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE events RENAME TO events_away"))
    async with intake():
        plant.send(QUEUE, row(1), "a")
        await until(warned)
        assert settled(plant, QUEUE) == 0
        assert plant.bus.counts(QUEUE)["locked"] == 1
        async with storage.engine.begin() as connection:
            await connection.execute(text("ALTER TABLE events_away RENAME TO events"))
        await until(all_settled)
    assert await received(storage) == 1
    assert caplog.text.count("wait for storage") == 1


async def test_a_stop_while_storage_is_away_gives_the_messages_back(
    plant: BusPlant, storage: Storage, intake: Intake, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "millwright.intake.running")

    async def warned() -> bool:
        return "wait for storage" in caplog.text

    async with storage.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE events RENAME TO events_away"))
    async with intake():
        plant.send(QUEUE, row(1), "a")
        await until(warned)
    assert plant.bus.counts(QUEUE)["active"] + plant.bus.counts(QUEUE)["locked"] == 1
    assert settled(plant, QUEUE) == 0


# The vendor's client leaves the sockets of connections that the bus cut to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
async def test_a_bus_that_goes_and_comes_back_loses_nothing_and_says_so_once(
    plant: BusPlant, storage: Storage, intake: Intake, faults: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)

    async def warned() -> bool:
        return "trying again until it is there" in caplog.text

    async def drained() -> bool:
        return plant.bus.drained(QUEUE) and await received(storage) == 2

    async with intake():
        plant.send(QUEUE, row(1), "a")
        faults.add(Fault("bus", "connect", "down", times=None))
        await until(warned)
        plant.send(QUEUE, row(2), "b")
        faults.clear()
        await until(drained)
    of_the_queue = [message for message in caplog.messages if f"{QUEUE} at" in message and "trying again" in message]
    assert len(of_the_queue) == 1
    caplog.clear()  # what was logged holds the connections' errors, and they their sockets


async def test_a_device_mapped_a_moment_ago_is_known_before_a_message_is_called_unmapped(
    plant: BusPlant, storage: Storage, intake: Intake
) -> None:
    async def one_stored() -> bool:
        return await received(storage) == 1

    async def both_stored() -> bool:
        return await received(storage) == 2

    async with intake():
        plant.send(QUEUE, row(1), "a")
        await until(one_stored)
        alias = Alias(system="device", external_id="PDM-002", asset="machine-001", valid_from=START)
        await storage.register.map_alias(alias, "tests")
        plant.send(QUEUE, row(2, device="PDM-002"), "b")
        await until(both_stored)
    assert (await storage.inbox.counts())["undecided"] == 2


async def test_a_dead_lettered_message_is_taken_from_its_own_queue(
    plant: BusPlant, storage: Storage, intake: Intake, faults: Faults
) -> None:
    async def stored() -> bool:
        return await received(storage) == 1

    plant.bus.publish(f"{QUEUE}/$DeadLetterQueue", b"{}", application_properties={}, message_id="d", content_type=None)
    async with intake():
        await until(stored)
    assert await rows(storage.engine, "SELECT ingress FROM events") == [(f"{QUEUE}/$deadletter",)]


@pytest.mark.parametrize(
    ("bus", "field"),
    [
        (None, "bus"),
        ({"connector": "kafka"}, "bus"),
        ({"connector": "service_bus", "connection_string": "x", "entities": []}, "bus__entities"),
    ],
)
def test_settings_that_name_no_bus_are_refused_by_their_name(bus: object, field: str, tmp_path: Path) -> None:
    with pytest.raises(Rejected) as refused:
        open_ingress(Settings.model_validate({"home": tmp_path, "bus": bus}))
    assert refused.value.field == field
    assert "MILLWRIGHT_BUS" in str(refused.value)


async def test_intake_that_is_asked_to_end_at_once_ends(settings: Settings, storage: Storage) -> None:
    stop = asyncio.Event()
    stop.set()
    await asyncio.wait_for(run_intake(settings, storage, stop), 10)
