"""What a door hands over: a message of a bus, and the facts of its delivery."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, Protocol


class BusMessage(Protocol):
    """A message as any bus delivers it; connectors give their own class with these attributes.

    `entity` is the queue or subscription, and `sequence_number` the bus's own number in it, which a redelivery
    repeats. `application_properties` are text already.
    """

    @property
    def entity(self) -> str: ...
    @property
    def sequence_number(self) -> int: ...
    @property
    def message_id(self) -> str | None: ...
    @property
    def application_properties(self) -> Mapping[str, str]: ...
    @property
    def content_type(self) -> str | None: ...
    @property
    def body(self) -> bytes: ...


class Delivery(NamedTuple):
    """Through which door a message came, under which number there, and when by the plant's clock."""

    door: str
    sequence: int
    received_at: datetime
