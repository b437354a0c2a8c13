"""Event notifications of the twin service, as CloudEvents 1.0.

Source: learn.microsoft.com/azure/digital-twins/concepts-event-notifications.

| type                                    | subject                     | data                         |
|-----------------------------------------|-----------------------------|------------------------------|
| Microsoft.DigitalTwins.Twin.Create      | twin id                     | the twin                     |
| Microsoft.DigitalTwins.Twin.Update      | twin id                     | {modelId, patch}             |
| Microsoft.DigitalTwins.Twin.Delete      | twin id                     | the twin before              |
| Microsoft.DigitalTwins.Relationship.*   | twin id/relationships/id    | as above, of a relationship  |
| microsoft.iot.telemetry                 | component, None for a twin  | what was sent, unmodified    |

`source` is the instance's host; for telemetry `<host>/digitaltwins/<twin id>`, and `dataschema` the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sandbox.twins.document import JsonValue

TWIN_CREATE: Final = "Microsoft.DigitalTwins.Twin.Create"
TWIN_UPDATE: Final = "Microsoft.DigitalTwins.Twin.Update"
TWIN_DELETE: Final = "Microsoft.DigitalTwins.Twin.Delete"
RELATIONSHIP_CREATE: Final = "Microsoft.DigitalTwins.Relationship.Create"
RELATIONSHIP_UPDATE: Final = "Microsoft.DigitalTwins.Relationship.Update"
RELATIONSHIP_DELETE: Final = "Microsoft.DigitalTwins.Relationship.Delete"
TELEMETRY: Final = "microsoft.iot.telemetry"


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """One notification on its way along one route.

    Args:
        id: unique within `source`; telemetry carries the sender's message id.
        source: who speaks, see the module.
        type: one of the module's seven.
        subject: what it is about; None for a twin's own telemetry.
        time: when it happened, aware UTC.
        datacontenttype: always `application/json`.
        dataschema: the model id, for telemetry only.
        traceparent: the W3C trace context of the request that caused it.
        data: the body alone, as Service Bus messages carry it (CloudEvents AMQP binding, binary mode).
        route: the id of the event route that let it through.
    """

    id: str
    source: str
    type: str
    subject: str | None
    time: datetime
    datacontenttype: str
    dataschema: str | None
    traceparent: str | None
    data: JsonValue
    route: str

    specversion = "1.0"
