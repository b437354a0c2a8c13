"""What the twin service refuses, in the words of its REST reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

# Codes: REST reference of the data plane, api-version 2023-10-31. It does not list the errors of the HTTP layer; the
# codes about the token, the api-version, an unknown path or method, throttling and failure are ours.
STATUSES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "BadRequest": 400,
        "DTDLParserError": 400,
        "EventRouteEndpointInvalid": 400,
        "EventRouteFilterInvalid": 400,
        "EventRouteIdInvalid": 400,
        "InvalidApiVersionParameter": 400,
        "InvalidArgument": 400,
        "InvalidRelationship": 400,
        "JsonPatchInvalid": 400,
        "LimitExceeded": 400,
        "MissingApiVersionParameter": 400,
        "MissingArgument": 400,
        "ModelDecommissioned": 400,
        "ModelReferencesNotDecommissioned": 400,
        "ModelVersionNotSupported": 400,
        "OperationNotAllowed": 400,
        "RelationshipsNotDeleted": 400,
        "SqlQueryError": 400,
        "ValidationFailed": 400,
        "Unauthorized": 401,
        "ComponentNotFound": 404,
        "DigitalTwinNotFound": 404,
        "EventRouteNotFound": 404,
        "ModelNotFound": 404,
        "NotFound": 404,
        "RelationshipNotFound": 404,
        "TargetTwinNotFound": 404,
        "MethodNotAllowed": 405,
        "ModelAlreadyExists": 409,
        "ModelReferencesNotDeleted": 409,
        "RelationshipAlreadyExists": 409,
        "PreconditionFailed": 412,
        "TooManyRequests": 429,
        "InternalServerError": 500,
    }
)


class ServiceError(Exception):
    """A refusal: answered as `{"error": {"code", "message", "details": [{"code", "message"}]}}`.

    Args:
        code: one of `STATUSES`, which gives the HTTP status.
        message: what a reader of the answer sees.
        details: one message for each thing that is wrong, where there may be several.
    """

    def __init__(self, code: str, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(f"{code}: {message}" + "".join(f" {detail}" for detail in details))
        self.code = code
        self.status = STATUSES[code]
        self.message = message
        self.details = tuple(details)

    def body(self) -> dict[str, object]:
        """The answer's JSON."""
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if self.details:
            error["details"] = [{"code": self.code, "message": detail} for detail in self.details]
        return {"error": error}
