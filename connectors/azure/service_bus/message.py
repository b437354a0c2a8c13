"""A message of the bus as we pass it on, built from the vendor's message."""

import base64
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, TypeVar

import orjson
from azure.servicebus import ServiceBusReceivedMessage
from azure.servicebus.amqp import AmqpMessageBodyType

from connectors.azure.service_bus.decoding import UNDECODED

log = logging.getLogger(__name__)

_Part = TypeVar("_Part")
_LARGEST: Final = 2**63 - 1
"""Sequence numbers are signed and of 64 bits."""


@dataclass(frozen=True, slots=True)
class BusMessage:
    """A locked message, to be settled after it is stored.

    `sequence_number` is the bus's own number within `entity`, and `enqueued_at` the time at which the bus accepted it;
    both are the same in every delivery of the message. If `entity` is a dead-letter queue, `origin` is the queue or
    subscription to which the message was sent. `delivery_count` is the number of earlier deliveries. Application
    properties are converted to text. `problem` names the part that could not be decoded; `body` then has everything
    that was readable.
    """

    entity: str
    origin: str
    sequence_number: int
    message_id: str | None
    session_id: str | None
    application_properties: Mapping[str, str]
    content_type: str | None
    body: bytes
    delivery_count: int
    enqueued_at: datetime | None
    received: ServiceBusReceivedMessage = field(repr=False, compare=False)
    """The vendor's message, needed for the settlement."""
    problem: str | None = None


def bus_message(entity: str, origin: str, received: ServiceBusReceivedMessage) -> BusMessage:
    """The message as received, with everything decoded. Never raises.

    Bytes that are not UTF-8 are replaced in a name, and written in base64 in a body. Parts that the client cannot
    decode are left out and named in `problem`.
    """
    amqp = received.raw_amqp_message
    undecoded = (amqp.footer or {}).get(UNDECODED)
    problems: list[str] = [] if undecoded is None else [_text(undecoded)]

    def part(name: str, read: Callable[[], _Part], otherwise: _Part) -> _Part:
        try:
            return read()
        except Exception as error:  # noqa: BLE001 - not swallowed: it is stored with the message
            problems.append(f"{name}: {type(error).__name__}: {error}")
            return otherwise

    names = amqp.properties
    message = BusMessage(
        entity=entity,
        origin=origin,
        sequence_number=part("sequence number", lambda: _sequence(received.sequence_number), 0),
        message_id=None if names is None else _optional(names.message_id),
        session_id=None if names is None else _optional(names.group_id),
        application_properties=part("application properties", lambda: _properties(amqp.application_properties), {}),
        content_type=None if names is None else _optional(names.content_type),
        body=part("body", lambda: _body(received), b""),
        delivery_count=part("delivery count", lambda: int(received.delivery_count or 0), 0),
        enqueued_at=part("enqueued time", lambda: _moment(received.enqueued_time_utc), None),
        received=received,
        problem=f"cannot be decoded: {'; '.join(problems)}" if problems else None,
    )
    if problems:
        log.warning("service_bus: message %d of %s: %s", message.sequence_number, entity, message.problem)
    return message


def _sequence(number: object) -> int:
    # A message without a number is identified by its label and content.
    return number if isinstance(number, int) and 0 <= number <= _LARGEST else 0


def _moment(value: datetime | None) -> datetime | None:
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def _properties(properties: Mapping[object, object] | None) -> dict[str, str]:
    return {_text(name): _text(value) for name, value in (properties or {}).items()}


def _body(received: ServiceBusReceivedMessage) -> bytes:
    if received.body_type is AmqpMessageBodyType.DATA:
        return b"".join(bytes(section) for section in received.body)
    value = received.body if received.body_type is AmqpMessageBodyType.VALUE else list(received.body)
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    # An AMQP value or sequence. No twin service sends one, but a client that is given a map does.
    return orjson.dumps(_plain(value))


def _plain(value: object) -> object:
    """An AMQP value as a JSON value, without loss. The client decodes at most 64 levels."""
    if isinstance(value, dict):
        plain = {_written(name): _plain(inner) for name, inner in value.items()}
        # Two keys that are equal in JSON would lose a value.
        if len(plain) == len(value):
            return plain
        return [[_plain(name), _plain(inner)] for name, inner in value.items()]
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -_LARGEST - 1 <= value <= 2 * _LARGEST + 1 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return _written(value)


def _written(value: object) -> str:
    """A value as text from which it can be recovered."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    return _text(value).encode("utf-8", "backslashreplace").decode()


def _optional(value: object) -> str | None:
    return None if value is None else _text(value)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
