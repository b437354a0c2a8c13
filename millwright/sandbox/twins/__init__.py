"""The sandbox's Azure Digital Twins: the data plane, api-version 2023-10-31, for the unmodified client."""

from millwright.sandbox.twins.cloud_event import CloudEvent
from millwright.sandbox.twins.errors import ServiceError
from millwright.sandbox.twins.service import TwinService

__all__ = ["CloudEvent", "ServiceError", "TwinService"]
