"""Settings of the PackML connector."""

from connectors.opcua.connection_settings import OpcUaSettings


class PackMlSettings(OpcUaSettings):
    """Settings of one PackML server: those of its connection."""
