"""Settings of the Service Bus connector: the namespace, and the entities to read."""

from datetime import timedelta
from typing import Final, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from domain.addresses import is_loopback
from domain.model import Duration

DEAD_LETTER_SUFFIX: Final = "/$deadletter"


class EntitySettings(BaseModel):
    """A queue, or a topic with one of its subscriptions, to read from.

    Args:
        sessions: whether the entity requires sessions; then each receiver takes the next free session, and another when
            it is empty.
        receivers: number of receivers, each with a separate connection.
        prefetch: how many messages a receiver may hold beyond those handed out. Their locks run while they wait.
        dead_letter: whether its dead-letter queue is read too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    queue: str | None = Field(default=None, min_length=1)
    topic: str | None = Field(default=None, min_length=1)
    subscription: str | None = Field(default=None, min_length=1)
    sessions: bool = False
    receivers: int = Field(default=1, ge=1, le=32)
    prefetch: int = Field(default=500, ge=0, le=5000)
    dead_letter: bool = False

    @model_validator(mode="after")
    def _is_one_entity(self) -> Self:
        if (self.queue is None) == (self.topic is None) or (self.topic is None) != (self.subscription is None):
            raise ValueError("name either a queue, or a topic and a subscription")
        return self

    @property
    def path(self) -> str:
        """The name of this ingress in events: `queue`, or `topic/subscription`."""
        return self.queue if self.queue is not None else f"{self.topic}/{self.subscription}"


class ServiceBusSettings(BaseModel):
    """Settings of one namespace: either a connection string, or its name and the identity of the machine we run on.

    Args:
        connection_string: with `UseDevelopmentEmulator=true` it connects without TLS.
        namespace: `<name>.servicebus.windows.net`; sign-in is by azure-identity's default credential chain.
        max_wait: maximum wait of one receive for a first message, and maximum duration of a stop.
        longest_backoff: maximum pause between attempts while the bus does not answer.
        linger: how long a batch waits for more messages after its first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    connection_string: SecretStr | None = None
    namespace: str | None = Field(default=None, min_length=1)
    entities: tuple[EntitySettings, ...] = Field(min_length=1)
    max_wait: Duration = Field(default=timedelta(seconds=1), gt=timedelta())
    longest_backoff: Duration = Field(default=timedelta(seconds=10), gt=timedelta())
    linger: Duration = Field(default=timedelta(milliseconds=10), gt=timedelta())

    @field_validator("connection_string")
    @classmethod
    def _key_goes_encrypted(cls, connection_string: SecretStr | None) -> SecretStr | None:
        if connection_string is None:
            return None
        parts = _parts(connection_string)
        plain = parts.get("usedevelopmentemulator", "").lower() == "true"
        if plain and not is_loopback(urlsplit(parts.get("endpoint", "")).hostname or ""):
            raise ValueError(
                "with UseDevelopmentEmulator=true it connects without TLS, so its endpoint must be this machine "
                "(127.0.0.1, localhost); leave UseDevelopmentEmulator out"
            )
        return connection_string

    @model_validator(mode="after")
    def _has_one_way_in(self) -> Self:
        if (self.connection_string is None) == (self.namespace is None):
            raise ValueError("give either connection_string or namespace")
        paths = [entity.path for entity in self.entities]
        if len(set(paths)) != len(paths):
            raise ValueError("an entity is named twice")
        return self

    @property
    def address(self) -> str:
        """The address of the namespace, without its key."""
        if self.connection_string is None:
            return str(self.namespace)
        endpoint = _parts(self.connection_string).get("endpoint", "")
        return endpoint.removeprefix("sb://").rstrip("/") or "an address that the connection string does not name"


def _parts(connection_string: SecretStr) -> dict[str, str]:
    """The parts of a connection string, by their names in lower case."""
    pairs = (part.split("=", 1) for part in connection_string.get_secret_value().split(";") if "=" in part)
    return {name.strip().lower(): value.strip() for name, value in pairs}
