"""What the bus acknowledged is there after a restart; what was completed is not, and no number is given twice."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient
from azure.servicebus.exceptions import MessagingEntityNotFoundError

from sandbox.bus.server import ServiceBus


def make(directory: Path) -> ServiceBus:
    bus = ServiceBus(directory)
    bus.add_queue("q", max_delivery=2)
    bus.add_queue("by-twin", sessions=True)
    bus.add_topic("t", ["a", "b"])
    return bus


def publish(bus: ServiceBus, entity: str, body: bytes = b"x") -> int:
    return bus.publish(entity, body, application_properties={}, message_id=None, content_type=None)


async def test_standing_numbers_and_session_state_survive_a_restart(tmp_path: Path) -> None:
    bus = make(tmp_path)
    await bus.start()
    for n in range(6):
        publish(bus, "q", str(n).encode())
    async with (
        ServiceBusClient.from_connection_string(bus.connection_string, retry_total=0) as client,
        client.get_queue_receiver("q", max_wait_time=5) as receiver,
        client.get_queue_sender("q") as sender,
        client.get_queue_receiver("by-twin", session_id="s", max_wait_time=5) as session,
    ):
        completed, abandoned, deferred, dead, _locked = await receiver.receive_messages(max_message_count=5)
        await receiver.complete_message(completed)
        await receiver.defer_message(deferred)
        await receiver.dead_letter_message(dead, reason="r")
        await sender.send_messages(ServiceBusMessage("sent"))
        await sender.schedule_messages(ServiceBusMessage("later"), datetime.now(UTC) + timedelta(hours=1))
        await session.session.set_state(b"state")
        await receiver.abandon_message(abandoned)
        assert bus._journal._database is not None
        bus._journal._database.close()
        bus._journal._database = None  # as if the process were killed: nothing more is written
    await bus.stop()

    again = make(tmp_path)
    await again.start()
    assert again.counts("q") == {
        "active": 4,
        "locked": 0,
        "deferred": 1,
        "scheduled": 1,
        "dead_letter": 1,
        "settled": 1,
    }
    async with (
        ServiceBusClient.from_connection_string(again.connection_string, retry_total=0) as client,
        client.get_queue_receiver("q", max_wait_time=5) as receiver,
        client.get_queue_receiver("by-twin", session_id="s", max_wait_time=5) as session,
    ):
        messages = await receiver.receive_messages(max_message_count=10)
        assert [(m.sequence_number, m.delivery_count) for m in messages] == [(2, 1), (5, 1), (6, 0), (7, 0)]
        assert bytes(await session.session.get_state()) == b"state"
        publish(again, "q")
        [new] = await receiver.receive_messages()
        assert new.sequence_number == 9
    await again.stop()


def test_a_message_locked_over_its_last_restart_is_dead_lettered(tmp_path: Path) -> None:
    bus = make(tmp_path)
    publish(bus, "q")
    queue = bus._entity("q")
    for _ in range(2):
        bus.flush()
        message = queue._messages[1]
        queue._lock(message, None, 2**62)
        bus.flush()
        assert bus._journal._database is not None
        bus._journal._database.close()  # killed with the lock held
        bus = make(tmp_path)
        queue = bus._entity("q")
    assert (bus.counts("q")["active"], bus.counts("q")["dead_letter"]) == (0, 1)
    bus._journal.close()


async def test_published_before_start_survives_and_reaches_every_subscription(tmp_path: Path) -> None:
    bus = make(tmp_path)
    assert publish(bus, "t") == 2
    assert publish(bus, "q") == 1
    await bus.stop()
    again = make(tmp_path)
    assert again.counts("t")["active"] == 2
    assert not again.drained("t/subscriptions/b")
    assert not again.drained("q")
    await again.stop()


async def test_the_journal_holds_nothing_of_what_is_settled(tmp_path: Path) -> None:
    bus = make(tmp_path)
    queue = bus._entity("q")
    for _ in range(3):
        for _ in range(3000):
            publish(bus, "q")
        for message in list(queue._messages.values()):
            queue._settle_for_good(message)
        bus.flush()
        assert list(bus._journal.read_messages(queue._log.number)) == []
    assert (tmp_path / "bus.sqlite").stat().st_size < 2_000_000
    await bus.stop()


def test_publishing_what_cannot_be_is_refused(tmp_path: Path) -> None:
    bus = make(tmp_path)
    with pytest.raises(KeyError):
        publish(bus, "nowhere")
    with pytest.raises(ValueError, match="262144"):
        publish(bus, "q", b"x" * 300_000)
    with pytest.raises(ValueError, match="session"):
        publish(bus, "by-twin")
    with pytest.raises(ValueError, match="property"):
        bus.publish("q", b"", application_properties={"a": object()}, message_id=None, content_type=None)
    with pytest.raises(ValueError, match="exists"):
        bus.add_queue("Q")
    bus._journal.close()


async def test_a_queue_that_was_removed_is_gone_for_its_users_and_begins_anew_after_a_restart_too(
    tmp_path: Path,
) -> None:
    bus = make(tmp_path)
    await bus.start()
    for _ in range(3):
        publish(bus, "q")
    async with (
        ServiceBusClient.from_connection_string(bus.connection_string, retry_total=0) as client,
        client.get_queue_receiver("q", max_wait_time=5) as receiver,
        client.get_queue_sender("q") as sender,
    ):
        await sender.send_messages(ServiceBusMessage("before"))
        [message] = await receiver.receive_messages()
        assert message.sequence_number == 1
        bus.remove_queue("q")
        with pytest.raises(MessagingEntityNotFoundError):
            await sender.send_messages(ServiceBusMessage("nowhere"))
        with pytest.raises(MessagingEntityNotFoundError):
            await receiver.receive_messages(max_wait_time=5)
        bus.add_queue("q", max_delivery=2)
        async with client.get_queue_receiver("q", max_wait_time=5) as anew:
            publish(bus, "q", b"new")
            [message] = await anew.receive_messages()
            assert (message.sequence_number, b"".join(message.body)) == (1, b"new")
            await anew.complete_message(message)
    await bus.stop()
    again = make(tmp_path)
    await again.start()
    assert again.counts("q")["settled"] == 1
    assert again.drained("q")
    publish(again, "q")
    assert [message.sequence for message in again._broker.entities()[1].peek(0, 9, None)] == [2]
    await again.stop()
