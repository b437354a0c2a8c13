"""A message of a bus, and the facts of its delivery."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, Protocol


class BusMessage(Protocol):
    """A message of any bus; each connector has its own class with these attributes.

    `entity` is the queue, subscription or dead-letter queue, and `origin` the queue or subscription to which it was
    sent. `sequence_number` is the bus's own number in the entity and `enqueued_at` the time at which the bus accepted
    it; a redelivery has the same. `application_properties` are texts. `problem` names the part that could not be
    decoded; `body` then has everything that was readable.
    """

    @property
    def entity(self) -> str: ...
    @property
    def origin(self) -> str: ...
    @property
    def sequence_number(self) -> int: ...
    @property
    def enqueued_at(self) -> datetime | None: ...
    @property
    def message_id(self) -> str | None: ...
    @property
    def application_properties(self) -> Mapping[str, str]: ...
    @property
    def content_type(self) -> str | None: ...
    @property
    def body(self) -> bytes: ...
    @property
    def problem(self) -> str | None: ...


class Delivery(NamedTuple):
    """The ingress of a message, its number there, and the time of its arrival by the plant's clock.

    `origin` is the source of a message whose sender names none, and `enqueued_at` the time at which a bus accepted the
    message. `first_at` is the time of its first arrival, if it is read again.
    """

    ingress: str
    sequence: int
    received_at: datetime
    enqueued_at: datetime | None = None
    origin: str | None = None
    first_at: datetime | None = None
