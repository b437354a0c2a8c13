"""Reads CloudEvents 1.0 in their three modes, and Event Grid's own schema, into one form.

Sources: CloudEvents 1.0.2 core, JSON format, HTTP and AMQP bindings; Azure Digital Twins "Event notifications";
Event Grid "event schema". Digital Twins sends binary mode to Service Bus and Event Hubs, with the attributes as
`cloudEvents:*` application properties and the body as `data` alone.
"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import unquote

import orjson

from domain.errors import EventRejected
from millwright.intake.fields import kind_of, parsed_moment
from millwright.intake.json_text import Document, decoded_base64, joined, keepable, parse, refuse_unkeepable

SPECVERSION = "1.0"
TELEMETRY = "microsoft.iot.telemetry"
DEVICE_ATTRIBUTE = "iothubdeviceid"
"""Our extension attribute for the device that IoT Hub authenticated, for events without a twin."""

# PostgreSQL's btree refuses index entries beyond 2,704 bytes, and (source, id) is a unique index.
_LONGEST = {"source": 512, "id": 256, "type": 256, "subject": 1024, "dataschema": 512, DEVICE_ATTRIBUTE: 256}
_TRACEPARENT_LENGTH = 55
_EPOCH_MILLISECONDS = range(12, 15)
_NESTED = {"data", "contenttype", "contentType", "dataschema", "traceparent"}
_HTTP_PREFIX = "ce-"
_AMQP_PREFIXES = ("cloudevents:", "cloudevents_")


class Identity(NamedTuple):
    """The label of an event: source and id together are unique."""

    source: str
    id: str


class CloudEvent(NamedTuple):
    """An event with its attributes checked and its data parsed.

    `path` is the place of the data in the message, so that an error can name the field as the sender wrote it.
    `twin` is the source twin, if there is one, and `device` the source device.
    """

    identity: Identity
    type: str
    data: object
    path: str = "data"
    subject: str | None = None
    time: datetime | None = None
    dataschema: str | None = None
    traceparent: str | None = None
    twin: str | None = None
    device: str | None = None


def identity_of(attributes: Mapping[str, object]) -> Identity | None:
    """Source and id, if both are valid, else None."""
    source, event_id = attributes.get("source"), attributes.get("id")
    if _usable(source, "source") and _usable(event_id, "id"):
        return Identity(str(source), str(event_id))
    return None


def from_attributes(attributes: Mapping[str, object], data: object) -> CloudEvent:
    """An event from its attributes under their CloudEvents names, and its parsed data.

    Raises:
        EventRejected: an attribute is missing or wrong.
    """
    version = attributes.get("specversion")
    if version != SPECVERSION:
        if version is None:
            raise EventRejected("is missing", field="specversion", fix='send "1.0"')
        raise EventRejected("is not a version of CloudEvents known here", field="specversion", fix='send "1.0"')
    identity = Identity(attribute(attributes, "source"), attribute(attributes, "id"))
    event_type = attribute(attributes, "type")
    subject = _optional(attributes, "subject")
    return CloudEvent(
        identity=identity,
        type=event_type,
        data=data,
        subject=subject,
        time=event_time(attributes.get("time")),
        dataschema=_optional(attributes, "dataschema"),
        traceparent=traceparent(attributes.get("traceparent")),
        device=_optional(attributes, DEVICE_ATTRIBUTE),
        twin=_last_segment(identity.source) if event_type.lower() == TELEMETRY else subject,
    )


def from_structured(event: Mapping[str, object]) -> CloudEvent:
    """An event in structured mode: attributes and data in one JSON object.

    Raises:
        EventRejected: an attribute is missing or wrong, or `data_base64` holds no JSON.
    """
    if "data_base64" in event:
        encoded = event["data_base64"]
        if not isinstance(encoded, str):
            raise EventRejected(f"must be a text, not {kind_of(encoded)}", field="data_base64")
        return from_attributes(event, parsed_data(decoded_base64(encoded, "data_base64")).value)
    return from_attributes(event, event.get("data"))


def from_event_grid(event: Mapping[str, object]) -> CloudEvent:
    """An event in Event Grid's schema; Digital Twins nests its own data once more (`data.data.patch`).

    Raises:
        EventRejected: a field is missing or wrong.
    """
    attributes = event_grid_attributes(event)
    outer = event.get("data")
    path, data = "data", outer
    if isinstance(outer, dict) and isinstance(outer.get("data"), dict) and outer.keys() <= _NESTED:
        path, data = "data.data", outer["data"]
        attributes |= {name: outer[name] for name in ("dataschema", "traceparent") if name in outer}
    read = from_attributes(attributes, data)
    subject = read.subject
    return read._replace(path=path, twin=subject.split("/", 1)[0] if subject else None)


def event_grid_attributes(event: Mapping[str, object]) -> dict[str, object]:
    """Event Grid's fields under their CloudEvents names."""
    return {
        "specversion": SPECVERSION,
        "source": event.get("topic"),
        "id": event.get("id"),
        "type": event.get("eventType"),
        "subject": event.get("subject"),
        "time": event.get("eventTime"),
    }


def amqp_attributes(properties: Mapping[str, str]) -> dict[str, object]:
    """The CloudEvents attributes in a message's application properties; empty if it is no CloudEvent."""
    found: dict[str, object] = {}
    for name, value in properties.items():
        lower = name.lower()
        if lower.startswith(_AMQP_PREFIXES):
            found[lower[len(_AMQP_PREFIXES[0]) :]] = value
    return found


def http_attributes(headers: Mapping[str, str]) -> dict[str, object]:
    """The CloudEvents attributes in HTTP headers, percent-decoded; empty if it is no binary-mode event."""
    found: dict[str, object] = {}
    for name, value in headers.items():
        lower = name.lower()
        if lower.startswith(_HTTP_PREFIX):
            found[lower[len(_HTTP_PREFIX) :]] = unquote(value)
    return found


def parsed_data(body: bytes) -> Document:
    """The JSON of a body that is only `data`; None for an empty body.

    Raises:
        EventRejected: it is no JSON, or has a value that cannot be stored.
    """
    if not body:
        return Document(None, strict=False, suspect=False)
    try:
        document = parse(body)
        if document.suspect:
            refuse_unkeepable(document.value)
    except EventRejected as refused:
        path = joined("data", refused.field) if refused.field else "data"
        raise EventRejected(refused.problem, field=path, fix=refused.fix) from None
    return document


def self_contained(attributes: Mapping[str, object], body: bytes, *, is_json: bool) -> bytes:
    """Binary mode rewritten as one JSON text, so that the stored event can be read again without its properties.

    A body that is not JSON is stored as `data_base64`, because it is needed for the correction.
    """
    kept = {name: value for name, value in attributes.items() if isinstance(value, str) and keepable(value)}
    if is_json and kept:
        return orjson.dumps(kept)[:-1] + b',"data":' + body + b"}"
    return orjson.dumps(kept | {"data_base64": base64.b64encode(body).decode()})


def _usable(value: object, name: str) -> bool:
    return (
        isinstance(value, str)
        and bool(value.strip())
        and len(value.encode("utf-8", "replace")) <= _LONGEST[name]
        and keepable(value)
    )


def attribute(attributes: Mapping[str, object], name: str) -> str:
    """An attribute that every event has.

    Raises:
        EventRejected: it is missing, empty, too long or no text.
    """
    value = attributes.get(name)
    if value is None:
        raise EventRejected("is missing", field=name)
    return _checked(value, name)


def _optional(attributes: Mapping[str, object], name: str) -> str | None:
    value = attributes.get(name)
    return None if value is None else _checked(value, name)


def _checked(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise EventRejected(f"must be a text, not {kind_of(value)}", field=name)
    if not value or value.isspace():
        raise EventRejected("is empty", field=name)
    if len(value) > _LONGEST[name] or (not value.isascii() and len(value.encode("utf-8", "replace")) > _LONGEST[name]):
        raise EventRejected(f"is longer than {_LONGEST[name]} bytes", field=name)
    if not keepable(value):
        raise EventRejected("holds a NUL or half a character", field=name, fix="send plain Unicode text")
    return value


def event_time(value: object) -> datetime | None:
    """The instant of the attribute `time`, None if it is absent.

    Raises:
        EventRejected: it is none.
    """
    if value is None:
        return None
    if isinstance(value, str) and len(value) in _EPOCH_MILLISECONDS and value.isdecimal():
        # The AMQP binding allows an AMQP timestamp for `time`; clients pass it as milliseconds.
        return datetime.fromtimestamp(int(value) / 1000, UTC)
    return parsed_moment(value, "time")


def traceparent(value: object) -> str | None:
    """The trace context if it is valid: an invalid one is no reason to refuse an anomaly (W3C Trace Context 3.2)."""
    return (
        value
        if isinstance(value, str) and len(value) == _TRACEPARENT_LENGTH and value.isascii() and keepable(value)
        else None
    )


def _last_segment(source: str) -> str:
    """The twin in a source. Both `<host>/<twin>` and `<host>/digitaltwins/<twin>` occur."""
    return source.rstrip("/").rsplit("/", 1)[-1]
