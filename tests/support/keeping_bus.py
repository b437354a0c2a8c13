"""A bus of the sandbox's plant that keeps what is published."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.plant.feed import TOPIC


@dataclass
class KeepingBus:
    """See `sandbox.plant.feed.Bus`. A message is its body, its properties and its id."""

    messages: list[tuple[bytes, dict[str, str], str]] = field(default_factory=list)
    flushed: int = 0

    def publish(
        self,
        entity: str,
        body: bytes,
        *,
        application_properties: Mapping[str, object],
        message_id: str,
        content_type: str,
    ) -> int:
        assert (entity, content_type) == (TOPIC, "application/json")
        properties = {name: str(value) for name, value in application_properties.items()}
        self.messages.append((body, properties, message_id))
        return 1

    def flush(self) -> None:
        self.flushed = len(self.messages)
