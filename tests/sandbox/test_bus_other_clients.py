"""What the clients of Service Bus for other languages need of the bus, and Python's does not."""

import re
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from azure.servicebus import ServiceBusMessageState

from sandbox.bus.amqp_types import Described, Symbol, ULong
from sandbox.bus.codec import CodecError, encode, encode_list
from sandbox.bus.frames import DETACH, FLOW, TRANSFER
from sandbox.bus.management import manage
from sandbox.bus.message import APPLICATION, BATCH_FORMAT, DATA, PROPERTIES, Message, section
from sandbox.bus.server import ServiceBus
from tests.support.amqp_wire import Wire, filters_of
from tests.support.bus_client import Client

_SESSION_FILTER = Symbol("com.microsoft:session-filter")
_CODE = ULong(0x0000_0137_0000_000C)
NAMELESS = section(DATA, encode(b"x"))


@pytest.fixture
async def bus() -> ServiceBus:
    bus = ServiceBus(None)
    bus.add_queue("q")
    bus.add_queue("by-twin", sessions=True)
    bus.add_topic("t", ["a", "b"])
    await bus.start()
    return bus


@pytest.fixture
async def client(bus: ServiceBus) -> AsyncIterator[Client]:
    client = Client(bus.connection_string)
    yield client
    await client.leave(bus)


@pytest.fixture
async def wire(bus: ServiceBus) -> AsyncIterator[Wire]:
    wire = await Wire.connect(bus.port)
    yield wire
    wire.close()
    await bus.stop()


def publish(bus: ServiceBus, entity: str, *bodies: bytes, session_id: str | None = None) -> None:
    for body in bodies:
        bus.publish(entity, body, application_properties={}, message_id=None, content_type=None, session_id=session_id)


def ids_in(bus: ServiceBus, entity: str) -> list[object]:
    return [message.properties.message_id for message in bus._entity(entity).peek(1, 100, None)]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        pytest.param(Described(_CODE, None), Described(_CODE, "A"), id="by code, the next"),
        pytest.param(Described(_CODE, "A"), Described(_CODE, "A"), id="by code, named"),
        pytest.param(Described(_SESSION_FILTER, None), Described(_SESSION_FILTER, "A"), id="by symbol, the next"),
        pytest.param(None, "A", id="undescribed, the next"),
        pytest.param("A", "A", id="undescribed, named"),
    ],
)
async def test_the_session_granted_is_named_in_a_filter_of_the_clients_own_form(
    bus: ServiceBus, wire: Wire, asked: object, answered: object
) -> None:
    publish(bus, "by-twin", b"x", session_id="A")
    attach = await wire.attach("by-twin", {_SESSION_FILTER: asked})
    assert filters_of(attach) == {_SESSION_FILTER: answered}
    assert isinstance(filters_of(attach)[_SESSION_FILTER], Described) == isinstance(answered, Described)


@pytest.mark.parametrize("asked", [None, "A", Described(_CODE, "A")], ids=repr)
async def test_a_session_of_a_queue_without_sessions_is_refused(wire: Wire, asked: object) -> None:
    attach = await wire.attach("q", {_SESSION_FILTER: asked})
    assert attach.get(5) is None
    error = (await wire.read(DETACH)).fields.described(2)
    assert error is not None
    assert isinstance(error.value, list)
    assert error.value[0] == "amqp:not-allowed"


async def test_a_drain_delivers_what_waits_and_then_uses_the_credit_up(bus: ServiceBus, wire: Wire) -> None:
    publish(bus, "q", b"1", b"2")
    await wire.attach("q")
    wire.flow(credit=5, drain=True)
    assert [(await wire.read(TRANSFER, FLOW)).code for _ in range(2)] == [TRANSFER, TRANSFER]
    drained = (await wire.read(TRANSFER, FLOW)).fields
    assert (drained.get(5), drained.get(6), drained.flag(8)) == (5, 0, True)


async def test_a_drain_of_no_credit_is_answered_too(wire: Wire) -> None:
    await wire.attach("q")
    wire.flow(credit=0, drain=True)
    drained = (await wire.read(FLOW)).fields
    assert (drained.get(5), drained.get(6), drained.flag(8)) == (0, 0, True)


async def test_after_a_drain_nothing_is_delivered_before_there_is_new_credit(bus: ServiceBus, wire: Wire) -> None:
    await wire.attach("q")
    wire.flow(credit=5, drain=True)
    await wire.read(FLOW)
    publish(bus, "q", b"late")
    wire.flow(credit=0, seen=5)
    told = await wire.read(TRANSFER, FLOW)
    assert (told.code, told.fields.flag(8)) == (FLOW, False)
    wire.flow(credit=1, seen=5)
    assert (await wire.read(TRANSFER, FLOW)).code == TRANSFER


async def test_the_answer_to_a_drain_waits_for_the_transfers_before_it(bus: ServiceBus, wire: Wire) -> None:
    bus.publish("q", b"x" * 200_000, application_properties={}, message_id="big", content_type=None)
    await wire.attach("q")
    wire.flow(credit=2, window=1, drain=True)
    first = await wire.read(TRANSFER, FLOW)
    assert (first.code, first.fields.flag(5)) == (TRANSFER, True)
    wire.flow(credit=0, seen=2)
    codes = []
    while FLOW not in codes:
        codes.append((await wire.read(TRANSFER, FLOW)).code)
    assert codes == [TRANSFER] * (len(codes) - 1) + [FLOW]
    assert len(codes) > 3


async def test_a_message_without_an_id_is_given_one_of_32_hex_digits_however_it_comes(
    bus: ServiceBus, wire: Wire
) -> None:
    await wire.attach_sender("q")
    await wire.send(NAMELESS)
    await wire.send(section(DATA, encode(NAMELESS)) * 2, BATCH_FORMAT)
    manage(bus._entity("q"), "schedule-message", {"messages": [{"message": NAMELESS}]})
    publish(bus, "q", b"x")
    ids = ids_in(bus, "q")
    assert [each for each in ids if not re.fullmatch("[0-9a-f]{32}", str(each))] == []
    assert len(set(ids)) == 5


async def test_the_copies_of_a_topic_have_the_same_assigned_id(bus: ServiceBus, wire: Wire) -> None:
    await wire.attach_sender("t")
    await wire.send(NAMELESS)
    [assigned] = ids_in(bus, "t/Subscriptions/a")
    assert ids_in(bus, "t/Subscriptions/b") == [assigned]


@pytest.mark.parametrize("given", ["m1", "", ULong(7), UUID(int=7), b"\x01"], ids=repr)
def test_a_message_with_an_id_is_kept_as_it_is(given: object) -> None:
    bare = section(PROPERTIES, encode([given, None, "to"])) + section(DATA, encode(b"x"))
    message = Message.received(bare)
    assert (message.bare, message.properties.message_id) == (bare, given)


@pytest.mark.parametrize("fields", [None, [], [None], [None, b"user", "to", Symbol("subject")]], ids=repr)
def test_an_assigned_id_leaves_the_rest_of_the_message_alone(fields: list[object] | None) -> None:
    rest = section(APPLICATION, encode({"n": 5})) + section(DATA, encode(b"x"))
    before = b"" if fields is None else section(PROPERTIES, encode(fields))
    message = Message.received(before + rest)
    assigned = message.properties.message_id
    assert isinstance(assigned, str)
    assert message.bare == section(PROPERTIES, encode([assigned, *(fields or [])[1:]])) + rest
    assert Message.parse(message.stored()).properties == message.properties
    assert message.application_properties == {"n": 5}


def test_of_malformed_properties_only_the_missing_id_is_looked_at() -> None:
    no_text = b"\xa1\x01\xff"
    message = Message.received(section(PROPERTIES, encode_list([encode(None), no_text])) + NAMELESS)
    assert no_text in message.bare
    assert re.search(b"[0-9a-f]{32}", message.bare)


@pytest.mark.parametrize(
    "properties",
    [
        pytest.param(encode({}), id="a map"),
        pytest.param(b"\xc0\x02\x05\x40", id="fewer items than it says"),
        pytest.param(b"\xc0\x03\x02\x40\xa1", id="an item longer than the list"),
        pytest.param(b"\x00\x53\x73\x45", id="a described list"),
    ],
)
def test_properties_that_are_no_list_are_refused_on_arrival(properties: bytes) -> None:
    with pytest.raises(CodecError):
        Message.received(section(PROPERTIES, properties) + NAMELESS)


async def test_a_deferred_message_is_annotated_with_its_state_and_its_lock_token(
    bus: ServiceBus, client: Client
) -> None:
    publish(bus, "q", b"later", b"now")
    async with client.get_queue_receiver("q", max_wait_time=5) as receiver:
        later, now = await receiver.receive_messages(2)
        assert {later.state, now.state} == {ServiceBusMessageState.ACTIVE}
        await receiver.defer_message(later)
        peeked = await receiver.peek_messages(2, sequence_number=1)
        assert [each.state for each in peeked] == [ServiceBusMessageState.DEFERRED, ServiceBusMessageState.ACTIVE]
        [deferred] = await receiver.receive_deferred_messages([later.sequence_number])
        assert deferred.state is ServiceBusMessageState.DEFERRED
        annotated = deferred.raw_amqp_message.delivery_annotations[b"x-opt-lock-token"]
        assert isinstance(annotated, UUID)
        assert annotated == UUID(str(deferred.lock_token))
        [locked, _] = await receiver.peek_messages(2, sequence_number=1)
        assert not locked.raw_amqp_message.delivery_annotations
        await receiver.complete_message(deferred)
    assert bus.counts("q")["deferred"] == 0
