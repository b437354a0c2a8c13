"""The connector to Azure Service Bus, with the vendor's client over AMQP."""

from typing import TYPE_CHECKING

from connectors.azure.service_bus.connector import ServiceBusIngress
from connectors.azure.service_bus.message import BusMessage
from connectors.azure.service_bus.receiver import EntityReceiver
from connectors.azure.service_bus.settings import EntitySettings, ServiceBusSettings

if TYPE_CHECKING:
    import httpx

__all__ = ["BusMessage", "EntityReceiver", "EntitySettings", "ServiceBusIngress", "ServiceBusSettings", "connect"]


def connect(
    settings: ServiceBusSettings,
    http_client: "httpx.AsyncClient | None" = None,  # noqa: ARG001  # every connector is made alike; the SDK brings its own
) -> ServiceBusIngress:
    """The connector to one namespace. It makes no call yet."""
    return ServiceBusIngress(settings)
