"""Azure Service Bus, by its own client over AMQP."""

import httpx

from connectors.azure.service_bus.connector import ServiceBusDoor
from connectors.azure.service_bus.message import BusMessage
from connectors.azure.service_bus.receiver import EntityReceiver
from connectors.azure.service_bus.settings import EntitySettings, ServiceBusSettings

__all__ = ["BusMessage", "EntityReceiver", "EntitySettings", "ServiceBusDoor", "ServiceBusSettings", "connect"]


def connect(
    settings: ServiceBusSettings,
    http_client: httpx.AsyncClient | None = None,  # noqa: ARG001  # every connector is made alike; the SDK brings its own
) -> ServiceBusDoor:
    """The door to one namespace; nothing is asked of it yet."""
    return ServiceBusDoor(settings)
