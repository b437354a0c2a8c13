"""The connector to Azure Digital Twins, with the vendor's client over the data plane's REST API."""

import httpx

from connectors.azure.digital_twins.client import open_client
from connectors.azure.digital_twins.connector import AzureTwinGraph
from connectors.azure.digital_twins.settings import DigitalTwinsSettings, TwinVocabulary
from connectors.azure.digital_twins.twins import AzureTwin

__all__ = ["AzureTwin", "AzureTwinGraph", "DigitalTwinsSettings", "TwinVocabulary", "connect"]


def connect(
    settings: DigitalTwinsSettings,
    http_client: httpx.AsyncClient | None = None,  # noqa: ARG001  # every connector is made alike; the SDK brings its own
) -> AzureTwinGraph:
    """The connector to one instance. It makes no call yet. Close it after use."""
    return AzureTwinGraph(settings, open_client(settings))
