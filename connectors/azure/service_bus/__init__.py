"""Azure Service Bus, by its own client over AMQP."""

from connectors.azure.service_bus.connector import ServiceBusDoor
from connectors.azure.service_bus.message import BusMessage
from connectors.azure.service_bus.receiver import EntityReceiver
from connectors.azure.service_bus.settings import EntitySettings, ServiceBusSettings

__all__ = ["BusMessage", "EntityReceiver", "EntitySettings", "ServiceBusDoor", "ServiceBusSettings", "connect"]


def connect(settings: ServiceBusSettings) -> ServiceBusDoor:
    """The door to one namespace; nothing is asked of it yet."""
    return ServiceBusDoor(settings)
