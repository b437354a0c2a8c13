"""Azure Service Bus, by its own client over AMQP."""

from typing import TYPE_CHECKING

from connectors.azure.service_bus.connector import ServiceBusDoor
from connectors.azure.service_bus.message import BusMessage
from connectors.azure.service_bus.receiver import EntityReceiver
from connectors.azure.service_bus.settings import EntitySettings, ServiceBusSettings

if TYPE_CHECKING:
    import httpx

__all__ = ["BusMessage", "EntityReceiver", "EntitySettings", "ServiceBusDoor", "ServiceBusSettings", "connect"]


def connect(
    settings: ServiceBusSettings,
    http_client: "httpx.AsyncClient | None" = None,  # noqa: ARG001  # every connector is made alike; the SDK brings its own
) -> ServiceBusDoor:
    """The door to one namespace; nothing is asked of it yet."""
    return ServiceBusDoor(settings)
