"""The server's ends of links: to receivers, from senders, and the request-response nodes `$cbs` and `$management`."""

import os
from typing import TYPE_CHECKING, Final

from sandbox.bus.amqp_types import Described, Int, Symbol, UInt, ULong
from sandbox.bus.codec import CodecError, decode
from sandbox.bus.entity import Entity
from sandbox.bus.entity_messages import Consumer
from sandbox.bus.frames import (
    ACCEPTED,
    ATTACH,
    FLOW,
    REJECTED,
    TRANSFER,
    WIDE_OPEN,
    Attach,
    Fields,
    detach_body,
    disposition_body,
    performative,
)
from sandbox.bus.management import encode_reply, manage, operation_name
from sandbox.bus.message import APPLICATION, BATCH_FORMAT, DATA, PROPERTIES, VALUE, Message, sections
from sandbox.bus.misbehaviour import refusal_of
from sandbox.bus.refusal import Refusal, entity_not_found, invalid_field, too_large
from sandbox.bus.sessions import MessageSession

if TYPE_CHECKING:
    from sandbox.bus.channel import Channel

MAX_MESSAGE: Final = 262_144
"""The largest transfer in bytes a queue or topic takes, a batch counting as one: Service Bus's standard tier."""
MAX_REQUEST: Final = 1_048_576
"""The largest management request in bytes."""
_CREDIT: Final = 1000
_DOTNET_EPOCH_TICKS: Final = 621_355_968_000_000_000  # 1970-01-01 in 100 ns since 0001-01-01
_TRANSFER_HEAD_ROOM: Final = 64

_ACCEPTED_STATE: Final = Described(ULong(ACCEPTED), [])


def rejected(refusal: Refusal) -> Described:
    """The outcome `rejected` with its error."""
    return Described(ULong(REJECTED), [refusal.to_amqp()])


class Link:
    """One link, by the handle both ends use for it."""

    def __init__(self, channel: "Channel", attach: Attach) -> None:
        self.channel = channel
        self.attach = attach
        self.handle = attach.handle
        self.is_attached = False
        self.credit = 0
        self.delivery_count = 0

    def accept(self, limit: int, source: Described | None, properties: dict[object, object] | None = None) -> None:
        """Answer the client's attach with one of our own."""
        self.is_attached = True
        self.channel.write(
            performative(
                ATTACH,
                [
                    self.attach.name,
                    UInt(self.handle),
                    not self.attach.receives,
                    self.attach.sender_settle_mode,
                    self.attach.receiver_settle_mode,
                    source,
                    self.attach.target,
                    None,
                    None,
                    UInt(0) if self.attach.receives else None,
                    ULong(limit),
                    None,
                    None,
                    properties,
                ],
            )
        )

    def refused(self, refusal: Refusal) -> None:
        """Detach with an error; a link not yet attached is attached with a null terminus first (part 2, 2.6.3)."""
        if not self.is_attached:
            receives = self.attach.receives
            self.channel.write(
                performative(
                    ATTACH,
                    [
                        self.attach.name,
                        UInt(self.handle),
                        not receives,
                        self.attach.sender_settle_mode,
                        self.attach.receiver_settle_mode,
                        None if receives else self.attach.source,
                        self.attach.target if receives else None,
                        None,
                        None,
                        UInt(0),
                    ],
                )
            )
        self.channel.write(detach_body(self.handle, refusal.to_amqp()))
        self.channel.forget(self)
        self.closed(lost=False)

    def send_flow(self) -> None:
        self.channel.write(
            performative(
                FLOW,
                [
                    UInt(self.channel.next_incoming_id),
                    UInt(WIDE_OPEN),
                    UInt(self.channel.next_outgoing_id),
                    UInt(WIDE_OPEN),
                    UInt(self.handle),
                    UInt(self.delivery_count),
                    UInt(max(self.credit, 0)),
                ],
            )
        )

    def flow(self, fields: Fields) -> None:
        """The client's flow for this link."""
        if fields.flag(9):
            self.send_flow()

    def transfer(self, fields: Fields, payload: bytes) -> None:
        """A transfer frame of the client's; CodecError on links towards it, which have none."""
        raise CodecError(f"{len(payload)} bytes {fields.get(1)} on a link of which the client is the receiver")

    def closed(self, *, lost: bool) -> None:
        """The link is gone, `lost` where its connection broke."""


# ---------------------------------------------------------------- towards the client


class OutgoingLink(Link):
    """A link of which the client is the receiver."""

    def send(self, payload: bytes, tag: bytes, *, settled: bool) -> int:
        """Send one message in as many transfer frames as it needs; its delivery id."""
        delivery_id = self.channel.next_delivery_id
        self.channel.next_delivery_id = (delivery_id + 1) & 0xFFFFFFFF
        self.delivery_count = (self.delivery_count + 1) & 0xFFFFFFFF
        self.credit -= 1
        room = self.channel.max_frame - _TRANSFER_HEAD_ROOM
        for start in range(0, len(payload) or 1, room):
            more = start + room < len(payload)
            head = [UInt(self.handle), UInt(delivery_id), tag, UInt(0), settled, more]
            self.channel.write_transfer(performative(TRANSFER, list(head)) + payload[start : start + room])
        return delivery_id

    def flow(self, fields: Fields) -> None:
        credit = fields.maybe_number(6)
        if credit is not None:
            granted = fields.number(5, 0) + credit - self.delivery_count
            self.credit = (granted + 0x80000000 & 0xFFFFFFFF) - 0x80000000  # serial arithmetic, 32 bits
        self.credit_changed()
        if fields.flag(8):  # drain: use the credit up at once
            self.delivery_count = (self.delivery_count + max(self.credit, 0)) & 0xFFFFFFFF
            self.credit = 0
            self.send_flow()
        elif fields.flag(9):
            self.send_flow()

    def credit_changed(self) -> None:
        """There may be credit for what waits."""


class ConsumerLink(OutgoingLink):
    """A receiver of a queue, subscription or dead-letter queue."""

    def __init__(self, channel: "Channel", attach: Attach, entity: Entity) -> None:
        super().__init__(channel, attach)
        self.entity = entity
        self.receive_and_delete = attach.sender_settle_mode == 1

    def joined(self) -> None:
        """The entity has taken the receiver in."""
        self.accept(MAX_MESSAGE, self.attach.source)

    def granted(self, session: MessageSession) -> None:
        """The receiver holds a session: the attach names it in the filter, and its lock's end in .NET ticks."""
        source = self.attach.source
        fields = list(source.value) if source is not None and isinstance(source.value, list) else []
        fields += [None] * (8 - len(fields))
        fields[7] = {Symbol("com.microsoft:session-filter"): session.id}
        ticks = session.locked_until_ms * 10_000 + _DOTNET_EPOCH_TICKS
        self.accept(
            MAX_MESSAGE,
            Described(source.descriptor if source is not None else ULong(0x28), fields),
            {Symbol("com.microsoft:locked-until-utc"): ticks},
        )

    def can_take(self) -> bool:
        return self.credit > 0 and self.channel.can_send()

    def hand_over(self, message: Message, token: bytes) -> None:
        settled = self.receive_and_delete
        delivery_id = self.send(message.delivered(), token, settled=settled)
        if not settled:
            self.channel.unsettled[delivery_id] = (self, token)

    def credit_changed(self) -> None:
        self.entity.pump()

    def closed(self, *, lost: bool) -> None:
        self.entity.leave(_as_consumer(self), lost=lost)


def _as_consumer(link: ConsumerLink) -> Consumer:
    return link


class ReplyLink(OutgoingLink):
    """The way back of `$cbs` or `$management`; replies wait for credit."""

    def __init__(self, channel: "Channel", attach: Attach) -> None:
        super().__init__(channel, attach)
        self._waiting: list[bytes] = []

    def reply(self, message: bytes) -> None:
        self._waiting.append(message)
        self.credit_changed()

    def credit_changed(self) -> None:
        while self._waiting and self.credit > 0:
            self.send(self._waiting.pop(0), os.urandom(16), settled=True)


# ---------------------------------------------------------------- from the client


class IncomingLink(Link):
    """A link of which the client is the sender. Messages may come in several frames, up to `limit` bytes."""

    limit = MAX_MESSAGE

    def __init__(self, channel: "Channel", attach: Attach) -> None:
        super().__init__(channel, attach)
        self._partial = bytearray()
        self._size = 0
        self._first: Fields | None = None

    def begin(self) -> None:
        """Attach and give credit."""
        self.accept(self.limit, self.attach.source)
        self.credit = _CREDIT
        self.send_flow()

    def transfer(self, fields: Fields, payload: bytes) -> None:
        if fields.flag(9):  # aborted
            self._partial.clear()
            self._first, self._size = None, 0
            return
        first = self._first or fields
        self._size += len(payload)
        if self._size > self.limit:
            self._partial.clear()  # the rest is counted and thrown away: the client wants its refusal at the end
        elif fields.flag(5) or self._first is not None:
            self._partial += payload
        if fields.flag(5):  # more to come
            self._first = first
            return
        size, self._size = self._size, 0
        if self._first is not None:
            payload = bytes(self._partial)
            self._partial.clear()
            self._first = None
        self.delivery_count = (self.delivery_count + 1) & 0xFFFFFFFF
        self.credit -= 1
        try:
            if size > self.limit:
                raise too_large(size, self.limit)
            self.receive(payload, first.number(3, 0))
            state = _ACCEPTED_STATE
        except Refusal as refusal:
            state = rejected(refusal)
        except CodecError as error:
            state = rejected(Refusal("amqp:decode-error", str(error)))
        if not first.flag(4):
            self.channel.write(disposition_body(first.needed_number(1), state, from_receiver=True))
        if self.credit < _CREDIT // 2:
            self.credit = _CREDIT
            self.send_flow()

    def receive(self, payload: bytes, message_format: int) -> None:
        """Take one complete transfer in.

        Raises:
            Refusal: it is refused.
            CodecError: it is no message.
        """
        raise NotImplementedError


class ProducerLink(IncomingLink):
    """A sender to a queue or topic."""

    def __init__(self, channel: "Channel", attach: Attach, entity: Entity) -> None:
        super().__init__(channel, attach)
        self._entity = entity

    def receive(self, payload: bytes, message_format: int) -> None:
        fault = self.channel.misbehaviour.take("send", self._entity.path)
        if fault is not None:
            self.channel.suffer_before(fault)
        messages = _unbatched(payload) if message_format == BATCH_FORMAT else [Message.parse(payload)]
        for message in messages:
            self._entity.put(message)
        if fault is not None:
            self.channel.suffer_after(fault)


def _unbatched(payload: bytes) -> list[Message]:
    messages = []
    for code, _, value, _ in sections(payload):
        if code == DATA:
            content, _ = decode(payload, value)
            if not isinstance(content, bytes):
                raise CodecError("a batch's data section is no binary")
            messages.append(Message.parse(content))
    return messages


class RequestLink(IncomingLink):
    """Requests to `$cbs` (every token is good) or to an entity's `$management`; answered on the link back."""

    limit = MAX_REQUEST

    def __init__(self, channel: "Channel", attach: Attach, path: str, entity: Entity | None) -> None:
        super().__init__(channel, attach)
        self._path = path
        self._entity = entity
        self._is_cbs = path.lower() == "$cbs"

    def receive(self, payload: bytes, message_format: int) -> None:  # noqa: ARG002 -- requests have one format
        properties: object = None
        application: object = None
        value: object = None
        for code, _, position, _ in sections(payload):
            if code == PROPERTIES:
                properties = decode(payload, position)[0]
            elif code == APPLICATION:
                application = decode(payload, position)[0]
            elif code == VALUE:
                value = decode(payload, position)[0]
        message_id = properties[0] if isinstance(properties, list) and properties else None
        if message_id is None or not isinstance(application, dict):
            raise invalid_field("a request needs a message id and an operation")
        back = self.channel.reply_link(self._path)
        if back is None:
            raise invalid_field("there is no link for the reply")
        if self._is_cbs:
            told: dict[object, object] = {"status-code": Int(202), "status-description": "Accepted"}
            back.reply(encode_reply(message_id, told, None))
            return
        back.reply(self._managed(message_id, operation_name(application.get("operation")), value))

    def _managed(self, message_id: object, operation: str, value: object) -> bytes:
        if self._entity is None:
            raise entity_not_found(self._path)
        fault = self.channel.misbehaviour.take(operation, self._entity.path)
        refusal = None if fault is None else refusal_of(fault)
        if fault is not None and refusal is None:
            self.channel.suffer_before(fault)
        if refusal is None:
            answer = manage(self._entity, operation, value)
            refusal, status, body = answer.refusal, answer.status, answer.body
        else:
            status, body = refusal.status, None
        if fault is not None:
            self.channel.suffer_after(fault)
        told: dict[object, object] = {"statusCode": Int(status), "statusDescription": "OK"}
        if refusal is not None:
            told["statusDescription"] = refusal.description
            told["errorCondition"] = Symbol(refusal.condition)
        return encode_reply(message_id, told, body)
