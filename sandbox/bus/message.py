"""A message of the bus: the sender's content, and its state in the broker.

The sender's part is kept as received bytes (the *bare message* of AMQP 1.0, part 3, section 3.2) and parsed only
when needed: most messages pass through a queue without being parsed.
"""

import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import IntEnum
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from sandbox.bus.amqp_types import Int, Symbol, Timestamp, UByte, UInt
from sandbox.bus.codec import CodecError, decode, encode, encode_list, list_items, skip

HEADER, DELIVERY_ANNOTATIONS, ANNOTATIONS, PROPERTIES, APPLICATION, DATA = range(0x70, 0x76)
VALUE, FOOTER = 0x77, 0x78
BATCH_FORMAT: Final = 0x80013700
"""The message format of a transfer whose data sections are messages (Service Bus AMQP protocol guide)."""

_NULL: Final = b"\x40"
_SEQUENCE = Symbol("x-opt-sequence-number")
_ENQUEUED = Symbol("x-opt-enqueued-time")
_STATE = Symbol("x-opt-message-state")
_LOCKED_UNTIL = Symbol("x-opt-locked-until")
_DUE = Symbol("x-opt-scheduled-enqueue-time")
_DEAD_LETTER_SOURCE = Symbol("x-opt-deadletter-source")
_LOCK_TOKEN = Symbol("x-opt-lock-token")


class State(IntEnum):
    """The state of a message; the first three are the values of `x-opt-message-state`."""

    ACTIVE = 0
    DEFERRED = 1
    SCHEDULED = 2
    LOCKED = 3


class Section(NamedTuple):
    """One section of an encoded message: its code, where it starts, where its value starts, where it ends."""

    code: int
    start: int
    value: int
    end: int


class Properties(NamedTuple):
    """The properties section's fields that filters and the broker look at."""

    message_id: object = None
    to: object = None
    subject: object = None
    reply_to: object = None
    correlation_id: object = None
    content_type: object = None
    session_id: object = None
    reply_to_session_id: object = None


def wall_ms() -> int:
    """Wall time in milliseconds since 1970-01-01T00:00:00Z."""
    return time.time_ns() // 1_000_000


def section(code: int, value: bytes) -> bytes:
    """A message section or performative around an encoded value."""
    return bytes((0x00, 0x53, code)) + value


def sections(data: bytes) -> Iterator[Section]:
    """The sections of an encoded message.

    Raises:
        CodecError: the bytes are no sequence of message sections.
    """
    position, length = 0, len(data)
    while position < length:
        start = position
        if data[start : start + 2] == b"\x00\x53" and start + 2 < length:
            code, value = data[start + 2], start + 3
        else:
            if data[start] != 0:
                raise CodecError(f"no section at byte {start}")
            descriptor, value = decode(data, start + 1)
            if not isinstance(descriptor, int):
                raise CodecError(f"section named {descriptor!r}")
            code = int(descriptor)
        if not HEADER <= code <= FOOTER:
            raise CodecError(f"no section has the code 0x{code:02x}")
        position = skip(data, value)
        yield Section(code, start, value, position)


class Message:
    """One message in one entity.

    `enqueued_ms`, `due_ms`, `expires_ms` and `locked_until_ms` are wall time in milliseconds; `token` is the lock
    token as the client sees it in the delivery tag (16 bytes, a UUID's `bytes_le`), None while not locked.
    """

    __slots__ = (
        "_application",
        "_properties",
        "annotations",
        "bare",
        "deferred",
        "delivery_count",
        "due_ms",
        "enqueued_ms",
        "expires_ms",
        "header",
        "holder",
        "locked_until_ms",
        "sequence",
        "session_id",
        "state",
        "token",
    )

    def __init__(self, header: list[object], annotations: dict[object, object], bare: bytes) -> None:
        self.header = header
        self.annotations = annotations
        self.bare = bare
        self.sequence = 0
        self.enqueued_ms = 0
        self.delivery_count = 0
        self.state = State.ACTIVE
        self.deferred = False
        due = annotations.get(_DUE) if annotations else None
        self.due_ms: int | None = int(due) if isinstance(due, int) else None
        self.expires_ms: int | None = None
        self.session_id: str | None = None
        self.token: bytes | None = None
        self.locked_until_ms = 0
        self.holder: object = None
        self._properties: Properties | None = None
        self._application: dict[object, object] | None = None

    @classmethod
    def parse(cls, data: bytes) -> "Message":
        """A message from its encoded form.

        Raises:
            CodecError: it is none.
        """
        header: list[object] = []
        annotations: dict[object, object] = {}
        bare_from = None
        for code, start, value, _ in sections(data):
            if code == HEADER:
                header = _as_list(decode(data, value)[0])
            elif code == ANNOTATIONS:
                annotations = _as_map(decode(data, value)[0])
            elif code >= PROPERTIES and bare_from is None:
                bare_from = start
        return cls(header, annotations, data[bare_from:] if bare_from is not None else b"")

    @classmethod
    def received(cls, data: bytes) -> "Message":
        """A message as a client sent it. Where it has no message id, it gets one: the hex digits of a UUID.

        No page of the vendor says this. A maintainer of its client says that the service sets an id if the application
        sets none (https://github.com/Azure/azure-service-bus-java/issues/69), and the ids that users report from it
        have this form (https://github.com/microsoft/spring-cloud-azure/issues/464). The client for JavaScript settles
        no message without an id.

        Raises:
            CodecError: it is no message, or its properties are no list.
        """
        message = cls.parse(data)
        message.bare = _with_message_id(message.bare)
        return message

    @classmethod
    def compose(
        cls,
        body: bytes,
        application_properties: Mapping[str, object],
        *,
        message_id: str | None,
        content_type: str | None,
        session_id: str | None,
    ) -> "Message":
        """A message with one data section; None for the message id gives it one as `received` does.

        Raises:
            CodecError: an application property's value has no AMQP type.
        """
        fields = [_new_id() if message_id is None else encode(message_id), *[_NULL] * 5]
        if content_type is not None or session_id is not None:
            fields.append(_NULL if content_type is None else encode(Symbol(content_type)))
        if session_id is not None:
            fields += [*[_NULL] * 3, encode(session_id)]
        bare = section(PROPERTIES, encode_list(fields))
        if application_properties:
            plain = {name: _property_value(value) for name, value in application_properties.items()}
            bare += section(APPLICATION, encode(plain))
        return cls([], {}, bare + section(DATA, encode(body)))

    def copy(self) -> "Message":
        """The same content with a separate state, as each subscription of a topic gets it."""
        twin = Message(self.header, self.annotations, self.bare)
        twin._properties, twin._application = self._properties, self._application
        return twin

    @property
    def ttl_ms(self) -> int | None:
        """Time to live in milliseconds, None where it never expires."""
        ttl = self.header[2] if len(self.header) > 2 else None
        return int(ttl) if isinstance(ttl, int) and ttl > 0 else None

    @property
    def properties(self) -> Properties:
        """The properties section; CodecError where it is malformed."""
        if self._properties is None:
            fields: list[object] = []
            for code, _, value, _ in sections(self.bare):
                if code == PROPERTIES:
                    fields = _as_list(decode(self.bare, value)[0])
            fields += [None] * (13 - len(fields))
            self._properties = Properties(
                fields[0], fields[2], fields[3], fields[4], fields[5], fields[6], fields[10], fields[12]
            )
        return self._properties

    @property
    def application_properties(self) -> dict[object, object]:
        """The application properties; CodecError where they are malformed."""
        if self._application is None:
            self._application = {}
            for code, _, value, _ in sections(self.bare):
                if code == APPLICATION:
                    self._application = _as_map(decode(self.bare, value)[0])
        return self._application

    def set_application_properties(self, changes: Mapping[object, object]) -> None:
        """Add or replace application properties.

        Raises:
            CodecError: a value has no AMQP type.
        """
        changed = {**self.application_properties, **changes}
        before, after = b"", b""
        for code, start, _, end in sections(self.bare):
            if code < APPLICATION:
                before += self.bare[start:end]
            elif code > APPLICATION:
                after += self.bare[start:end]
        self.bare = before + section(APPLICATION, encode(changed)) + after
        self._application = changed

    def mark_dead_letter(self, source: str, reason: str | None, description: str | None) -> None:
        """Write down where it was dead-lettered and why, as the client reads it."""
        why: dict[object, object] = {}
        if reason is not None:
            why["DeadLetterReason"] = reason
        if description is not None:
            why["DeadLetterErrorDescription"] = description
        if why:
            self.set_application_properties(why)
        self.annotations = {**self.annotations, _DEAD_LETTER_SOURCE: source}
        self.annotations.pop(_DUE, None)

    def stored(self) -> bytes:
        """Header, annotations and bare message, for the journal; `parse` reads it."""
        data = section(HEADER, encode(self.header)) if self.header else b""
        if self.annotations:
            data += section(ANNOTATIONS, encode(self.annotations))
        return data + self.bare

    def delivered(self, *, with_token: bool = False) -> bytes:
        """The message as a receiver gets it, with the broker's header and annotations.

        Args:
            with_token: the lock token is among the annotations, where Go's client looks for it if there is no delivery
                tag.
        """
        header = [*self.header[:4], None, None, None, None][:4]
        annotations = {
            **self.annotations,
            _SEQUENCE: self.sequence,
            _ENQUEUED: Timestamp(self.enqueued_ms),
            _STATE: Int(_shown_state(self)),
        }
        if self.locked_until_ms:
            annotations[_LOCKED_UNTIL] = Timestamp(self.locked_until_ms)
        encoded = section(HEADER, encode([*header, UInt(self.delivery_count)]))
        if with_token and self.token is not None:
            encoded += section(DELIVERY_ANNOTATIONS, encode({_LOCK_TOKEN: UUID(bytes_le=self.token)}))
        return encoded + section(ANNOTATIONS, encode(annotations)) + self.bare


def _with_message_id(bare: bytes) -> bytes:
    """The bare message with a message id. What else is in it is not decoded: it may be malformed."""
    for code, start, value, end in sections(bare):
        if code == PROPERTIES:
            items = list_items(bare, value)
            if items and items[0] != _NULL:
                return bare
            return bare[:start] + section(PROPERTIES, encode_list([_new_id(), *items[1:]])) + bare[end:]
    return section(PROPERTIES, encode_list([_new_id()])) + bare


def _new_id() -> bytes:
    return encode(uuid4().hex)


def _shown_state(message: Message) -> State:
    if message.state is State.LOCKED:
        return State.DEFERRED if message.deferred else State.ACTIVE
    return message.state


def _as_list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise CodecError("the section is no list")
    return value


def _as_map(value: object) -> dict[object, object]:
    if not isinstance(value, dict):
        raise CodecError("the section is no map")
    return value


def _property_value(value: object) -> object:
    if isinstance(value, datetime):
        return Timestamp(round(value.timestamp() * 1000))
    if value is None or isinstance(value, str | bytes | bool | int | float | UUID | UByte):
        return value
    raise CodecError(f"application property of type {type(value).__name__}")
