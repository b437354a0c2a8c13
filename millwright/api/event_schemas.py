"""The OpenAPI schemas of events that senders may send."""

from typing import Any, Final

from pydantic.json_schema import models_json_schema

from domain.heartbeats import HEARTBEAT
from domain.senders import ALARM
from millwright.intake.envelope import ANOMALY, AlarmEnvelope, AnomalyEnvelope
from millwright.intake.heartbeats import HeartbeatEnvelope

MEDIA_TYPES: Final = ("application/cloudevents+json", "application/cloudevents-batch+json", "application/json")
_ENVELOPES: Final = (AnomalyEnvelope, AlarmEnvelope, HeartbeatEnvelope)
_REFERENCE: Final = "#/components/schemas/{model}"

_CLOUD_EVENT: Final[dict[str, Any]] = {
    "type": "object",
    "description": "A CloudEvent 1.0; see the schemas of its data for our own types.",
    "required": ["specversion", "id", "source", "type"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string"},
        "source": {"type": "string", "description": "With id, what the event is known by: unique together."},
        "type": {"type": "string", "examples": [ANOMALY, ALARM, HEARTBEAT, "microsoft.iot.telemetry"]},
        "time": {"type": "string", "format": "date-time"},
        "subject": {"type": "string"},
        "data": {"anyOf": [*({"$ref": _REFERENCE.format(model=m.__name__)} for m in _ENVELOPES), {"type": "object"}]},
    },
}
_BATCH: Final[dict[str, Any]] = {"type": "array", "items": _CLOUD_EVENT}
EVENT_BODIES: Final[dict[str, Any]] = {
    "required": True,
    "content": {
        MEDIA_TYPES[0]: {"schema": _CLOUD_EVENT},
        MEDIA_TYPES[1]: {"schema": _BATCH},
        MEDIA_TYPES[2]: {"schema": {"anyOf": [_CLOUD_EVENT, _BATCH]}},
    },
}
REDRIVE_BODY: Final[dict[str, Any]] = {"required": False, "content": {MEDIA_TYPES[0]: {"schema": _CLOUD_EVENT}}}


def add_envelopes(document: dict[str, Any]) -> None:
    """Adds the schemas of our own envelopes to an OpenAPI document."""
    _, definitions = models_json_schema([(model, "validation") for model in _ENVELOPES], ref_template=_REFERENCE)
    document["components"]["schemas"] |= definitions["$defs"]
