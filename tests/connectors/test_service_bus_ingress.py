"""The ingress from a Service Bus, against the sandbox's bus as a black box."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from pydantic import SecretStr, ValidationError

from connectors.azure.service_bus import (
    BusMessage,
    EntityReceiver,
    EntitySettings,
    ServiceBusIngress,
    ServiceBusSettings,
    connect,
)
from domain.errors import ActionRequired, Unavailable
from millwright.runtime.embedded.processes import quiet_port
from sandbox.bus.server import ServiceBus

PATIENCE = 20.0


@pytest.fixture
async def bus() -> AsyncIterator[ServiceBus]:
    server = ServiceBus(directory=None, port=0)
    server.add_topic("twin-events", ["millwright"], max_delivery=2)
    server.add_queue("alarms")
    server.add_queue("by-twin", sessions=True)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def ingress(bus: ServiceBus) -> AsyncIterator[ServiceBusIngress]:
    entities = (
        EntitySettings(topic="twin-events", subscription="millwright", dead_letter=True),
        EntitySettings(queue="alarms"),
        EntitySettings(queue="by-twin", sessions=True),
    )
    async with connect(_settings(bus.connection_string, *entities)) as opened:
        yield opened


async def test_a_message_comes_with_all_that_reading_needs(bus: ServiceBus, ingress: ServiceBusIngress) -> None:
    bus.publish(
        "twin-events",
        b'{"a":1}',
        application_properties={"cloudEvents:id": "e-1", "count": 5},
        message_id="m-1",
        content_type="application/json",
    )
    (message,) = await _some(ingress.receivers[0])
    assert (message.entity, message.sequence_number, message.message_id) == ("twin-events/millwright", 1, "m-1")
    assert message.application_properties == {"cloudEvents:id": "e-1", "count": "5"}
    assert (message.content_type, message.body, message.delivery_count) == ("application/json", b'{"a":1}', 0)
    assert message.enqueued_at is not None
    assert message.enqueued_at.tzinfo is not None
    assert await ingress.receivers[0].settle([message]) == 1
    assert bus.drained("twin-events")


async def test_what_is_not_settled_is_not_gone(bus: ServiceBus, ingress: ServiceBusIngress) -> None:
    _publish(bus, "alarms", 3)
    receiver = ingress.receivers[2]
    first = await _some(receiver, 3)
    await receiver.settle(first[:1])
    assert bus.counts("alarms")["locked"] == 2
    assert await receiver.abandon(first[1:]) == 2
    again = await _some(receiver, 2)
    assert {message.sequence_number for message in again} == {2, 3}
    assert {message.delivery_count for message in again} == {1}


async def test_many_are_settled_at_once_and_every_one_of_them(bus: ServiceBus, ingress: ServiceBusIngress) -> None:
    _publish(bus, "twin-events", 1000)
    receiver, seen = ingress.receivers[0], set[int]()
    while len(seen) < 1000:
        batch = await _some(receiver)
        seen |= {message.sequence_number for message in batch}
        assert await receiver.settle(batch) == len(batch)
    assert bus.counts("twin-events")["settled"] == 1000


async def test_what_follows_a_full_batch_is_had_before_that_one_is_settled(
    bus: ServiceBus, ingress: ServiceBusIngress
) -> None:
    _publish(bus, "alarms", 5)
    receiver = ingress.receivers[2]
    first = await receiver.receive(2)
    following = await receiver.more(10)
    assert [message.sequence_number for message in [*first, *following]] == [1, 2, 3, 4, 5]
    assert await receiver.settle(first) == 2
    assert await receiver.settle(following) == 3
    assert await receiver.more(10) == []


async def test_nothing_follows_in_a_session_or_before_anything_was_received(
    bus: ServiceBus, ingress: ServiceBusIngress
) -> None:
    _publish(bus, "alarms", 1)
    assert await ingress.receivers[2].more(10) == []
    assert await ingress.receivers[3].more(10) == []


# The client (7.15) forgets to close its side of a connection that the server cut, and leaves it to the collector.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
async def test_where_the_connection_broke_nothing_follows_and_all_comes_again(
    bus: ServiceBus, ingress: ServiceBusIngress
) -> None:
    receiver = ingress.receivers[2]
    _publish(bus, "alarms", 1)
    first = await _some(receiver)
    assert bus.drop_connections() >= 1
    assert await receiver.more(10) == []
    async for batch in receiver.batches():
        if batch:
            assert batch[0].sequence_number == first[0].sequence_number
            assert await receiver.settle(batch) == 1
            receiver.stop()
    gc.collect()


async def test_a_lost_lock_is_no_error_and_the_message_comes_again(bus: ServiceBus, ingress: ServiceBusIngress) -> None:
    _publish(bus, "alarms", 1)
    receiver = ingress.receivers[2]
    first = await _some(receiver)
    assert bus.expire_locks("alarms") == 1
    assert await receiver.settle(first) == 0
    (again,) = await _some(receiver)
    assert again.sequence_number == first[0].sequence_number
    assert await receiver.settle([again]) == 1


async def test_dead_letters_come_through_a_receiver_of_their_own(bus: ServiceBus, ingress: ServiceBusIngress) -> None:
    _publish(bus, "twin-events", 1)
    for _ in range(2):
        await ingress.receivers[0].abandon(await _some(ingress.receivers[0]))
    (dead,) = await _some(ingress.receivers[1])
    assert dead.entity == "twin-events/millwright/$deadletter"
    assert dead.application_properties["DeadLetterReason"] == "MaxDeliveryCountExceeded"
    assert await ingress.receivers[1].settle([dead]) == 1


async def test_sessions_are_served_one_after_another(bus: ServiceBus, ingress: ServiceBusIngress) -> None:
    for twin in ("machine-001", "machine-002"):
        for number in range(2):
            bus.publish(
                "by-twin",
                b"{}",
                application_properties={},
                message_id=f"{twin}-{number}",
                content_type=None,
                session_id=twin,
            )
    receiver, seen = ingress.receivers[3], list[str | None]()
    while len(seen) < 4:
        batch = await _some(receiver)
        assert len({message.session_id for message in batch}) == 1
        seen += [message.message_id for message in batch]
        await receiver.settle(batch)
    assert sorted(map(str, seen)) == ["machine-001-0", "machine-001-1", "machine-002-0", "machine-002-1"]
    assert await receiver.receive(max_wait=timedelta(seconds=0.2)) == []


# The client (7.15) forgets to close its side of a connection that the server cut, and leaves it to the collector.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
async def test_a_dropped_connection_is_opened_again_and_loses_nothing(
    bus: ServiceBus, ingress: ServiceBusIngress
) -> None:
    receiver = ingress.receivers[2]
    _publish(bus, "alarms", 1)
    first = await _some(receiver)
    assert bus.drop_connections() >= 1
    assert await receiver.settle(first) == 0
    async for batch in receiver.batches():
        if batch:
            assert batch[0].sequence_number == first[0].sequence_number
            assert await receiver.settle(batch) == 1
            receiver.stop()
    gc.collect()


async def test_a_bus_that_is_not_there_is_told_once_and_read_when_it_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    port = quiet_port()
    string = f"Endpoint=sb://localhost:{port};SharedAccessKeyName=a;SharedAccessKey=b;UseDevelopmentEmulator=true;"
    server = ServiceBus(directory=None, port=port)
    server.add_queue("alarms")
    tried = asyncio.Event()

    class AttemptLog(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            tried.set()

    log = logging.getLogger("connectors.azure.service_bus.receiver")
    handler = AttemptLog()
    log.addHandler(handler)
    try:
        async with connect(_settings(string, EntitySettings(queue="alarms"))) as ingress:
            receiver = ingress.receivers[0]

            async def read() -> list[BusMessage]:
                async for batch in receiver.batches():
                    if batch:
                        await receiver.settle(batch)
                        return batch
                return []

            with caplog.at_level(logging.WARNING, logger=log.name):
                reading = asyncio.create_task(read())
                await asyncio.wait_for(tried.wait(), PATIENCE)
                await server.start()
                _publish(server, "alarms", 1)
                (message,) = await asyncio.wait_for(reading, PATIENCE)
        assert message.entity == "alarms"
        away, back = [record.getMessage() for record in caplog.records if record.name == log.name]
        assert away.startswith("service_bus: alarms cannot be read, trying again until it is there: ")
        assert f"nothing answers: alarms at localhost:{port}" in away
        assert back == f"service_bus: alarms at localhost:{port} answers again"
    finally:
        log.removeHandler(handler)
        await server.stop()


async def test_what_answers_is_said_in_a_line_and_what_does_not_is_an_error(
    bus: ServiceBus, ingress: ServiceBusIngress
) -> None:
    assert await ingress.check() == (f"Service Bus at localhost:{bus.port}: twin-events/millwright, alarms, by-twin")
    async with connect(_settings(bus.connection_string, EntitySettings(queue="nowhere"))) as elsewhere:
        with pytest.raises(ActionRequired, match="there is no such entity: nowhere") as refused:
            await elsewhere.check()
        assert refused.value.field == "nowhere"
    string = (
        f"Endpoint=sb://localhost:{quiet_port()};SharedAccessKeyName=a;SharedAccessKey=b;UseDevelopmentEmulator=true;"
    )
    async with connect(_settings(string, EntitySettings(queue="alarms"))) as silent:
        with pytest.raises(Unavailable, match="nothing answers"):
            await silent.check()
    async with connect(_settings("what is this", EntitySettings(queue="alarms"))) as nonsense:
        with pytest.raises(ActionRequired, match="Endpoint=sb://"):
            await nonsense.check()


async def test_checking_takes_nothing_from_those_at_work(bus: ServiceBus, ingress: ServiceBusIngress) -> None:
    _publish(bus, "alarms", 2)
    await ingress.check()
    messages = await _some(ingress.receivers[2], 2)
    assert {message.delivery_count for message in messages} == {0}


async def test_closing_gives_back_what_was_fetched_and_not_handed_out(bus: ServiceBus) -> None:
    _publish(bus, "alarms", 50)
    ingress = connect(_settings(bus.connection_string, EntitySettings(queue="alarms")))
    (first,) = await ingress.receivers[0].receive(1)
    await ingress.receivers[0].settle([first])
    await ingress.close()
    assert bus.counts("alarms")["active"] == 49


@pytest.mark.parametrize(
    "entity",
    [{}, {"queue": "a", "topic": "b", "subscription": "c"}, {"topic": "b"}, {"subscription": "c"}, {"queue": ""}],
)
def test_an_entity_is_a_queue_or_a_subscription(entity: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        EntitySettings(**entity)


def test_a_namespace_has_one_way_in_and_keeps_its_key_to_itself() -> None:
    queue = EntitySettings(queue="a")
    with pytest.raises(ValidationError):
        ServiceBusSettings(entities=(queue,))
    with pytest.raises(ValidationError, match="twice"):
        ServiceBusSettings(namespace="n", entities=(queue, queue))
    settings = _settings("Endpoint=sb://plant.servicebus.windows.net/;SharedAccessKey=hush", queue)
    assert settings.address == "plant.servicebus.windows.net"
    assert "hush" not in repr(settings)


def _settings(connection_string: str, *entities: EntitySettings) -> ServiceBusSettings:
    return ServiceBusSettings(
        connection_string=SecretStr(connection_string),
        entities=entities,
        max_wait=timedelta(seconds=0.5),
        longest_backoff=timedelta(seconds=0.3),
    )


def _publish(bus: ServiceBus, entity: str, count: int) -> None:
    for number in range(count):
        bus.publish(entity, b"{}", application_properties={}, message_id=str(number), content_type="application/json")


async def _some(receiver: EntityReceiver, at_least: int = 1) -> list[BusMessage]:
    """Messages as soon as there are enough of them; fails where they do not come."""
    found: list[BusMessage] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < at_least:
            found += await receiver.receive()
    return found
