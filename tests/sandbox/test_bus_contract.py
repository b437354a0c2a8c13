"""The unmodified azure-servicebus client against the sandbox's Service Bus, over the wire."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from azure.servicebus import (
    NEXT_AVAILABLE_SESSION,
    ServiceBusMessage,
    ServiceBusReceiveMode,
    ServiceBusSubQueue,
)
from azure.servicebus.exceptions import (
    MessageLockLostError,
    MessageNotFoundError,
    MessageSizeExceededError,
    MessagingEntityNotFoundError,
    OperationTimeoutError,
    ServiceBusError,
    SessionCannotBeLockedError,
    SessionLockLostError,
)

from sandbox.bus.filters import CorrelationFilter, SqlFilter
from sandbox.bus.server import ServiceBus
from sandbox.bus.topic import Subscription
from tests.support.bus_client import Client

DEAD = ServiceBusSubQueue.DEAD_LETTER


@pytest.fixture(scope="module")
async def leaving() -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks: list[asyncio.Task[None]] = []
    yield tasks
    await asyncio.wait_for(asyncio.gather(*tasks), 20)


@pytest.fixture
async def bus() -> ServiceBus:
    bus = ServiceBus(None)
    bus.add_queue("q", max_delivery=3)
    bus.add_queue("brief", lock_seconds=0.2)
    bus.add_queue("by-twin", sessions=True)
    bus.add_topic(
        "t",
        [
            "all",
            Subscription("pumps", [CorrelationFilter(application={"kind": "pump"})]),
            Subscription("hot", [SqlFilter("celsius > 80 AND sys.Label LIKE 'twin%'")]),
        ],
    )
    await bus.start()
    return bus


@pytest.fixture
async def client(bus: ServiceBus, leaving: list[asyncio.Task[None]]) -> AsyncIterator[Client]:
    client = Client(bus.connection_string)
    yield client
    leaving.append(asyncio.create_task(client.leave(bus)))


def publish(bus: ServiceBus, entity: str, *ids: str, session_id: str | None = None, **properties: object) -> None:
    told: Mapping[str, object] = properties
    for message_id in ids:
        bus.publish(
            entity,
            message_id.encode(),
            application_properties=told,
            message_id=message_id,
            content_type=None,
            session_id=session_id,
        )


async def test_a_message_sent_arrives_with_all_its_properties_and_is_gone_once_completed(
    bus: ServiceBus, client: Client
) -> None:
    async with client.get_queue_sender("q") as sender, client.get_queue_receiver("q", max_wait_time=5) as receiver:
        await sender.send_messages(
            ServiceBusMessage(
                b'{"x":1}',
                content_type="application/json",
                message_id="m1",
                correlation_id="c1",
                subject="s",
                application_properties={"cloudEvents:type": "T", "n": 5},
                time_to_live=timedelta(minutes=5),
            )
        )
        [message] = await receiver.receive_messages()
        assert b"".join(message.body) == b'{"x":1}'
        assert (message.message_id, message.correlation_id, message.subject) == ("m1", "c1", "s")
        assert message.content_type == "application/json"
        assert message.application_properties == {b"cloudEvents:type": b"T", b"n": 5}
        assert (message.sequence_number, message.delivery_count) == (1, 0)
        assert message.time_to_live == timedelta(minutes=5)
        assert message.locked_until_utc > datetime.now(UTC)
        await receiver.complete_message(message)
        assert await receiver.receive_messages(max_wait_time=0.1) == []
    assert bus.counts("q") == {
        "active": 0,
        "locked": 0,
        "deferred": 0,
        "scheduled": 0,
        "dead_letter": 0,
        "settled": 1,
    }


async def test_batches_arrive_whole_and_in_order(bus: ServiceBus, client: Client) -> None:
    async with client.get_queue_sender("q") as sender:
        await sender.send_messages([ServiceBusMessage("x" * 200, message_id=str(n)) for n in range(400)])
    seen: list[int] = []
    mode = ServiceBusReceiveMode.RECEIVE_AND_DELETE
    async with client.get_queue_receiver("q", receive_mode=mode) as receiver:
        while len(seen) < 400:
            batch = await receiver.receive_messages(max_message_count=200, max_wait_time=5)
            assert batch
            seen += [int(message.message_id) for message in batch]
    assert seen == list(range(400))
    assert bus.counts("q")["settled"] == 400


async def test_an_abandoned_message_comes_again_with_a_higher_count_and_its_changes_until_it_is_dead_lettered(
    bus: ServiceBus, client: Client
) -> None:
    publish(bus, "q", "m")
    async with client.get_queue_receiver("q", max_wait_time=5) as receiver:
        counts = []
        for _ in range(3):
            [message] = await receiver.receive_messages()
            counts.append(message.delivery_count)
            await receiver.abandon_message(message)
        assert counts == [0, 1, 2]
        assert await receiver.receive_messages(max_wait_time=0.1) == []
    async with client.get_queue_receiver("q", sub_queue=DEAD, max_wait_time=5) as dead:
        [message] = await dead.receive_messages()
        assert message.dead_letter_reason == "MaxDeliveryCountExceeded"


async def test_a_dead_lettered_message_carries_reason_description_source_and_its_sequence_number(
    bus: ServiceBus, client: Client
) -> None:
    publish(bus, "q", "first", "m", n=1)
    async with client.get_queue_receiver("q", max_wait_time=5) as receiver:
        first, message = await receiver.receive_messages(max_message_count=2)
        await receiver.complete_message(first)
        await receiver.dead_letter_message(message, reason="Bad", error_description="very bad")
    async with client.get_queue_receiver("q", sub_queue=DEAD, max_wait_time=5) as dead:
        [message] = await dead.receive_messages()
        assert (message.dead_letter_reason, message.dead_letter_error_description) == ("Bad", "very bad")
        assert (message.message_id, message.dead_letter_source, message.sequence_number) == ("m", "q", 2)
        assert message.application_properties[b"n"] == 1
        assert bus.counts("q")["dead_letter"] == 1
        await dead.complete_message(message)
    assert bus.counts("q")["dead_letter"] == 0
    assert bus.counts("q/$deadletterqueue")["settled"] == 1


async def test_a_deferred_message_is_received_by_its_number_only_and_once(bus: ServiceBus, client: Client) -> None:
    publish(bus, "q", "m")
    async with client.get_queue_receiver("q", max_wait_time=5) as receiver:
        [message] = await receiver.receive_messages()
        await receiver.defer_message(message)
        assert await receiver.receive_messages(max_wait_time=0.1) == []
        assert bus.counts("q")["deferred"] == 1
        [deferred] = await receiver.receive_deferred_messages([message.sequence_number])
        assert deferred.message_id == "m"
        await receiver.complete_message(deferred)
        with pytest.raises(MessageNotFoundError):
            await receiver.receive_deferred_messages([message.sequence_number])


async def test_a_lost_lock_refuses_completion_and_the_message_comes_again(bus: ServiceBus, client: Client) -> None:
    publish(bus, "q", "m")
    async with client.get_queue_receiver("q", max_wait_time=5) as receiver:
        [message] = await receiver.receive_messages()
        assert bus.expire_locks("q") == 1
        with pytest.raises(MessageLockLostError):
            await receiver.complete_message(message)
        [again] = await receiver.receive_messages()
        assert (again.sequence_number, again.delivery_count) == (message.sequence_number, 1)
        await receiver.complete_message(again)


async def test_a_lock_runs_out_by_itself_unless_it_is_renewed(client: Client, bus: ServiceBus) -> None:
    publish(bus, "q", "m")
    async with client.get_queue_receiver("q", max_wait_time=5) as receiver:
        [message] = await receiver.receive_messages()
        before = message.locked_until_utc
        assert await receiver.renew_message_lock(message) > before
        bus.expire_locks("q")
        with pytest.raises(MessageLockLostError):
            await receiver.renew_message_lock(message)


async def test_a_lock_of_a_fraction_of_a_second_expires_and_the_message_is_delivered_again(
    bus: ServiceBus, client: Client
) -> None:
    publish(bus, "brief", "m")
    async with client.get_queue_receiver("brief", max_wait_time=5) as receiver:
        assert (await receiver.receive_messages())[0].delivery_count == 0
        assert (await receiver.receive_messages())[0].delivery_count == 1


async def test_settling_twice_is_refused_as_a_lost_lock(bus: ServiceBus, client: Client) -> None:
    publish(bus, "q", "m")
    async with client.get_queue_receiver("q", max_wait_time=5) as receiver:
        [message] = await receiver.receive_messages()
        token = message.lock_token
        await receiver.complete_message(message)
        with pytest.raises(MessageLockLostError):  # by a way of its own, for the client would not ask again
            await receiver._settle_message_via_mgmt_link("completed", [token])


async def test_a_dropped_connection_gives_its_messages_back(bus: ServiceBus, client: Client) -> None:
    publish(bus, "q", "m")
    async with client.get_queue_receiver("q", max_wait_time=5) as first:
        await first.receive_messages()
    assert bus.counts("q")["locked"] == 1
    assert bus.drop_connections() == 1
    async with client.get_queue_receiver("q", max_wait_time=5) as second:
        [message] = await second.receive_messages()
        assert (message.message_id, message.delivery_count) == ("m", 1)
        await second.complete_message(message)


async def test_scheduled_messages_wait_and_can_be_cancelled(bus: ServiceBus, client: Client) -> None:
    async with client.get_queue_sender("q") as sender, client.get_queue_receiver("q", max_wait_time=5) as receiver:
        cancelled = await sender.schedule_messages(ServiceBusMessage("never"), datetime.now(UTC) + timedelta(hours=1))
        assert bus.counts("q")["scheduled"] == 1
        [peeked] = await receiver.peek_messages()
        assert peeked.state.name == "SCHEDULED"
        await sender.cancel_scheduled_messages(cancelled)
        with pytest.raises(MessageNotFoundError):
            await sender.cancel_scheduled_messages(cancelled)
        soon = datetime.now(UTC) + timedelta(seconds=1)
        await sender.schedule_messages(ServiceBusMessage("soon", message_id="soon"), soon)
        [message] = await receiver.receive_messages()
        assert message.message_id == "soon"
        assert datetime.now(UTC) >= soon


async def test_peeking_locks_nothing(bus: ServiceBus, client: Client) -> None:
    publish(bus, "q", "a", "b", "c")
    async with client.get_queue_receiver("q", max_wait_time=5) as receiver:
        assert [m.message_id for m in await receiver.peek_messages(max_message_count=2)] == ["a", "b"]
        assert [m.message_id for m in await receiver.peek_messages(sequence_number=3)] == ["c"]
        assert await receiver.peek_messages(sequence_number=4) == []
    assert bus.counts("q")["locked"] == 0


async def test_a_message_that_outlives_its_time_is_dead_lettered(bus: ServiceBus, client: Client) -> None:
    async with client.get_queue_sender("q") as sender:
        await sender.send_messages(ServiceBusMessage("late", time_to_live=timedelta(seconds=1)))
    async with client.get_queue_receiver("q", sub_queue=DEAD, max_wait_time=5) as dead:
        [message] = await dead.receive_messages()
        assert message.dead_letter_reason == "TTLExpiredException"
    assert bus.counts("q")["active"] == 0


async def test_an_unknown_entity_is_not_found(client: Client) -> None:
    with pytest.raises(MessagingEntityNotFoundError):
        async with client.get_queue_receiver("nowhere"):
            pass


async def test_a_topic_copies_to_every_subscription_its_rules_select(bus: ServiceBus, client: Client) -> None:
    async with client.get_topic_sender("t") as sender:
        await sender.send_messages(
            [
                ServiceBusMessage("1", message_id="1", subject="twin", application_properties={"kind": "pump"}),
                ServiceBusMessage("2", message_id="2", subject="twins", application_properties={"celsius": 81.5}),
                ServiceBusMessage("3", message_id="3", subject="other", application_properties={"celsius": 99}),
            ]
        )
    reached = [bus.counts(f"t/subscriptions/{name}")["active"] for name in ("all", "pumps", "hot")]
    assert reached == [3, 1, 1]
    assert bus.counts("t")["active"] == 5
    async with client.get_subscription_receiver("t", "hot", max_wait_time=5) as receiver:
        [message] = await receiver.receive_messages()
        assert (message.message_id, message.sequence_number) == ("2", 1)
        await receiver.dead_letter_message(message, reason="r")
    async with client.get_subscription_receiver("t", "hot", sub_queue=DEAD, max_wait_time=5) as dead:
        [message] = await dead.receive_messages()
        assert message.dead_letter_source == "t/Subscriptions/hot"


async def test_a_session_is_received_in_order_by_one_holder_with_state_and_renewal(
    bus: ServiceBus, client: Client
) -> None:
    for n in range(3):
        publish(bus, "by-twin", f"A{n}", session_id="A")
        publish(bus, "by-twin", f"B{n}", session_id="B")
    async with client.get_queue_receiver("by-twin", session_id="A", max_wait_time=5) as receiver:
        got: list[str] = []
        while len(got) < 3:
            for message in await receiver.receive_messages(max_message_count=5):
                got.append(message.message_id)
                await receiver.complete_message(message)
        assert got == ["A0", "A1", "A2"]
        await receiver.session.set_state("seen 3")
        assert bytes(await receiver.session.get_state()) == b"seen 3"
        assert await receiver.session.renew_lock() >= receiver.session.locked_until_utc
        with pytest.raises(SessionCannotBeLockedError):
            async with client.get_queue_receiver("by-twin", session_id="A", max_wait_time=1):
                pass
        bus.expire_locks("by-twin")
        with pytest.raises(SessionLockLostError):
            await receiver.session.renew_lock()


async def test_the_next_free_session_is_given_and_returned_uncounted_when_closed(
    bus: ServiceBus, client: Client
) -> None:
    publish(bus, "by-twin", "B0", "B1", session_id="B")
    for _ in range(2):
        async with client.get_queue_receiver("by-twin", session_id=NEXT_AVAILABLE_SESSION, max_wait_time=5) as receiver:
            assert receiver.session.session_id == "B"
            messages = await receiver.receive_messages(max_message_count=2)
            assert [(m.message_id, m.delivery_count) for m in messages] == [("B0", 0), ("B1", 0)]
            await receiver.close()


async def test_waiting_for_a_session_ends_in_a_timeout_when_there_is_none(client: Client) -> None:
    with pytest.raises(OperationTimeoutError):
        async with client.get_queue_receiver("by-twin", session_id=NEXT_AVAILABLE_SESSION, max_wait_time=0.2):
            pass


async def test_a_session_that_appears_is_given_to_the_receiver_that_waits(bus: ServiceBus, client: Client) -> None:
    kept = client.get_queue_receiver("by-twin", session_id=NEXT_AVAILABLE_SESSION, max_wait_time=5)
    waiting = asyncio.create_task(kept.link.receive_messages())
    publish(bus, "by-twin", "m", session_id="late")
    [message] = await asyncio.wait_for(waiting, 10)
    assert message.session_id == "late"


async def test_a_message_of_just_under_the_limit_passes_in_many_frames_both_ways(
    bus: ServiceBus, client: Client
) -> None:
    body = bytes(range(256)) * 1000
    async with client.get_queue_sender("q") as sender, client.get_queue_receiver("q", max_wait_time=5) as receiver:
        await sender.send_messages(ServiceBusMessage(body))
        [message] = await receiver.receive_messages()
        assert b"".join(message.body) == body
        with pytest.raises(MessageSizeExceededError):
            await sender.send_messages(ServiceBusMessage(body + body))
    assert bus.counts("q")["active"] + bus.counts("q")["locked"] == 1


async def test_nobody_sends_into_a_dead_letter_queue_or_receives_from_a_topic(client: Client) -> None:
    with pytest.raises(ServiceBusError):
        async with client.get_queue_sender("q/$deadletterqueue") as sender:
            await sender.send_messages(ServiceBusMessage("x"))
    with pytest.raises(ServiceBusError):
        async with client.get_queue_receiver("t"):
            pass


async def test_a_sessionless_message_to_an_entity_with_sessions_is_refused(client: Client) -> None:
    with pytest.raises(ServiceBusError, match="session"):
        async with client.get_queue_sender("by-twin") as sender:
            await sender.send_messages(ServiceBusMessage("x"))
