"""Reads bytes into received events. Pure and total; unknown names are never guessed.

Every message becomes a `Received`: an anomaly that waits for judging, or a fate with the field and the reason. These
functions never raise. If the body was readable, `raw` is stored as one self-contained JSON text, so that `read_again`
can read it after the register was corrected.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from domain.anomaly import Fate, Received
from domain.errors import EventRejected
from domain.heartbeats import HEARTBEAT
from domain.identity import label_key, own_id, renamed
from domain.senders import ALARM
from millwright.intake import envelope
from millwright.intake.cloudevents import (
    DEVICE_ATTRIBUTE,
    SPECVERSION,
    TELEMETRY,
    CloudEvent,
    Identity,
    amqp_attributes,
    event_grid_attributes,
    from_attributes,
    from_event_grid,
    from_structured,
    http_attributes,
    identity_of,
    parsed_data,
    self_contained,
)
from millwright.intake.heartbeats import read_heartbeat
from millwright.intake.json_text import Document, dumped, parse, refuse_unkeepable
from millwright.intake.message import BusMessage, Delivery
from millwright.intake.message_content import MessageContent, Unmapped, not_an_anomaly
from millwright.intake.register import Register
from millwright.intake.telemetry import read_telemetry
from millwright.intake.twin_changes import read_lifecycle, read_update

LARGEST_EVENT = 256 * 1024
"""Bytes; the limit of Service Bus's standard tier for one message."""
LARGEST_BATCH = 1024 * 1024
"""Bytes; Event Grid's limit for one delivery."""

MOST_EVENTS = 5000
"""In one request; Event Grid's limit for one delivery."""

_TWIN_UPDATE = "Microsoft.DigitalTwins.Twin.Update"
_TWIN_EVENTS = "Microsoft.DigitalTwins."
_OUR_TYPES = "millwright."
_STRUCTURED = "application/cloudevents+json"
_BATCH = "application/cloudevents-batch+json"
_IOT_DEVICE = "iothub-connection-device-id"


def read_message(message: BusMessage, now: datetime, register: Register) -> Received:
    """Reads one message of a bus.

    CloudEvents in binary mode are recognised by their application properties, in structured mode by their content type
    or `specversion`, Event Grid's schema by `eventType`. Everything else is read as telemetry of a device (Event Hub
    and IoT Hub style). Its message id is not unique, because devices number their messages, so its content is part of
    its id.
    """
    delivery = Delivery(message.entity, message.sequence_number, now, message.enqueued_at, message.origin)
    properties, body = message.application_properties, message.body
    attributes = amqp_attributes(properties)
    if message.problem is not None:
        raw = self_contained(attributes, body, is_json=False) if attributes else body
        return _quarantined(delivery, raw, attributes, EventRejected(message.problem))
    if attributes and not _is_structured(message.content_type):
        return _read_binary(attributes, body, delivery, register)
    if len(body) > LARGEST_EVENT:
        return _quarantined(delivery, body, {}, _too_large(len(body), LARGEST_EVENT))
    try:
        document = parse(body)
    except EventRejected as refused:
        return _quarantined(delivery, body, {}, refused)
    item = document.value
    if isinstance(item, list) and len(item) == 1:
        item = item[0]
    if isinstance(item, dict) and ("specversion" in item or "eventType" in item):
        return _read_item(item, body, delivery, register, suspect=document.suspect)
    if isinstance(item, list):
        several = EventRejected("holds no event or several", fix="send one message for each")
        return _quarantined(delivery, body, {}, several)
    plain: dict[str, object] = {
        "specversion": SPECVERSION,
        "type": TELEMETRY,
        "source": message.origin,
        "id": message.message_id or _numbered(delivery),
    }
    if _IOT_DEVICE in properties:
        plain[DEVICE_ATTRIBUTE] = properties[_IOT_DEVICE]
    read = _read_binary(plain, body, delivery, register)
    if identity_of(plain) is None:
        return read  # The event already has a natural key.
    return renamed(read, read.source, own_id(read.external_id, read.raw))


def read_items(
    payload: bytes,
    content_type: str | None,
    headers: Mapping[str, str],
    *,
    ingress: str,
    sequences: Iterator[int],
    now: datetime,
    register: Register,
) -> list[Received]:
    """Reads the events of one HTTP request, in their order; each gets the next of `sequences`.

    It accepts CloudEvents in binary mode (`ce-` headers), structured and batched, and Event Grid's schema. A body that
    is no JSON, or too large, is one quarantined event; an empty list is none.
    """
    if not _is_structured(content_type):
        attributes = http_attributes(headers)
        if attributes:
            return [_read_binary(attributes, payload, Delivery(ingress, next(sequences), now), register)]
    if len(payload) > LARGEST_BATCH:
        too_large = _too_large(len(payload), LARGEST_BATCH)
        return [_quarantined(Delivery(ingress, next(sequences), now), payload, {}, too_large)]
    try:
        document = parse(payload)
    except EventRejected as refused:
        return [_quarantined(Delivery(ingress, next(sequences), now), payload, {}, refused)]
    if not isinstance(document.value, list):
        delivery = Delivery(ingress, next(sequences), now)
        return [_read_item(document.value, payload, delivery, register, suspect=document.suspect)]
    if len(document.value) > MOST_EVENTS:
        problem = f"holds {len(document.value)} events, and at most {MOST_EVENTS} are taken at once"
        too_many = EventRejected(problem, fix="send several requests")
        return [_quarantined(Delivery(ingress, next(sequences), now), payload, {}, too_many)]
    return [
        _read_part(item, document, payload, Delivery(ingress, next(sequences), now), register)
        for item in document.value
    ]


def read_again(raw: bytes, delivery: Delivery, register: Register) -> Received:
    """Reads a stored event again, for a redrive of a quarantined or unmapped event."""
    try:
        document = parse(raw)
    except EventRejected as refused:
        return _quarantined(delivery, raw, {}, refused)
    item = document.value
    if isinstance(item, list) and len(item) == 1:
        item = item[0]
    return _read_item(item, raw, delivery, register, suspect=document.suspect)


def _read_part(item: object, whole: Document, payload: bytes, delivery: Delivery, register: Register) -> Received:
    try:
        raw = dumped(item, strict=whole.strict)
    except EventRejected as refused:
        # It cannot be written separately, so the whole body is stored.
        return _quarantined(delivery, payload, {}, refused)
    return _read_item(item, raw, delivery, register, suspect=whole.suspect)


def _read_item(item: object, raw: bytes, delivery: Delivery, register: Register, *, suspect: bool) -> Received:
    if not isinstance(item, dict):
        return _quarantined(delivery, raw, {}, EventRejected("is no event", fix="send a CloudEvent as a JSON object"))
    is_event_grid = "eventType" in item and "specversion" not in item
    attributes = event_grid_attributes(item) if is_event_grid else item
    try:
        if len(raw) > LARGEST_EVENT:
            raise _too_large(len(raw), LARGEST_EVENT)
        if suspect:
            refuse_unkeepable(item)
        else:
            known = register.phrases.read(item, raw, delivery)
            if known is not None:
                return known
        event = from_event_grid(item) if is_event_grid else from_structured(item)
    except EventRejected as refused:
        return _quarantined(delivery, raw, attributes, refused)
    received = _received(event, raw, delivery, register)
    if event.type == envelope.ANOMALY and not suspect:
        register.phrases.learn(item, received)
    return received


def _read_binary(attributes: Mapping[str, object], body: bytes, delivery: Delivery, register: Register) -> Received:
    is_json = False
    try:
        if len(body) > LARGEST_EVENT:
            raise _too_large(len(body), LARGEST_EVENT)
        document = parsed_data(body)
        is_json = document.strict
        event = from_attributes(attributes, document.value)
    except EventRejected as refused:
        raw = self_contained(attributes, body, is_json=is_json)
        return _quarantined(delivery, raw, attributes, refused)
    return _received(event, self_contained(attributes, body, is_json=is_json), delivery, register)


def _received(event: CloudEvent, raw: bytes, delivery: Delivery, register: Register) -> Received:
    try:
        found = _find(event, delivery, register)
    except Unmapped as unmapped:
        found = MessageContent(
            natural_key=unmapped.natural_key,
            at=unmapped.at,
            fate=Fate.UNMAPPED,
            reason=_words(unmapped),
            field=unmapped.field,
        )
    except EventRejected as refused:
        found = MessageContent(fate=Fate.QUARANTINED, reason=_words(refused), field=refused.field)
    key = found.natural_key
    if key is None and found.fate is not Fate.QUARANTINED:
        key = label_key(event.identity.source, event.identity.id)
    return Received.trusted(
        ingress=delivery.ingress,
        sequence=delivery.sequence,
        source=event.identity.source,
        external_id=event.identity.id,
        type=event.type,
        subject=event.subject,
        received_at=delivery.received_at,
        enqueued_at=delivery.enqueued_at,
        raw=raw,
        natural_key=key,
        at=found.at,
        traceparent=event.traceparent,
        anomaly=found.anomaly,
        heartbeat=found.heartbeat,
        line=found.line,
        fate=found.fate,
        reason=found.reason,
        field=found.field,
    )


def _find(event: CloudEvent, delivery: Delivery, register: Register) -> MessageContent:
    kind, now = event.type, delivery.received_at
    if kind == envelope.ANOMALY:
        return envelope.read_anomaly(event, now, register)
    if kind.lower() == TELEMETRY:
        return read_telemetry(event, now, register)
    if kind == _TWIN_UPDATE:
        return read_update(event, now, register)
    if kind == ALARM:
        return envelope.read_alarm(event, now, register, delivery.first_at or now)
    if kind == HEARTBEAT:
        return read_heartbeat(event, now, register)
    if kind.startswith(_TWIN_EVENTS):
        return read_lifecycle(event)
    if kind.startswith(_OUR_TYPES):
        raise EventRejected(
            "is no type known here", field="type", fix=f"send {envelope.ANOMALY}, {ALARM} or {HEARTBEAT}"
        )
    return not_an_anomaly(f"events of the type {kind} say nothing of a machine's health", event.time)


def _quarantined(delivery: Delivery, raw: bytes, attributes: Mapping[str, object], refused: EventRejected) -> Received:
    identity = identity_of(attributes) or _unnamed(delivery, raw)
    return Received.trusted(
        ingress=delivery.ingress,
        sequence=delivery.sequence,
        source=identity.source,
        external_id=identity.id,
        type=_shown(attributes.get("type")),
        subject=_shown(attributes.get("subject")),
        received_at=delivery.received_at,
        enqueued_at=delivery.enqueued_at,
        raw=raw,
        fate=Fate.QUARANTINED,
        reason=_words(refused),
        field=refused.field,
    )


def _unnamed(delivery: Delivery, raw: bytes) -> Identity:
    """The id of a message without an id of its own. The numbers of HTTP requests are ours and unique."""
    if delivery.origin is None:
        return Identity(delivery.ingress, _numbered(delivery))
    return Identity(delivery.origin, own_id(_numbered(delivery), raw))


def _numbered(delivery: Delivery) -> str:
    return f"#{delivery.sequence}"


def _shown(value: object) -> str | None:
    """A text that could not be checked, in a form that can be stored and shown."""
    if not isinstance(value, str):
        return None
    return value[:200].encode("utf-8", "replace").decode().replace("\x00", "?")


def _words(refused: EventRejected | Unmapped) -> str:
    """The reason as a sentence; the field is stored separately."""
    text = f"{refused.problem}; {refused.fix}" if refused.fix else refused.problem
    return text[:1000].encode("utf-8", "replace").decode().replace("\x00", "?")


def _too_large(size: int, limit: int) -> EventRejected:
    return EventRejected(f"is too large ({size} bytes; at most {limit})", fix="send less, or in several requests")


def _is_structured(content_type: str | None) -> bool:
    if content_type is None:
        return False
    essence = content_type.partition(";")[0].strip().lower()
    return essence in (_STRUCTURED, _BATCH)
