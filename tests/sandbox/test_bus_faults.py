"""The bus misbehaves when told to, and only then; and no client can bring it down."""

import asyncio
import gc
import struct
from collections.abc import AsyncIterator

import pytest
from azure.servicebus import ServiceBusMessage, ServiceBusReceivedMessage
from azure.servicebus.aio import ServiceBusClient
from azure.servicebus.exceptions import MessageLockLostError, ServiceBusConnectionError, ServiceBusError

from sandbox.bus.frames import AMQP_HEADER, FLOW, OPEN, SASL_HEADER, TRANSFER, frame, performative
from sandbox.bus.server import ServiceBus
from sandbox.faults import Fault, Faults

# The client forgets to close the socket of a connection that was cut under it.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
async def bus(faults: Faults) -> AsyncIterator[ServiceBus]:
    bus = ServiceBus(None, faults=faults)
    bus.add_queue("q")
    bus.add_queue("other")
    await bus.start()
    yield bus
    await bus.stop()


@pytest.fixture
async def client(bus: ServiceBus) -> AsyncIterator[ServiceBusClient]:
    async with ServiceBusClient.from_connection_string(bus.connection_string, retry_total=0) as client:
        yield client
    del client
    gc.collect()  # here, where the warning is known, and not in somebody else's test


def publish(bus: ServiceBus, *bodies: bytes) -> None:
    for body in bodies:
        bus.publish("q", body, application_properties={}, message_id=None, content_type=None)


async def test_deliveries_are_repeated_reordered_and_their_locks_cut_short(
    bus: ServiceBus, faults: Faults, client: ServiceBusClient
) -> None:
    publish(bus, b"1", b"2", b"3")
    faults.add(Fault("bus", "deliver", "reorder_answers"))
    faults.add(Fault("bus", "complete:q", "duplicate_answer"))
    async with client.get_queue_receiver("q", max_wait_time=5) as receiver:
        messages: list[ServiceBusReceivedMessage] = []
        while len(messages) < 3:
            messages += await receiver.receive_messages(max_message_count=3)
        assert [m.sequence_number for m in messages] == [2, 1, 3]
        for message in messages:
            await receiver.complete_message(message)
        [again] = await receiver.receive_messages()
        assert (again.sequence_number, again.delivery_count) == (2, 1)
        await receiver.complete_message(again)
        assert bus.counts("q")["settled"] == 3

        faults.add(Fault("bus", "deliver", "session_expired"))
        publish(bus, b"4")
        [short] = await receiver.receive_messages()
        [again] = await receiver.receive_messages()
        assert (again.sequence_number, again.delivery_count) == (4, 1)
        with pytest.raises(MessageLockLostError):
            await receiver.complete_message(short)
        await receiver.complete_message(again)
        assert bus.redeliver("q") == [4]
        assert not bus.drained("q")
    assert faults.list() == ()


async def test_a_send_is_refused_or_cut_before_or_after_it_is_done(
    bus: ServiceBus, faults: Faults, client: ServiceBusClient
) -> None:
    async with client.get_queue_sender("q") as sender:
        for kind, active in (
            ("status_500", 0),
            ("status_429", 0),
            ("drop_then_nothing", 0),
            ("commit_then_drop", 1),
        ):
            faults.add(Fault("bus", "send", kind))
            with pytest.raises(ServiceBusError):
                await sender.send_messages(ServiceBusMessage("x"))
            assert bus.counts("q")["active"] == active
        await sender.send_messages(ServiceBusMessage("x"))
        assert bus.counts("q")["active"] == 2


async def test_a_bus_that_is_down_cuts_and_refuses_until_cleared(
    bus: ServiceBus, faults: Faults, client: ServiceBusClient
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
    faults.add(Fault("bus", "*", "down"))
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    with pytest.raises(ServiceBusConnectionError):
        async with client.get_queue_sender("q"):
            pass
    faults.clear("bus")
    async with client.get_queue_sender("q") as sender:
        await sender.send_messages(ServiceBusMessage("x"))
    assert bus.counts("q")["active"] == 1


def test_a_kind_the_bus_cannot_show_is_refused(faults: Faults) -> None:
    ServiceBus(None, faults=faults)
    with pytest.raises(ValueError, match="html"):
        faults.add(Fault("bus", "*", "html"))


def hello() -> bytes:
    return AMQP_HEADER + frame(0, performative(OPEN, ["rude"]))


@pytest.mark.parametrize(
    "rude",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", id="another protocol"),
        pytest.param(bytes(range(256)) * 20, id="garbage"),
        pytest.param(hello() + struct.pack(">IBBH", 0xFFFFFFFF, 2, 0, 0), id="a frame of 4 GB"),
        pytest.param(hello() + struct.pack(">IBBH", 4, 2, 0, 0), id="a frame shorter than its head"),
        pytest.param(hello() + struct.pack(">IBBH", 8, 9, 0, 0), id="data after the frame's end"),
        pytest.param(hello() + frame(0, b"\x00\x53\x10\xc1\x01\x00"), id="a performative that is a map"),
        pytest.param(hello() + frame(0, b"\xff" * 40), id="a frame of garbage"),
        pytest.param(hello() + frame(0, performative(0x11, ["text", "text", "text"])), id="text for numbers"),
        pytest.param(SASL_HEADER + frame(0, performative(0x44, []), 1), id="an outcome from a client"),
        pytest.param(hello() + frame(0, performative(0x7F, [])), id="an unknown performative"),
    ],
)
async def test_a_rude_client_gets_its_connection_closed_and_others_notice_nothing(bus: ServiceBus, rude: bytes) -> None:
    polite_reader, polite = await asyncio.open_connection("127.0.0.1", bus.port)
    reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
    writer.write(rude + frame(0, performative(0x11, [None, 1, "x", 3])))
    await asyncio.wait_for(reader.read(), 5)
    writer.close()
    polite.write(hello())
    assert (await asyncio.wait_for(polite_reader.readexactly(8), 5)) == AMQP_HEADER
    polite.close()


async def test_half_a_transfer_from_a_client_that_dies_leaves_no_trace(
    bus: ServiceBus, client: ServiceBusClient
) -> None:
    async with client.get_queue_sender("q") as sender:
        await sender.send_messages(ServiceBusMessage("whole"))
        link = sender._handler._link
        transport = sender._handler._connection._transport
        half = performative(TRANSFER, [link.handle, 9, b"t", 0, False, True]) + b"\x00\x53\x75\xa0\x05ab"
        transport.writer.write(frame(link._session.channel, half) + frame(0, performative(FLOW, []))[:9])
        await transport.writer.drain()
        transport.writer.transport.abort()
    assert bus.counts("q")["active"] == 1
    publish(bus, b"another")
    assert bus.counts("q")["active"] == 2
