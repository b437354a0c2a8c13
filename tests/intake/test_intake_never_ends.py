"""What must not end intake: any message, any state of the database, and a fault of our own."""

import asyncio
import logging
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from azure.servicebus.aio import ServiceBusClient
from azure.servicebus.amqp import AmqpAnnotatedMessage

from domain.anomaly import Received
from millwright.bootstrap import Storage
from millwright.intake.running import run_intake
from millwright.settings import Settings
from millwright.storage.events.inbox import Inbox, Stored
from sandbox.bus.amqp_types import Char, DecimalBits
from sandbox.bus.codec import encode
from sandbox.bus.message import VALUE, Message, section
from tests.intake.conftest import QUEUE, TOPIC, BusPlant
from tests.support.demotion import read_only
from tests.support.ingress import row, rows, until

Intake = Callable[[], AbstractAsyncContextManager[asyncio.Event]]


async def send(plant: BusPlant, **body: object) -> None:
    async with (
        ServiceBusClient.from_connection_string(plant.bus.connection_string) as client,
        client.get_queue_sender(QUEUE) as sender,
    ):
        await sender.send_messages(AmqpAnnotatedMessage(**body))


async def all_settled(plant: BusPlant, entity: str, count: int) -> None:
    async def settled() -> bool:
        return plant.bus.counts(entity)["settled"] == count and plant.bus.drained(entity)

    await until(settled)


BODIES: dict[str, dict[str, object]] = {
    "map": {"value_body": {"machine": "PDM-001", "state": "alarm"}},
    "sequence": {"sequence_body": [[{"machine": "PDM-001"}]]},
    "several sequences": {"sequence_body": [[1, "a"], [b"\xff", None]]},
    "map of bytes": {"value_body": {b"\xff\xfe": b"\x00\x01"}},
    "map of numbers": {"value_body": {1: 2, 2: 2.5, -(2**31): 2**31 - 1}},
    "not a number": {"value_body": {"score": float("nan"), "baseline": float("inf")}},
    "keys that are one in JSON": {"value_body": {1: "number", "1": "text"}},
    "uuid": {"value_body": {"id": uuid.UUID(int=7)}},
    "decimal": {"value_body": {"score": Decimal("1.5")}},
    "time": {"value_body": {"at": datetime(2015, 1, 10, 7, tzinfo=UTC)}},
    "nothing": {"value_body": None},
    "nested": {"value_body": {"a": [{"b": [[{"c": None}]]}]}},
    "text": {"value_body": "PDM-001"},
    "odd properties": {
        "value_body": {"a": 1},
        "application_properties": {"id": uuid.UUID(int=7), "at": datetime(2015, 1, 10, tzinfo=UTC), "raw": b"\x01"},
        "properties": {"message_id": b"\xff\xfe", "content_type": b"\xff"},
    },
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_a_body_of_any_type_is_stored_and_all_others_go_on(
    plant: BusPlant, storage: Storage, intake: Intake, body: dict[str, object]
) -> None:
    async with intake():
        plant.send(QUEUE, row(1), "before")
        await send(plant, **body)
        plant.send(QUEUE, row(2), "later")
        await all_settled(plant, QUEUE, 3)
        plant.send(TOPIC, row(3), "elsewhere")
        await all_settled(plant, TOPIC, 1)
    counts = await storage.inbox.counts()
    assert (counts["received"], counts["undecided"]) == (4, 3)


def nested(depth: int) -> object:
    return [] if depth == 0 else [nested(depth - 1)]


@pytest.mark.parametrize(
    "value",
    [Char(65), DecimalBits(b"\x01" * 4), {"a": [DecimalBits(b"\x01" * 8)]}, nested(70)],
    ids=["char", "decimal32", "decimal64", "nested deeper than the client reads"],
)
async def test_what_the_buses_own_client_cannot_decode_is_quarantined_with_its_bytes_and_alone(
    plant: BusPlant, storage: Storage, intake: Intake, value: object
) -> None:
    sent = section(VALUE, encode(value))
    async with intake():
        plant.send(QUEUE, row(1), "before")
        entity = plant.bus._broker.find(QUEUE)
        assert entity is not None
        entity.put(Message([], {}, sent))
        plant.send(QUEUE, row(2), "later")
        await all_settled(plant, QUEUE, 3)
        plant.bus.redeliver(QUEUE, 3)
        await all_settled(plant, QUEUE, 3)
    assert plant.bus.counts(QUEUE)["dead_letter"] == 0
    counts = await storage.inbox.counts()
    assert (counts["received"], counts["undecided"], counts["quarantined"]) == (3, 2, 1)
    ((raw, reason),) = await rows(storage.engine, "SELECT raw, reason FROM events WHERE fate = 'quarantined'")
    assert raw == sent
    assert "the bus's client does not know" in str(reason)


async def test_a_database_that_turned_read_only_is_waited_for_and_written_to_again_over_new_connections(
    plant: BusPlant,
    storage: Storage,
    intake: Intake,
    database_url: str,
    postgres_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "millwright.intake.running")

    async def refused() -> bool:
        return "read-only" in caplog.text or "terminating" in caplog.text

    async with intake():
        plant.send(QUEUE, row(1), "before")
        await all_settled(plant, QUEUE, 1)
        with read_only(database_url, postgres_url):
            plant.send(QUEUE, row(2), "meanwhile")
            await until(refused)
            await asyncio.sleep(0.5)  # several attempts, so that connections are opened that cannot write
            assert plant.bus.counts(QUEUE)["locked"] == 1
        await all_settled(plant, QUEUE, 2)
    counts = await storage.inbox.counts()
    assert (counts["received"], counts["undecided"]) == (2, 2)
    assert caplog.text.count("wait for storage: ") == 1
    assert caplog.text.count("storage is back") == 1
    assert plant.bus.counts(QUEUE)["dead_letter"] == 0


class FaultyInbox(Inbox):
    """An inbox with a fault of ours in it: its first calls raise what nobody thought of."""

    def __init__(self, inner: Inbox, errors: Sequence[Exception]) -> None:
        super().__init__(inner._engine)
        self._errors = list(errors)

    async def take(self, items: Sequence[Received], now: datetime) -> Stored:
        if self._errors:
            raise self._errors.pop()
        return await super().take(items, now)


async def test_a_fault_of_ours_is_logged_with_its_traceback_and_ends_no_loop(
    plant: BusPlant, storage: Storage, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    faulty = replace(storage, inbox=FaultyInbox(storage.inbox, [TypeError("nobody thought of it")] * 2))
    stop = asyncio.Event()
    running = asyncio.create_task(run_intake(settings, faulty, stop))
    plant.send(QUEUE, row(1), "a")
    await all_settled(plant, QUEUE, 1)
    plant.send(TOPIC, row(2), "b")
    await all_settled(plant, TOPIC, 1)
    stop.set()
    await asyncio.wait_for(running, 20)
    assert (await storage.inbox.counts())["undecided"] == 2
    assert caplog.text.count("TypeError: nobody thought of it") == 2
    assert "Traceback" in caplog.text


async def test_a_message_whose_reading_is_a_fault_of_ours_is_quarantined_with_its_bytes(
    plant: BusPlant, storage: Storage, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("nobody thought of it")

    # There is no message known that does this; what stands in for it must be put there.
    monkeypatch.setattr("millwright.intake.reading.read_update", broken)
    async with intake():
        plant.bus.publish(
            QUEUE,
            b'{"modelId": "dtmi:m;1", "patch": []}',
            application_properties={
                "cloudEvents:specversion": "1.0",
                "cloudEvents:id": "u",
                "cloudEvents:source": "adt",
                "cloudEvents:type": "Microsoft.DigitalTwins.Twin.Update",
            },
            message_id="u",
            content_type="application/json",
        )
        plant.send(QUEUE, row(1), "a")
        await all_settled(plant, QUEUE, 2)
    found = await rows(storage.engine, "SELECT fate, source, external_id FROM events ORDER BY external_id")
    assert found == [("decided", "host/machine-001", "a"), ("quarantined", "adt", "u")]
