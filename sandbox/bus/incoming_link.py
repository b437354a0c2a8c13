"""The server's ends of links from the client: of senders, and of requests to the nodes `$cbs` and `$management`."""

from typing import Final

from sandbox.bus.amqp_types import Described, Int, Symbol, ULong
from sandbox.bus.codec import CodecError, decode
from sandbox.bus.entity import Entity
from sandbox.bus.frames import ACCEPTED, Attach, Fields, disposition_body
from sandbox.bus.link import MAX_MESSAGE, Link, LinkChannel, rejected
from sandbox.bus.management import encode_reply, manage, operation_name
from sandbox.bus.message import APPLICATION, BATCH_FORMAT, DATA, PROPERTIES, VALUE, Message, sections
from sandbox.bus.misbehaviour import refusal_of
from sandbox.bus.refusal import Refusal, entity_not_found, invalid_field, too_large

MAX_REQUEST: Final = 1_048_576
"""The largest management request in bytes."""
_CREDIT: Final = 1000

_ACCEPTED_STATE: Final = Described(ULong(ACCEPTED), [])


class IncomingLink(Link):
    """A link of which the client is the sender. Messages may come in several frames, up to `limit` bytes."""

    limit = MAX_MESSAGE

    def __init__(self, channel: LinkChannel, attach: Attach) -> None:
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

    def __init__(self, channel: LinkChannel, attach: Attach, entity: Entity) -> None:
        super().__init__(channel, attach)
        self._entity = entity

    def receive(self, payload: bytes, message_format: int) -> None:
        fault = self.channel.misbehaviour.take("send", self._entity.path)
        if fault is not None:
            self.channel.suffer_before(fault)
        messages = _unbatched(payload) if message_format == BATCH_FORMAT else [Message.received(payload)]
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
            messages.append(Message.received(content))
    return messages


class RequestLink(IncomingLink):
    """Requests to `$cbs` (every token is good) or to an entity's `$management`; answered on the link back."""

    limit = MAX_REQUEST

    def __init__(self, channel: LinkChannel, attach: Attach, path: str, entity: Entity | None) -> None:
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
