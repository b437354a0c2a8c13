"""The ingress from a Service Bus namespace: a receiver for every entity and connection in the settings."""

import asyncio
import logging
from typing import TYPE_CHECKING, Final, Self

from azure.servicebus import NEXT_AVAILABLE_SESSION, ServiceBusSubQueue
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver

from connectors.azure.service_bus import decoding
from connectors.azure.service_bus.faults import SYSTEM
from connectors.azure.service_bus.receiver import EntityReceiver
from connectors.azure.service_bus.settings import DEAD_LETTER_SUFFIX, EntitySettings, ServiceBusSettings
from domain.errors import ActionRequired

if TYPE_CHECKING:
    from azure.identity.aio import DefaultAzureCredential

# The client logs a traceback for every failed attempt. The errors that we translate contain what is needed.
_VENDOR_LOGGER: Final = "azure.servicebus"
_OPENING: Final = 15.0
"""Seconds. Without this limit an attempt to reach a host that drops packets lasts as long as TCP retries."""


class ServiceBusIngress:
    """Everything that is read from one namespace. Only the caller settles messages, after they are stored."""

    def __init__(self, settings: ServiceBusSettings) -> None:
        logging.getLogger(_VENDOR_LOGGER).setLevel(logging.CRITICAL)
        decoding.install()
        self._settings = settings
        self._credential: DefaultAzureCredential | None = None
        self._client: ServiceBusClient | None = None
        self.receivers: tuple[EntityReceiver, ...] = tuple(
            receiver for entity in settings.entities for receiver in self._receivers_of(entity)
        )
        """One receiver for each entity, its dead-letter queue and each further connection; a task for each runs
        `batches`."""

    async def check(self) -> str:
        """One line that names the namespace and its entities.

        Raises:
            Unavailable: nothing answers.
            ActionRequired: it refuses the sign-in, or an entity does not exist.
        """
        entities = self._settings.entities
        for entity in entities:
            receiver = self._receiver_of(entity, entity.path, dead_letter=entity.sessions, prefetch=0)
            # Opening a session would take it from its present receiver. The dead-letter queue has no sessions.
            try:
                await receiver.open()
            finally:
                await receiver.close()
        return f"Service Bus at {self._settings.address}: {', '.join(entity.path for entity in entities)}"

    def stop(self) -> None:
        """Ends every `batches`, each after its current batch."""
        for receiver in self.receivers:
            receiver.stop()

    async def close(self) -> None:
        """Stops, returns messages that were fetched and not handed out, and closes every connection."""
        self.stop()
        await asyncio.gather(*(receiver.close() for receiver in self.receivers))
        if self._client is not None:
            await self._client.close()
        if self._credential is not None:
            await self._credential.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _receivers_of(self, entity: EntitySettings) -> list[EntityReceiver]:
        receivers = [
            self._receiver_of(entity, entity.path, dead_letter=False, prefetch=entity.prefetch)
            for _ in range(entity.receivers)
        ]
        if entity.dead_letter:
            path = entity.path + DEAD_LETTER_SUFFIX
            receivers.append(self._receiver_of(entity, path, dead_letter=True, prefetch=entity.prefetch))
        return receivers

    def _receiver_of(self, entity: EntitySettings, path: str, *, dead_letter: bool, prefetch: int) -> EntityReceiver:
        sessions = entity.sessions and not dead_letter
        settings = self._settings

        def open_receiver() -> ServiceBusReceiver:
            return _open(
                self._connected(),
                entity,
                session_id=NEXT_AVAILABLE_SESSION if sessions else None,
                sub_queue=ServiceBusSubQueue.DEAD_LETTER if dead_letter else None,
                prefetch_count=prefetch,
                max_wait_time=settings.max_wait.total_seconds() if sessions else None,
                socket_timeout=settings.linger.total_seconds(),
            )

        return EntityReceiver(
            path,
            entity.path,
            settings.address,
            open_receiver,
            sessions=sessions,
            max_wait=settings.max_wait,
            linger=settings.linger,
            longest_backoff=settings.longest_backoff,
        )

    def _connected(self) -> ServiceBusClient:
        """The client. It is created at the first use, because it needs a running event loop and may refuse the
        settings."""
        if self._client is None:
            secret = self._settings.connection_string
            try:
                # No retries of its own: during them our receiver could not report the outage.
                if secret is not None:
                    self._client = ServiceBusClient.from_connection_string(
                        secret.get_secret_value(), retry_total=0, try_timeout=_OPENING
                    )
                else:
                    # Imported late: the import is slow, and a connection string does not need it.
                    from azure.identity.aio import DefaultAzureCredential

                    self._credential = DefaultAzureCredential()
                    self._client = ServiceBusClient(
                        self._settings.namespace, self._credential, retry_total=0, try_timeout=_OPENING
                    )
            except ValueError:
                problem = "the connection string is not one (Endpoint=sb://…;SharedAccessKeyName=…;SharedAccessKey=…)"
                raise ActionRequired(problem, system=SYSTEM, operation="connect", field="connection_string") from None
        return self._client


def _open(client: ServiceBusClient, entity: EntitySettings, **options: object) -> ServiceBusReceiver:
    if entity.queue is not None:
        return client.get_queue_receiver(entity.queue, **options)
    return client.get_subscription_receiver(entity.topic, entity.subscription, **options)
