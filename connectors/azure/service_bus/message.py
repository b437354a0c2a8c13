"""A message of the bus as we hand it on, made of the vendor's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson
from azure.servicebus import ServiceBusReceivedMessage
from azure.servicebus.amqp import AmqpMessageBodyType


@dataclass(frozen=True, slots=True)
class BusMessage:
    """A message under lock, to be settled once it is stored.

    `sequence_number` is the bus's own within `entity` and stays the same when the message comes again;
    `delivery_count` says how often it came before. Application properties are text, whatever they were.
    """

    entity: str
    sequence_number: int
    message_id: str | None
    session_id: str | None
    application_properties: Mapping[str, str]
    content_type: str | None
    body: bytes
    delivery_count: int
    enqueued_at: datetime | None
    received: ServiceBusReceivedMessage = field(repr=False, compare=False)
    """The vendor's own, by which it is settled."""


def bus_message(entity: str, received: ServiceBusReceivedMessage) -> BusMessage:
    """The message as received, with everything decoded; what is no UTF-8 is replaced and never an error."""
    properties = received.application_properties or {}
    enqueued = received.enqueued_time_utc
    return BusMessage(
        entity=entity,
        sequence_number=int(received.sequence_number or 0),
        message_id=_optional(received.message_id),
        session_id=_optional(received.session_id),
        application_properties={_text(name): _text(value) for name, value in properties.items()},
        content_type=_optional(received.content_type),
        body=_body(received),
        delivery_count=int(received.delivery_count or 0),
        enqueued_at=enqueued.replace(tzinfo=UTC) if enqueued is not None and enqueued.tzinfo is None else enqueued,
        received=received,
    )


def _body(received: ServiceBusReceivedMessage) -> bytes:
    if received.body_type is AmqpMessageBodyType.DATA:
        return b"".join(bytes(section) for section in received.body)
    value = received.body if received.body_type is AmqpMessageBodyType.VALUE else list(received.body)
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    # An AMQP value or sequence: no twin service sends one, but a person with a tool may.
    return orjson.dumps(value, default=_text, option=orjson.OPT_NON_STR_KEYS)


def _optional(value: object) -> str | None:
    return None if value is None else _text(value)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
