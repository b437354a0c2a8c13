"""The sandbox's Azure Digital Twins: the data plane, api-version 2023-10-31, for the unmodified client."""

from sandbox.twins.cloud_event import CloudEvent
from sandbox.twins.errors import ServiceError
from sandbox.twins.service import TwinService

__all__ = ["CloudEvent", "ServiceError", "TwinService"]
